"""What verbs print: problems in a format, and counts in words.

In: located problems. Out: text on standard output: without a format of the author's choice one
line each; on a terminal with the source line and a caret.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from framework.language.problems import Located, Rejected
from framework.language.source import Node, Source, load

if TYPE_CHECKING:
    from framework.language.formats import Around

PIPED_WIDTH = 100
"""Cells of a line where there is no terminal to ask."""

TEXT_FORMATS = ("concise", "full", "github")
"""Formats that people read too: whatever else is printed does not spoil them."""


def print_problems(problems: Sequence[Located], form: str | None = None) -> None:
    """Prints problems, which are in file order, in a format of `formats.FORMATS`.

    Without one: full on a terminal, concise elsewhere.
    """
    # Imported here, and below: what only asks for help does not wait for pydantic.
    from framework.language.formats import formatted

    name = form or ("full" if sys.stdout.isatty() else "concise")
    text = formatted(name, problems, _around(problems, name))
    if text:
        click.echo(text)


def _around(problems: Sequence[Located], form: str) -> Around:
    from framework.language.formats import Around

    files = list(dict.fromkeys(problem.file for problem in problems))
    match form:
        case "full":
            return Around(sources=_sources(files), width=_width(), colour=_coloured())
        case "github":
            return Around(sources=_sources(files), paths=_paths(files))
        case "sarif":
            from importlib.metadata import version

            return Around(paths=_paths(files), version=version("pulumi-services"))
        case _:
            return Around()


def _sources(files: Iterable[str]) -> dict[str, Source]:
    """The text of the files, as problems count its lines; unreadable ones have none."""
    found: dict[str, Source] = {}
    for file in files:
        try:
            found[file] = Source(file, load(Path(file), file), Node(0, 0, None))
        except Rejected:
            continue
    return found


def _paths(files: Iterable[str]) -> dict[str, str]:
    return {file: path for file in files if (path := repository_path(file))}


def repository_path(file: str) -> str | None:
    """A file's path from the root of the git work tree that it lies in, if it is in one."""
    path = Path(file).parent.resolve() / Path(file).name
    root = next((folder for folder in path.parents if (folder / ".git").exists()), None)
    return path.relative_to(root).as_posix() if root else None


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPED_WIDTH


def _coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def count(number: int, thing: str) -> str:
    """A number of things in words: "1 route", "3 routes"."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def fail(message: str) -> NoReturn:
    """One clear line about a mistake that is not in services.yaml, and exit code 1."""
    click.echo(f"services: {message}", err=True)
    sys.exit(1)
