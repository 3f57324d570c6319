"""A line of services.yaml as a terminal shows it, and the cells that a problem is about.

In: a located problem and the file's text. Out: `Snippet`; nothing where the line may hold a secret.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from framework.language.messages import suggestion
from framework.language.problems import HIDDEN, Located
from framework.language.source import Source

TAB = 4
"""Cells between the places where tabs end."""

LONGEST_LINE = 4_000
"""Longer lines are not shown, not even in part: such a file was not written by hand."""

_FARTHEST = 1_000
"""Lines that are looked at above one, for the keys that it stands under."""

_KEY = re.compile(r"""(?:^|[\s{\[,?-])["']?([A-Za-z_-]{3,24})["']?[ \t]*:""")


class Snippet(NamedTuple):
    """What is shown of a line; `before` and `carets` count cells of a terminal."""

    text: str
    before: int
    carets: int


def snippet(problem: Located, source: Source, width: int) -> Snippet | None:
    """The problem's line in at most `width` cells, the part around the problem if it is longer."""
    last_line, _ = source.position(len(source.text))
    if problem.line > last_line or may_be_secret(problem, source):
        return None
    line = source.line(problem.line)
    end = problem.end_column if problem.end_line == problem.line else len(line) + 1
    return _snippet(line, problem.column - 1, end - 1, width)


def _snippet(line: str, start: int, end: int, width: int) -> Snippet:
    cells = list(_cells(line))
    widths = [_width(each) for each in cells]
    first, last = _window(widths, min(start, len(cells)), width)
    lead, rest = "…" if first else "", "…" if last < len(cells) else ""
    return Snippet(
        text=lead + "".join(cells[first:last]) + rest,
        before=len(lead) + sum(widths[first:start]),
        carets=max(1, sum(widths[start : min(end, last)])),
    )


def _cells(line: str) -> Iterator[str]:
    """Each character as it is shown: tabs as blanks, what a terminal would obey as U+001B."""
    column = 0
    for character in line:
        shown = character if character.isprintable() else f"U+{ord(character):04X}"
        if character == "\t":
            shown = " " * (TAB - column % TAB)
        column += _width(shown)
        yield shown


def _width(shown: str) -> int:
    """Cells of a terminal: wide characters take two (UAX 11), combining ones none."""
    return sum(_width_of(character) for character in shown)


def _width_of(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _window(widths: Sequence[int], start: int, most: int) -> tuple[int, int]:
    """The first and the last cell to show: all where they fit, else those around `start`."""
    ends = [0, *accumulate(widths)]
    if ends[-1] <= most:
        return 0, len(widths)
    room = max(most - 2, 2)
    first = start
    while first and ends[start] - ends[first - 1] <= room // 2:
        first -= 1
    last = first
    while last < len(widths) and ends[last + 1] - ends[first] <= room:
        last += 1
    while first and ends[last] - ends[first - 1] <= room:
        first -= 1
    return first, last


def may_be_secret(problem: Located, source: Source) -> bool:
    """Whether the line may hold a secret by mistake; then the place alone has to do.

    That is below and beside a key of `HIDDEN`, or one that looks like one with a slip in it. Of a
    text that is no YAML only the indentation tells what stands below what, and that may be wrong:
    there the line above counts too.
    """
    if any(step in HIDDEN for step in re.split(r"[^A-Za-z_]+", problem.where)):
        return True
    numbers = [problem.line]
    if not problem.where:
        above = range(problem.line - 1, 0, -1)
        numbers += [number for number in above[:_FARTHEST] if source.line(number).strip()][:1]
    return any(_is_below_hidden(source, number) for number in numbers)


def _is_below_hidden(source: Source, number: int) -> bool:
    """Whether a line, or one that it stands below, has a key that hides what it leads to."""
    indent = None
    for above in range(number, max(0, number - _FARTHEST), -1):
        line = source.line(above)
        blanks, item = _indent(line)
        if indent is not None and (blanks >= indent or _is_aside(line)):
            continue
        if len(line) > LONGEST_LINE or any(map(_hides, _KEY.findall(line))):
            return True
        indent = blanks + item
        if not indent:
            return False
    # Farther up nobody looks: what cannot be ruled out is not shown.
    return number > _FARTHEST


def _is_aside(line: str) -> bool:
    """Whether a line says nothing of what stands below what."""
    return line.lstrip()[:1] in ("", "#")


def _indent(line: str) -> tuple[int, int]:
    """The blanks before a line, and 1 for a list's item: its key may stand right above it."""
    expanded = line[:LONGEST_LINE].expandtabs(8)
    text = expanded.lstrip()
    return len(expanded) - len(text), int(text.startswith("-"))


def _hides(key: str) -> bool:
    return key in HIDDEN or (key != "environments" and bool(suggestion(key, HIDDEN)))
