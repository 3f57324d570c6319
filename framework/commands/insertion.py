"""An entry put into the text of a services.yaml, all else left as it is, to the byte.

In: a `Source` and a `NewEntry`. Out: the source with the entry, in the layout that its section has,
or `NoPlace`. Nothing is taken away or written anew: text is only put in between, and the result
counts only when it reads as the old values and the new entry. A round trip through a YAML library
would keep comments, but neither alignment nor line ends nor every quote.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, TypeAlias

import yaml

from framework.language.composer import compose
from framework.language.problems import Rejected
from framework.language.scalars import ScalarError, resolve
from framework.language.source import Plain, Source

Edits: TypeAlias = tuple[tuple[int, str], ...]
"""Where in the text something is put in, in ascending order."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEFAULT_INDENT = 2
_LINE_END = re.compile(r"\r\n|\n|\r")
_BLANK_LINE = re.compile(r"(\r\n|\n|\r(?!\n))[ \t]*(\r\n|\n|\r)")
_BLOCK_WORD = re.compile(r"[A-Za-z$][A-Za-z0-9_./{}+~$-]*( [A-Za-z0-9_./{}+~$-]+)*\Z")
_OLD_WORDS = frozenset({"y", "n", "yes", "no", "on", "off"})
"""True and false for readers of YAML 1.1, in any case."""


class NoPlace(Exception):
    """Why the entry cannot be put in without changing something else, in one line."""


class NewEntry(NamedTuple):
    """`sections.name` with flat fields; `after` are the keys at the top that come before."""

    section: str
    name: str
    fields: Mapping[str, str | bool]
    after: tuple[str, ...] = ()
    wide: bool = False
    """Whether fields get lines of their own where no neighbour shows how it is done here."""


@dataclass(slots=True)
class _Part:
    """A node as it stands in the text; `end` is that of its last character."""

    start: int
    end: int
    style: Literal["block", "flow", "other"] = "other"
    text: str = ""
    is_map: bool = False
    parts: list[_Part] = field(default_factory=list)

    @property
    def pairs(self) -> list[tuple[_Part, _Part]]:
        """Keys and values of a map."""
        return list(zip(self.parts[::2], self.parts[1::2], strict=True)) if self.is_map else []


def with_entry(source: Source, entry: NewEntry) -> Source:
    """The source with the entry. Raises `NoPlace`; the entry must not be there yet."""
    expected = _expected(source.root.plain(), entry)
    for edits in _Layout(source.text).places(entry):
        try:
            changed = compose(_applied(source.text, edits), source.file)
        except Rejected:
            continue
        if changed.root.plain() == expected:
            return changed
    raise NoPlace(
        f"{entry.section} is written in a way that only a person can add to: add  "
        f"{_flow_entry(entry)}"
    )


def _expected(old: Plain, entry: NewEntry) -> Plain:
    top = old if isinstance(old, dict) else {}
    section = top.get(entry.section)
    entries = section if isinstance(section, dict) else {}
    said: dict[str, Plain] = {**entry.fields}
    return {**top, entry.section: {**entries, entry.name: said}}


def _applied(text: str, edits: Edits) -> str:
    pieces, last = [], 0
    for index, added in edits:
        pieces += [text[last:index], added]
        last = index
    return "".join([*pieces, text[last:]])


def quoted(text: str, flow: bool = False) -> str:
    """A text for YAML, in quotes where any reader, old or new, would take it for something else."""
    try:
        plain = isinstance(resolve(text), str) if text else False
    except ScalarError:
        plain = False
    if flow and not {"{", "}"}.isdisjoint(text):
        plain = False
    if plain and _BLOCK_WORD.match(text) and text.lower() not in _OLD_WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def _scalar(value: str | bool) -> str:
    return quoted(value, flow=True) if isinstance(value, str) else json.dumps(value)


def _flow_map(fields: Mapping[str, str | bool]) -> str:
    return "{" + ", ".join(f"{name}: {_scalar(value)}" for name, value in fields.items()) + "}"


def _flow_entry(entry: NewEntry) -> str:
    return f"{quoted(entry.name, flow=True)}: {_flow_map(entry.fields)}"


class _Layout:
    """How a text is laid out: its tree with places, its line ends, its indentation."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root = _tree(text)
        found = _LINE_END.search(text)
        self.newline = found.group() if found else "\n"

    def places(self, entry: NewEntry) -> Iterator[Edits]:
        """The edits that may bring the entry in, the likeliest first."""
        root = self.root
        if root is None or not root.pairs:
            return
        section = {key.text: (key, value) for key, value in root.pairs}.get(entry.section)
        if section is None and root.style == "flow":
            yield self._into_flow(root, _nested(entry, _json(root)))
        elif section is None:
            yield from self._new_section(root, entry)
        elif section[1].style == "flow" and section[1].is_map:
            yield self._into_flow(section[1], _as_flow(entry, _json(section[1])))
        elif section[1].style == "block" and section[1].pairs:
            yield from self._into_block(section[1], entry)
        elif section[1].start == section[1].end and root.style == "block":
            yield from self._under_key(section[0], section[1], entry)

    def _into_block(self, section: _Part, entry: NewEntry) -> Iterator[Edits]:
        """Below the last entry and the comments that belong to it."""
        first, last = section.pairs[0][0], section.pairs[-1][1]
        indent = self._column(first.start)
        lines = self._entry(entry, indent, self._model(section))
        for place in self._below(last.end, indent):
            yield ((place, self._lines(place, lines)),)

    def _under_key(self, key: _Part, value: _Part, entry: NewEntry) -> Iterator[Edits]:
        """A section that has its key and nothing else, but perhaps comments."""
        column = self._column(key.start)
        indent = column + self._unit()
        lines = self._entry(entry, indent, None)
        for place in self._below(value.end, column + 1):
            yield ((place, self._lines(place, lines)),)

    def _new_section(self, root: _Part, entry: NewEntry) -> Iterator[Edits]:
        """Below the last of the sections that come before it, apart as those are."""
        column = self._column(root.pairs[0][0].start)
        known = [value for key, value in root.pairs if key.text in entry.after]
        last = max(known or [root.pairs[-1][1]], key=lambda part: part.end)
        lines = [
            *([""] if self._apart(root) else []),
            " " * column + f"{entry.section}:",
            *self._entry(entry, column + self._unit(), None),
        ]
        for place in self._below(last.end, column + 1):
            yield ((place, self._lines(place, lines)),)

    def _into_flow(self, section: _Part, added: str) -> Edits:
        """After the last entry within the braces, on a line of its own where the others are."""
        if not section.pairs:
            return ((section.end - 1, added),)
        key, end = section.pairs[-1][0], section.pairs[-1][1].end
        rest = re.match(r"[ \t]*,", self.text[end : end + 200])
        margin = self.text[self._line_start(key.start) : key.start]
        following = self._next_line(end)
        if margin.strip():
            return ((end + rest.end(), f" {added}"),) if rest else ((end, f", {added}"),)
        if following >= section.end:
            return ((end, f",{self.newline}{margin}{added}"),)
        line = f"{margin}{added}{',' if rest else ''}{self.newline}"
        return ((following, line),) if rest else ((end, ","), (following, line))

    def _entry(self, entry: NewEntry, indent: int, like: _Part | None) -> list[str]:
        """The entry's lines: as its neighbour is written or, without one, as its kind is."""
        margin, name = " " * indent, quoted(entry.name)
        wide = like.style == "block" if like else entry.wide
        if not wide or not entry.fields:
            return [f"{margin}{name}: {_flow_map(entry.fields)}"]
        deeper = self._column(like.pairs[0][0].start) if like else indent + self._unit()
        fields = [f"{' ' * deeper}{key}: {_scalar(value)}" for key, value in entry.fields.items()]
        return [f"{margin}{name}:", *fields]

    def _model(self, section: _Part) -> _Part | None:
        """The nearest neighbour with fields."""
        filled = [value for _, value in section.pairs if value.pairs]
        return filled[-1] if filled else None

    def _lines(self, place: int, lines: Iterable[str]) -> str:
        """Lines for a place; where the file ends without a line end, they do so too."""
        joined = self.newline.join(lines)
        open_end = place == len(self.text) and not self.text.endswith(("\n", "\r"))
        return f"{self.newline}{joined}" if open_end else f"{joined}{self.newline}"

    def _below(self, end: int, indent: int) -> Iterator[int]:
        """Where the line after what ends at `end` begins, comments as deep as `indent` passed.

        A block text ends where the next line begins; the blank lines before may be part of it.
        """
        start_of_line = end > 0 and self.text[end - 1] in "\r\n"
        after = end if start_of_line else self._next_line(end)
        if start_of_line:
            content = len(self.text[:end].rstrip(" \t\r\n"))
            yield self._past_comments(self._next_line(content), indent)
        yield self._past_comments(after, indent)

    def _past_comments(self, start: int, indent: int) -> int:
        place = position = start
        while position < len(self.text):
            following = self._next_line(position)
            line = self.text[position:following]
            content = line.lstrip(" ")
            if content.startswith("#") and len(line) - len(content) >= indent:
                place = following
            elif content.strip():
                break
            position = following
        return place

    def _apart(self, root: _Part) -> bool:
        """Whether there are blank lines between the sections; with nothing to go by there are."""
        between = [
            self.text[one[1].end : other[0].start]
            for one, other in zip(root.pairs, root.pairs[1:], strict=False)
        ]
        return not between or any(_BLANK_LINE.search(text) for text in between)

    def _unit(self) -> int:
        """By how many blanks the first section with entries is indented."""
        root = self.root
        for key, value in root.pairs if root else ():
            if value.style == "block" and value.pairs:
                deeper = self._column(value.pairs[0][0].start) - self._column(key.start)
                return deeper if deeper > 0 else _DEFAULT_INDENT
        return _DEFAULT_INDENT

    def _line_start(self, index: int) -> int:
        return max(self.text.rfind("\n", 0, index), self.text.rfind("\r", 0, index)) + 1

    def _column(self, index: int) -> int:
        return index - self._line_start(index)

    def _next_line(self, index: int) -> int:
        found = _LINE_END.search(self.text, index)
        return found.end() if found else len(self.text)


def _json(part: _Part) -> bool:
    """Whether a map in braces is JSON, as far as its last key tells."""
    return bool(part.pairs) and part.pairs[-1][0].style == "flow"


def _as_flow(entry: NewEntry, as_json: bool) -> str:
    if not as_json:
        return _flow_entry(entry)
    return f"{json.dumps(entry.name)}: {json.dumps(dict(entry.fields), ensure_ascii=False)}"


def _nested(entry: NewEntry, as_json: bool) -> str:
    name = json.dumps(entry.section) if as_json else entry.section
    return f"{name}: {{{_as_flow(entry, as_json)}}}"


def _tree(text: str) -> _Part | None:
    """The one document of a text that has been composed before, hence is within all limits."""
    root: _Part | None = None
    stack: list[_Part] = []
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            stack.append(_opened(event))
            continue
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            part = _closed(stack.pop(), event)
        elif isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
            part = _leaf(event)
        else:
            continue
        if stack:
            stack[-1].parts.append(part)
        else:
            root = part
    return root


def _opened(event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> _Part:
    style: Literal["block", "flow"] = "flow" if event.flow_style else "block"
    is_map = isinstance(event, yaml.MappingStartEvent)
    return _Part(_index(event.start_mark), _index(event.end_mark), style, is_map=is_map)


def _closed(part: _Part, event: yaml.Event) -> _Part:
    """A map in braces ends with its brace; another one where the last thing in it does."""
    if part.style == "flow":
        part.end = _index(event.end_mark)
    elif part.parts:
        part.end = part.parts[-1].end
    return part


def _leaf(event: yaml.ScalarEvent | yaml.AliasEvent) -> _Part:
    start, end = _index(event.start_mark), _index(event.end_mark)
    if isinstance(event, yaml.AliasEvent):
        return _Part(start, end)
    style: Literal["flow", "other"] = "flow" if event.style == '"' else "other"
    return _Part(start, end, style, str(event.value))


class _Mark(Protocol):
    @property
    def index(self) -> int: ...


def _index(mark: _Mark | None) -> int:
    return mark.index if mark else 0
