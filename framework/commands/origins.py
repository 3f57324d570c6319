"""Where each setting of an entry comes from: the entry, the defaults, an environment, or built in.

In: a document, which keeps the place of every value. Out: the settings with their places.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from framework.language.document import Document, Section
from framework.language.fields import Entry
from framework.language.problems import Path, Problem, printable

BUILT_IN = "built in"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it holds: its name, its value as text, and where that is from."""

    name: str
    value: str
    origin: str


def settings(document: Document, section: Section[Any], name: str) -> Iterator[Setting]:
    """Every field of an entry; those that nobody has set are built in."""
    entry = document.sections[section.name][name]
    path = (section.name,) if section.single else (section.name, name)
    for field, value in _shown(entry):
        yield Setting(field, _text(value), origin(document, (*path, field)))


def _shown(entry: Entry) -> Iterator[tuple[str, object]]:
    """The fields with values as the file would write them; those without any are left out."""
    data = entry.model_dump(mode="json", exclude_none=True)
    return ((field, value) for field, value in data.items() if value not in ({}, []))


def _text(value: object) -> str:
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return printable(shown)


def origin(document: Document, path: Path) -> str:
    """`services.yaml:12`, with the environment or the defaults where it is written there."""
    if not document.source.has(path):
        return BUILT_IN
    found = document.source.locate(Problem("", path))
    where = document.written.enclosing(found.line, found.column)
    place = f"{found.file}:{found.line}"
    if where[:1] == ("environments",):
        return f"{place} environment {where[1]}"
    return f"{place} defaults" if where[:1] == ("defaults",) else place
