"""YAML text to a tree of nodes, on PyYAML's events, without recursion and within limits.

In: text. Out: the root `Node` of its one document, or `Rejected`. Composing here rather than with
PyYAML keeps every place, reports duplicate keys, bounds depth, size and aliases, and never executes
or resolves a tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from framework.language.problems import Problem, Rejected, printable
from framework.language.scalars import Scalar, ScalarError, resolve
from framework.language.source import Field, Node, Source

MOST_DEPTH = 50
MOST_NODES = 400_000
_SECOND = "a second document begins here: services.yaml holds one"
_TOO_DEEP = f"more than {MOST_DEPTH} levels of lists and maps"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")
_ALLOWED_TAGS = {
    yaml.ScalarEvent: ("tag:yaml.org,2002:str", "!"),
    yaml.SequenceStartEvent: ("tag:yaml.org,2002:seq", "!"),
    yaml.MappingStartEvent: ("tag:yaml.org,2002:map", "!"),
}
_WORDS = (
    ("found character '\\t'", "a tab cannot indent or separate here: use spaces"),
    ("found character '%'", "put text that begins with % in quotes"),
    ("found character '@'", "put text that begins with @ in quotes"),
    ("found character '`'", "put text that begins with ` in quotes"),
    ("mapping values are not allowed", "a colon cannot stand here: use quotes, or indent"),
    ("found unexpected end of stream", "a quote that is opened is not closed"),
    ("found unexpected document indicator", "a quote that is opened is not closed"),
    ("expected ',' or ']'", "a list opened with [ needs a comma or a closing ]"),
    ("expected ',' or '}'", "a map opened with { needs a comma or a closing }"),
    ("could not find expected ':'", "a colon after the key is missing"),
    ("expected <block end>", "the line is indented unlike its neighbours"),
    ("did not find expected '-' indicator", "the line is indented unlike its neighbours"),
    ("did not find expected key", "the line is indented unlike its neighbours"),
    ("block sequence entries are not allowed", "a list item begins a line"),
    ("found unknown escape character", "an unknown escape: use single quotes, or \\\\"),
    ("found undefined tag handle", "tags are not supported"),
    ("found duplicate anchor", "the anchor is defined twice"),
    ("undefined alias", "the alias refers to an anchor that is not defined before it"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Done:
    """A finished node with how many values it stands for and how many levels, aliases counted."""

    node: Node
    weight: int = 1
    height: int = 0


@dataclass(slots=True)
class _Open:
    """A list or map whose end has not been met yet."""

    node: Node
    anchor: str | None
    weight: int = 1
    height: int = 1
    key: tuple[str, int, int] | None = None
    merges: list[Node] = field(default_factory=list)


def compose(text: str, file: str) -> Source:
    """The source of `text`. Raises `Rejected` with every problem that the text alone has."""
    composer = _Composer(text)
    try:
        _refuse_control_characters(text)
        composer.run()
    except yaml.MarkedYAMLError as error:
        composer.problems.append(_syntax(error, text))
    except _Stop as stop:
        composer.problems.append(stop.problem)
    source = Source(file, text, composer.root or Node(0, 0, {}))
    if composer.problems:
        raise Rejected(source.located(composer.problems))
    return source


class _Stop(Exception):
    """A problem after which nothing sensible can be read."""

    def __init__(self, message: str, start: int, end: int, rule: str) -> None:
        self.problem = Problem(message, span=(start, end), rule=rule)
        super().__init__(message)


class _Composer:
    """Builds the tree from events with a stack of its own: depth costs no Python frames."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Done | None] = {}
        self._nodes = 0

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
                    raise _Stop(_SECOND, *_span(event), "second-document")  # fmt: skip
                case _:
                    pass

    def _events(self) -> Iterator[yaml.Event]:
        return iter(yaml.parse(self.text, Loader=_LOADER))

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        start, end = _span(event)
        if len(self._stack) >= MOST_DEPTH:
            raise _Stop(_TOO_DEEP, start, end, "too-deep")
        self._check_tag(event)
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
        self._finish(closed.anchor, _Done(closed.node, closed.weight, closed.height))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._check_tag(event)
        start, end = _span(event)
        if self._is_key():
            if event.anchor:
                self._anchors[event.anchor] = _Done(Node(start, end, event.value))
            self._stack[-1].key = (event.value, start, end)
            return
        self._finish(event.anchor, _Done(Node(start, end, self._value(event))))

    def _value(self, event: yaml.ScalarEvent) -> Scalar:
        text = str(event.value)
        if any("\ud800" <= character <= "\udfff" for character in text):
            self._problem("half of a surrogate pair is no character", event, "character")
        if not event.implicit[0] or event.tag:
            return text
        try:
            return resolve(text)
        except ScalarError as error:
            self._problem(str(error), event, "number")
            return text

    def _alias(self, event: yaml.AliasEvent) -> None:
        start, end = _span(event)
        name = str(event.anchor)
        if name not in self._anchors:
            message = f"*{name} refers to an anchor that is not defined before it"
            raise _Stop(message, start, end, "alias")
        found = self._anchors[name]
        if found is None:
            raise _Stop(f"*{name} refers to itself", start, end, "alias")
        if not self._is_key():
            self._add(found)
        elif found.height == 0:
            self._stack[-1].key = (str(found.node.value), start, end)
        else:
            raise _key_is_no_text(start, end)

    def _is_key(self) -> bool:
        if not self._stack:
            return False
        parent = self._stack[-1]
        return isinstance(parent.node.value, dict) and parent.key is None

    def _finish(self, anchor: str | None, done: _Done) -> None:
        if anchor:
            self._anchors[anchor] = done
        self._add(done)

    def _add(self, done: _Done) -> None:
        """Puts a finished node into what encloses it; what aliases stand for counts every time."""
        node = done.node
        self._check_size(done)
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        parent.weight += done.weight
        parent.height = max(parent.height, done.height + 1)
        if isinstance(parent.node.value, list):
            parent.node.value.append(node)
        elif isinstance(parent.node.value, dict):
            self._field(parent, parent.node.value, node)

    def _check_size(self, done: _Done) -> None:
        start = done.node.start
        self._nodes += done.weight
        if self._nodes > MOST_NODES:
            message = f"more than {MOST_NODES:,} values, aliases counted"
            raise _Stop(message, start, start + 1, "too-large")
        if len(self._stack) + done.height > MOST_DEPTH:
            raise _Stop(_TOO_DEEP, start, start + 1, "too-deep")

    def _field(self, parent: _Open, into: dict[str, Field], node: Node) -> None:
        if parent.key is None:
            raise _Stop(
                "a key has to be plain text, not a list or a map", node.start, node.end, "key"
            )
        name, start, end = parent.key
        parent.key = None
        if name == "<<" and not self.text.startswith(("'", '"'), start):
            parent.merges.extend(self._merged(node))
        elif name in into:
            line, _ = Source("", self.text, node).position(into[name].start)
            message = f"'{printable(name)}' is already there, in line {line}"
            self.problems.append(Problem(message, span=(start, end), rule="duplicate-key"))
        else:
            into[name] = Field(start, end, node)

    def _merged(self, node: Node) -> list[Node]:
        nodes = node.value if isinstance(node.value, list) else [node]
        if all(isinstance(each.value, dict) for each in nodes):
            return nodes
        self.problems.append(
            Problem(
                "<< merges maps only, such as <<: *name", span=(node.start, node.end), rule="merge"
            )
        )
        return []

    def _check_tag(self, event: yaml.Event) -> None:
        tag = getattr(event, "tag", None)
        if tag and tag not in _ALLOWED_TAGS[type(event)]:
            shown = printable(str(tag).replace("tag:yaml.org,2002:", "!!"))
            self._problem(f"the tag {shown} is not supported", event, "tag")

    def _problem(self, message: str, event: yaml.Event, rule: str) -> None:
        self.problems.append(Problem(message, span=_span(event), rule=rule))


def _key_is_no_text(start: int, end: int) -> _Stop:
    return _Stop("a key has to be plain text, not a list or a map", start, end, "key")


def _span(event: yaml.Event) -> tuple[int, int]:
    start, end = event.start_mark, event.end_mark
    return (start.index if start else 0), (end.index if end else 0)


def _merge(into: dict[str, Field], merges: list[Node]) -> None:
    """Adds the fields of merged maps: own fields win, then the maps in their order."""
    for node in merges:
        if isinstance(node.value, dict):
            for name, merged in node.value.items():
                into.setdefault(name, merged)


def _refuse_control_characters(text: str) -> None:
    found = _CONTROL.search(text)
    if found:
        name = f"U+{ord(found.group()):04X}"
        raise _Stop(
            f"the control character {name} is not allowed", found.start(), found.end(), "character"
        )


def _syntax(error: yaml.MarkedYAMLError, text: str) -> Problem:
    """The place and the words for a parser's complaint: where the open bracket or quote stands."""
    said = f"{error.problem or ''} {error.context or ''}"
    mark = error.problem_mark or error.context_mark
    message = next((ours for theirs, ours in _WORDS if theirs in said), "this is not YAML")
    if error.context_mark and "opened" in message:
        mark = error.context_mark
    index = min(mark.index if mark else 0, max(len(text) - 1, 0))
    line = text[:index].rpartition("\n")[2] + text[index:].partition("\n")[0]
    if line.startswith(("<<<<<<<", "=======", ">>>>>>>")):
        message = "a merge conflict is left in the file"
    elif "{{" in line:
        message = "put text with {{ in quotes"
    return Problem(message, span=(index, index + 1), rule="syntax")
