"""The text of services.yaml as plain values, with the place of every key and value.

In: a file. Out: `Source`, or `Rejected` with the problems of the text itself. The tree of `Node`
keeps characters' positions; a place by path is looked up when a problem needs it, never before.
"""

from __future__ import annotations

import re
import stat
from array import array
from bisect import bisect_right
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path as FilePath
from typing import TypeAlias

from framework.language.problems import Located, Path, Problem, Rejected, written
from framework.language.scalars import Scalar

Plain: TypeAlias = "Scalar | list[Plain] | dict[str, Plain]"
"""What YAML text says, as Python's own values: what JSON could say too."""

_LINE_END = re.compile(r"\r\n|\n|\r")

MOST_BYTES = 8 * 1024 * 1024
"""Larger files are refused before they are read."""

MOST_VALUES = 200_000
"""Keys and values of a document, what aliases and defaults stand for counted every time.

As many mistakes can be in it, and pydantic keeps them all: this bounds the memory to 256 MiB.
"""

MOST_CHARACTERS = MOST_BYTES
"""Characters of a document's keys and values, counted like `MOST_VALUES`."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much a value stands for, written out."""

    values: int = 1
    characters: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.values + other.values, self.characters + other.characters)

    def times(self, number: int) -> Size:
        """The size of so many copies."""
        return Size(self.values * number, self.characters * number)

    def excess(self) -> str:
        """What there is too much of, in words; nothing within the limits."""
        if self.values > MOST_VALUES:
            return f"more than {MOST_VALUES:,} keys and values"
        if self.characters > MOST_CHARACTERS:
            return f"more than {MOST_CHARACTERS:,} characters of text"
        return ""


@dataclass(slots=True)
class Node:
    """A value with the place it stands at; `start` and `end` count characters of the text."""

    start: int
    end: int
    value: Scalar | list[Node] | dict[str, Field]

    def plain(self) -> Plain:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: item.node.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value

    def size(self) -> Size:
        """How much the value stands for, itself included."""
        size = Size(1, len(self.value) if isinstance(self.value, str) else 0)
        if isinstance(self.value, dict):
            for key, item in self.value.items():
                size += item.node.size() + Size(1, len(key))
        elif isinstance(self.value, list):
            for each in self.value:
                size += each.size()
        return size


@dataclass(slots=True)
class Field:
    """A key of a map with its place, and what it leads to."""

    start: int
    end: int
    node: Node


@dataclass(frozen=True)
class Source:
    """One file, read. `file` is its name as the author gave it, `root` the tree of its values."""

    file: str
    text: str
    root: Node = field(repr=False)

    @cached_property
    def _line_starts(self) -> array[int]:
        # An array, because a file may consist of eight million line ends.
        return array("L", chain((0,), (end.end() for end in _LINE_END.finditer(self.text))))

    def position(self, index: int) -> tuple[int, int]:
        """Line and column, from 1, of a character of the text. CR, LF and CR LF end a line."""
        line = bisect_right(self._line_starts, index)
        return line, index - self._line_starts[line - 1] + 1

    def at(self, path: Path) -> Node | None:
        """What stands at this path of the document, if anything does."""
        node = self.root
        for step in path:
            found = child(node, step)
            if found is None:
                return None
            node = found[1]
        return node

    def text_at(self, path: Path) -> str:
        """The text of what stands at this path; empty where nothing does."""
        node = self.at(path)
        return self.text[node.start : node.end] if node else ""

    def has(self, path: Path) -> bool:
        """Whether something stands at this path of the document."""
        return self.at(path) is not None

    def enclosing(self, line: int, column: int) -> Path:
        """The path to what stands at a place, as deep as keys go."""
        node: Node = self.root
        path: Path = ()
        while inner := self._field_at(node, (line, column)):
            name, node = inner
            path = (*path, name)
        return path

    def _field_at(self, node: Node, place: tuple[int, int]) -> tuple[str, Node] | None:
        for name, each in fields(node).items():
            if self.position(each.start) <= place < self.position(max(each.end, each.node.end)):
                return name, each.node
        return None

    def line(self, number: int) -> str:
        """The text of one line, from 1, without its end."""
        start = self._line_starts[number - 1]
        following = self._line_starts[number : number + 1]
        return self.text[start : following[0] if following else None].rstrip("\r\n")

    def locate(self, problem: Problem) -> Located:
        """The problem with its place: that of its path, or of the nearest part there is."""
        start, end = problem.span or self._span(problem)
        line, column = self.position(start)
        # At the end of a line, or of the file, there is nothing to point at but the end itself.
        end_line, end_column = (line, column + 1)
        if end > start and start < self._end_of_line(start):
            end_line, end_column = self.position(end)
        where = written(problem.path)
        return Located(line, column, end_line, end_column, self.file, where,
                       problem.message, problem.rule, problem.severity)  # fmt: skip

    def located(self, problems: Iterable[Problem]) -> list[Located]:
        """The problems with their places, in file order, one for each place and message."""
        unique: dict[tuple[int, int, str], Located] = {}
        for problem in map(self.locate, problems):
            unique.setdefault((problem.line, problem.column, problem.message), problem)
        return sorted(unique.values())

    def _span(self, problem: Problem) -> tuple[int, int]:
        node, span = self.root, (self.root.start, self.root.start)
        for step, last in zip(problem.path, _lasts(problem.path), strict=True):
            found = child(node, step)
            if found is None:
                return span
            key, node = found
            span = (key.start, key.end)
            if last and problem.part == "value":
                return node.start, min(node.end, self._end_of_line(node.start))
        return span

    def _end_of_line(self, index: int) -> int:
        line, _ = self.position(index)
        return self._line_starts[line - 1] + len(self.line(line))


def _lasts(path: Path) -> list[bool]:
    return [False] * (len(path) - 1) + [True] if path else []


def child(node: Node, step: str | int) -> tuple[Node | Field, Node] | None:
    """What a step of a path leads to: the place of its key, or of the item, and its node."""
    if isinstance(node.value, dict) and isinstance(step, str) and step in node.value:
        found = node.value[step]
        return found, found.node
    if isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def decode(data: bytes, file: str) -> str:
    """The text of a file: UTF-8, one byte order mark allowed.

    Raises `Rejected` with the place of the first byte that is none.
    """
    data = data.removeprefix(BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        message = "the file is not UTF-8 text"
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            message = "the file is UTF-16 text: save it as UTF-8"
        source = Source(file, before + "?", Node(0, 0, None))
        raise Rejected(
            [source.locate(Problem(message, span=(len(before), len(before) + 1), rule="encoding"))]
        ) from None


def load(path: FilePath, file: str) -> str:
    """The text of a regular file of at most `MOST_BYTES`.

    Raises `Rejected` with the reason it cannot be had.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _unreadable(file, "is not a regular file")
        if status.st_size > MOST_BYTES:
            raise _unreadable(file, "is larger than 8 MiB")
        return decode(path.read_bytes(), file)
    except FileNotFoundError:
        raise _unreadable(
            file, "does not exist: 'services init' makes a first one, --file names another"
        ) from None
    except OSError as error:
        raise _unreadable(
            file, f"cannot be read: {(error.strerror or 'unknown reason').lower()}"
        ) from None


def _unreadable(file: str, reason: str) -> Rejected:
    source = Source(file, "", Node(0, 0, None))
    return Rejected([source.locate(Problem(reason, rule="unreadable"))])


def fields(node: Node) -> Mapping[str, Field]:
    """The fields of a map's node; none for other nodes."""
    return node.value if isinstance(node.value, dict) else {}
