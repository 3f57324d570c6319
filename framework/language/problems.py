"""A finding about services.yaml, where it is, and how it reads on one line.

In: a path into the document (or a place in the text) and a sentence. Out: `Problem`, and `Located`
once a `Source` has joined it with line and column. Checks know paths only; places are joined once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""The way into the document: keys of maps and indexes of lists, outermost first."""

MOST_PROBLEMS = 1_000
"""More of one sort are not collected: a hostile file has one for each of its values."""

HIDDEN = frozenset({"value", "environment"})
"""Fields whose values may be secrets by mistake: nothing below them is ever shown."""

_MOST_SHOWN = 60

Severity: TypeAlias = Literal["error", "warning"]
Part: TypeAlias = Literal["key", "value"]

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_$-]+\Z")


class Problem(NamedTuple):
    """One sentence about one path. `part` says whether the key or its value is to blame.

    `span` is given instead of a path where the text itself is at fault (start and end, in
    characters from the beginning of the file). `rule` is a stable word for machines.
    """

    message: str
    path: Path = ()
    part: Part = "value"
    rule: str = "invalid"
    severity: Severity = "error"
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, order=True)
class Located:
    """A problem with its place: lines and columns count from 1, columns in characters."""

    line: int
    column: int
    end_line: int
    end_column: int
    file: str
    where: str
    message: str
    rule: str
    severity: Severity

    def __str__(self) -> str:
        """`services.yaml:5:7: functions.hello.memry: unknown field, did you mean 'memory'?`"""
        label = "warning: " if self.severity == "warning" else ""
        where = f"{self.where}: " if self.where else ""
        return f"{self.file}:{self.line}:{self.column}: {label}{where}{self.message}"


class Rejected(Exception):
    """services.yaml has mistakes; `problems` are all of them, in file order.

    Of one sort (of the text, of empty keys, of the values' shape) at most `MOST_PROBLEMS` are kept.
    """

    def __init__(self, problems: Iterable[Located]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def written(path: Path) -> str:
    """A path as an author reads it: functions.hello.uses["buckets.uploads"][0]."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif len(step) <= _MOST_SHOWN and _PLAIN_KEY.match(step):
            text += f".{step}" if text else step
        else:
            text += f'["{printable(step)}"]'
    return text


def printable(text: str, most: int = _MOST_SHOWN) -> str:
    """Text safe for a terminal: control characters as U+001B, cut to `most` characters."""
    shown = "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in text[: most + 1])
    return shown if len(text) <= most else shown[: most - 1] + "…"
