"""Where each setting of an entry comes from: the entry, the defaults, an environment, or built in.

In: a document, which keeps the place of every value. Out: the settings with their places.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from framework.language.document import Document, Section
from framework.language.problems import Path, Problem, printable

BUILT_IN = "built in"

_Leaf = tuple[tuple[str, ...], object]


class Setting(NamedTuple):
    """One setting as it holds: its name, its value as text, and where that is from."""

    name: str
    value: str
    origin: str


def settings(document: Document, section: Section[Any], name: str) -> Iterator[Setting]:
    """Every field of an entry, those within maps by themselves; what nobody has set is built in."""
    entry = document.sections[section.name][name]
    path = (section.name,) if section.single else (section.name, name)
    data = entry.model_dump(mode="json", exclude_none=True)
    for inner, value in _leaves(data, ()):
        yield Setting(".".join(inner), _text(value), origin(document, (*path, *inner)))


def _leaves(data: Mapping[str, object], path: tuple[str, ...]) -> Iterator[_Leaf]:
    """What the maps within a map hold; empty maps and lists hold nothing worth saying."""
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, name))
        elif value != []:
            yield (*path, name), value


def _text(value: object) -> str:
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return printable(shown, most=200)


def origin(document: Document, path: Path) -> str:
    """`services.yaml:12`, with the environment or the defaults where it is written there."""
    written = _written(document, path)
    if written is None:
        return BUILT_IN
    found = document.source.locate(Problem("", written))
    where = document.written.enclosing(found.line, found.column)
    place = f"{found.file}:{found.line}"
    if where[:1] == ("environments",):
        return f"{place} environment {where[1]}"
    return f"{place} defaults" if where[:1] == ("defaults",) else place


def _written(document: Document, path: Path) -> Path | None:
    """The path, or that of the short form that stands for the map it leads into."""
    if document.source.has(path):
        return path
    above = document.source.at(path[:-1]) if path else None
    return path[:-1] if above is not None and not isinstance(above.value, dict) else None
