"""YAML text to a tree of nodes, on PyYAML's events, without recursion and within limits.

In: text. Out: the `Source` of its one document, or `Rejected`. Composing here rather than with
PyYAML keeps every place, reports duplicate keys, bounds depth, size and aliases, and never executes
or resolves a tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import yaml

from framework.language import syntax
from framework.language.problems import HIDDEN, MOST_PROBLEMS, Problem, Rejected, printable
from framework.language.scalars import Scalar, ScalarError, resolve
from framework.language.source import Field, Node, Size, Source

MOST_DEPTH = 50
_TOO_DEEP = f"more than {MOST_DEPTH} levels of lists and maps"
_NO_TEXT_KEY = "a key has to be plain text, not a list or a map"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff\ud800-\udfff]"
)
_LINE_ENDS_FOR_SOME = re.compile("[\x85\u2028\u2029]")
_ALLOWED_TAGS = {
    yaml.ScalarEvent: ("tag:yaml.org,2002:str", "!"),
    yaml.SequenceStartEvent: ("tag:yaml.org,2002:seq", "!"),
    yaml.MappingStartEvent: ("tag:yaml.org,2002:map", "!"),
}


class _Done(NamedTuple):
    """A finished node with what it stands for and how many levels it has, aliases counted."""

    node: Node
    size: Size
    height: int = 0


class _Key(NamedTuple):
    name: str
    start: int
    end: int
    merges: bool


@dataclass(slots=True)
class _Open:
    """A list or map whose end has not been met yet."""

    node: Node
    anchor: str | None
    size: Size = field(default_factory=Size)
    height: int = 1
    key: _Key | None = None
    merges: list[Node] = field(default_factory=list)


def compose(text: str, file: str) -> Source:
    """The source of `text`. Raises `Rejected` with every problem that the text alone has."""
    composer = _Composer(text)
    try:
        _refuse_characters(text)
        if conflict := syntax.conflict(text):
            raise _Stop(conflict)
        composer.run()
    except _Stop as stop:
        composer.problems.append(stop.problem)
    source = Source(file, text, composer.root or Node(0, 0, {}))
    if composer.problems:
        raise Rejected(source.located(composer.problems))
    return source


class _Stop(Exception):
    """A problem after which nothing sensible can be read."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


def _stop(message: str, start: int, end: int, rule: str) -> _Stop:
    return _Stop(Problem(message, span=(start, end), rule=rule))


class _Composer:
    """Builds the tree from events with a stack of its own: depth costs no Python frames."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._source = Source("", text, Node(0, 0, None))
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Done | None] = {}
        self._size = Size(0, 0)
        self._quoted: tuple[int, int] | None = None

    def run(self) -> None:
        for event in self._events():
            match event:
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._open(event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._close(event)
                case yaml.ScalarEvent():
                    self._scalar(event)
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.DocumentStartEvent() if self.root is not None:
                    raise _stop(syntax.SECOND_DOCUMENT, *_span(event), "second-document")
                case _:
                    pass

    def _events(self) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(self.text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            raise _Stop(
                syntax.problem_of(error, self.text, self._bracket(), self._quoted)
            ) from None
        except ValueError:
            # The pure parser's, for an escape such as \U00110000 that is no character.
            raise _stop("an escape that is no character", *self._last(), "syntax") from None

    def _bracket(self) -> int | None:
        """Where the innermost list or map that is still open begins, if it is one in brackets."""
        start = self._stack[-1].node.start if self._stack else 0
        return start if self._stack and self.text[start : start + 1] in ("[", "{") else None

    def _last(self) -> tuple[int, int]:
        """The place of the innermost thing that was begun."""
        if not self._stack:
            return 0, 1
        key = self._stack[-1].key
        return (key.start, key.end) if key else (self._stack[-1].node.start,) * 2

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        start, end = _span(event)
        if len(self._stack) >= MOST_DEPTH:
            raise _stop(_TOO_DEEP, start, end, "too-deep")
        self._check_tag(event)
        self._count(Size(), start)
        empty: list[Node] | dict[str, Field] = (
            {} if isinstance(event, yaml.MappingStartEvent) else []
        )
        if event.anchor:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(Node(start, end, empty), event.anchor))

    def _close(self, event: yaml.Event) -> None:
        closed = self._stack.pop()
        _, closed.node.end = _span(event)
        if isinstance(closed.node.value, dict):
            _merge(closed.node.value, closed.merges)
        self._finish(closed.anchor, _Done(closed.node, closed.size, closed.height))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._check_tag(event)
        self._check_characters(event)
        start, end = _span(event)
        self._quoted = (start, end) if event.style in ("'", '"') else None
        text = str(event.value)
        size = Size(1, len(text))
        self._count(size, start)
        if self._is_key():
            if event.anchor:
                self._anchors[event.anchor] = _Done(Node(start, end, text), size)
            plain = bool(event.implicit[0])
            self._stack[-1].key = _Key(text, start, end, plain and text == "<<")
            return
        self._finish(event.anchor, _Done(Node(start, end, self._value(event)), size))

    def _value(self, event: yaml.ScalarEvent) -> Scalar:
        text = str(event.value)
        if not event.implicit[0] or event.tag:
            return text
        try:
            return resolve(text)
        except ScalarError as error:
            message = error.hidden if self._is_hidden() else str(error)
            self._problem(message, *_span(event), "number")
            return text

    def _alias(self, event: yaml.AliasEvent) -> None:
        start, end = _span(event)
        name = "the alias" if self._is_hidden() else f"*{printable(str(event.anchor))}"
        if event.anchor not in self._anchors:
            message = f"{name} refers to an anchor that is not defined before it"
            raise _stop(f"{message}: use quotes if it is text", start, end, "alias")
        found = self._anchors[event.anchor]
        if found is None:
            raise _stop(f"{name} refers to itself", start, end, "alias")
        self._count(found.size, start)
        if not self._is_key():
            self._add(found, start)
        elif isinstance(found.node.value, str):
            self._stack[-1].key = _Key(found.node.value, start, end, merges=False)
        else:
            raise _stop(_NO_TEXT_KEY, start, end, "key")

    def _is_key(self) -> bool:
        if not self._stack:
            return False
        parent = self._stack[-1]
        return isinstance(parent.node.value, dict) and parent.key is None

    def _is_hidden(self) -> bool:
        return any(each.key is not None and each.key.name in HIDDEN for each in self._stack)

    def _finish(self, anchor: str | None, done: _Done) -> None:
        if anchor:
            self._anchors[anchor] = done
        self._add(done, done.node.start)

    def _add(self, done: _Done, start: int) -> None:
        """Puts a finished node, or at `start` an alias of it, into what encloses it."""
        node = done.node
        if len(self._stack) + done.height > MOST_DEPTH:
            raise _stop(_TOO_DEEP, start, start + 1, "too-deep")
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        parent.size += done.size
        parent.height = max(parent.height, done.height + 1)
        if isinstance(parent.node.value, list):
            parent.node.value.append(node)
        elif isinstance(parent.node.value, dict):
            self._field(parent, parent.node.value, node)

    def _count(self, size: Size, start: int) -> None:
        """Adds to the size of the whole; what an alias stands for counts every time."""
        self._size += size
        if excess := self._size.excess():
            raise _stop(f"{excess}, aliases counted", start, start + 1, "too-large")

    def _field(self, parent: _Open, into: dict[str, Field], node: Node) -> None:
        key = parent.key
        if key is None:
            raise self._no_key(node)
        parent.key = None
        parent.size += Size(1, len(key.name))
        if key.merges:
            parent.merges.extend(self._merged(node))
        elif key.name in into:
            line, _ = self._source.position(into[key.name].start)
            message = f"'{printable(key.name)}' is already there, in line {line}"
            self._problem(message, key.start, key.end, "duplicate-key")
        else:
            into[key.name] = Field(key.start, key.end, node)

    def _no_key(self, node: Node) -> _Stop:
        """What stands where a key belongs is no text; most often it is a template: {{ x }}."""
        if self.text[max(node.start - 1, 0) : node.start + 1] == "{{":
            return _Stop(syntax.template(self.text, node.start - 1))
        return _stop(_NO_TEXT_KEY, node.start, node.end, "key")

    def _merged(self, node: Node) -> list[Node]:
        nodes = node.value if isinstance(node.value, list) else [node]
        if all(isinstance(each.value, dict) for each in nodes):
            return nodes
        self._problem("<< merges maps only, such as <<: *name", node.start, node.end, "merge")
        return []

    def _check_tag(self, event: yaml.Event) -> None:
        tag = getattr(event, "tag", None)
        if tag and tag not in _ALLOWED_TAGS[type(event)]:
            shown = str(tag).replace("tag:yaml.org,2002:", "!!")
            name = "a tag" if self._is_hidden() else f"the tag {printable(shown)}"
            message = f"{name} is not supported: use quotes if it is text"
            self._problem(message, *_span(event), "tag")

    def _check_characters(self, event: yaml.ScalarEvent) -> None:
        """Escapes can say what no editor shows, and a terminal would obey."""
        found = _CONTROL.search(event.value)
        if found:
            self._problem(_not_allowed(found.group()), *_span(event), "character")

    def _problem(self, message: str, start: int, end: int, rule: str) -> None:
        self.problems.append(Problem(message, span=(start, end), rule=rule))
        if len(self.problems) >= MOST_PROBLEMS:
            raise _stop("too many problems: the rest is not read", start, end, "too-many")


def _span(event: yaml.Event) -> tuple[int, int]:
    start, end = event.start_mark, event.end_mark
    return (start.index if start else 0), (end.index if end else 0)


def _merge(into: dict[str, Field], merges: list[Node]) -> None:
    """Adds the fields of merged maps: own fields win, then the maps in their order."""
    for node in merges:
        if isinstance(node.value, dict):
            for name, merged in node.value.items():
                into.setdefault(name, merged)


def _refuse_characters(text: str) -> None:
    found = _CONTROL.search(text)
    if found:
        raise _stop(_not_allowed(found.group()), found.start(), found.end(), "character")
    found = _LINE_ENDS_FOR_SOME.search(text)
    if found:
        # libyaml reads on in a new line where editors show a comment going on.
        message = f"the character {_name(found.group())} ends a line for some readers: remove it"
        raise _stop(message, found.start(), found.end(), "character")


def _not_allowed(character: str) -> str:
    return f"the character {_name(character)} is not allowed"


def _name(character: str) -> str:
    return f"U+{ord(character):04X}"
