"""Values to models: the whole of services.yaml as one pydantic model made of the kinds' sections.

In: a `Source` and the sections there are. Out: a `Document` and problems.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from framework.language.fields import Entry, Name, Region, TagKey, TagValue
from framework.language.messages import problems_of
from framework.language.overlay import with_defaults
from framework.language.problems import Located, Path, Problem
from framework.language.source import Field as FieldNode
from framework.language.source import Node, Source, fields

EntryT = TypeVar("EntryT", bound=Entry)


@dataclass(frozen=True, slots=True)
class Section(Generic[EntryT]):
    """A section of services.yaml: a map of entries by name or, if `single`, one entry.

    `key` is the type of the entries' names; `defaults` says whether `defaults.NAME` may be given.
    """

    name: str
    model: type[EntryT]
    description: str
    key: object = Name
    single: bool = False
    defaults: bool = False


Sections = tuple[Section[Any], ...]
"""All sections there are, in the order of the reference. Any: each has a model of its own."""


class Top(BaseModel):
    """A serverless service: functions, routes, buckets and parameters on AWS."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    service: Annotated[Name, Field(examples=["notes"])]
    """The service's name: the first word of every name on AWS."""

    regions: Annotated[tuple[Region, ...], Field(min_length=1, examples=[["eu-west-1"]])] = ()
    """The AWS regions to deploy to; the first is home. Without it the stack's aws:region is."""

    tags: Annotated[dict[TagKey, TagValue], Field(max_length=40, examples=[{"team": "web"}])] = {}
    """Tags for every resource, beside service and stack, which are always there."""


@dataclass(frozen=True)
class Document:
    """services.yaml, checked. `sections` holds the entries of every section by their names.

    `dropped` are the paths of what is there but has problems of its own; empty once all is well.
    """

    service: str
    regions: tuple[str, ...]
    tags: Mapping[str, str]
    sections: Mapping[str, Mapping[str, Entry]]
    source: Source
    dropped: frozenset[Path] = frozenset()

    def entries(self, section: Section[EntryT]) -> Mapping[str, EntryT]:
        """The entries of a section by name, in the file's order."""
        return cast("Mapping[str, EntryT]", self.sections[section.name])

    def single(self, section: Section[EntryT]) -> EntryT:
        """The one entry of a `single` section; its defaults where the file does not have it."""
        return self.entries(section)[section.name]

    def declares(self, section: str, name: str) -> bool:
        """Whether the file has an entry of this name, be it with problems of its own."""
        whole = (section,) in self.dropped
        return whole or name in self.sections[section] or (section, name) in self.dropped


@dataclass(frozen=True)
class Shaped:
    """What could be made of a source: a document without the parts that have `problems`.

    `document` is None where nothing is left to speak of.
    """

    document: Document | None
    problems: tuple[Located, ...] = ()


def shape(source: Source, sections: Sections) -> Shaped:
    """The document of `source`, with every problem of its shape."""
    root = _without_own_keys(with_defaults(source.root))
    shaped = Source(source.file, source.text, root)
    if not isinstance(root.value, dict):
        problem = Problem("services.yaml is a map: begin with  service: NAME", rule="type")
        return Shaped(None, (shaped.locate(problem),))
    top, problems = _validated(document_model(sections), shaped)
    if top and not problems:
        return Shaped(_document(top, sections, shaped))
    return Shaped(_salvaged(shaped, problems, sections), tuple(shaped.located(problems)))


def _salvaged(source: Source, problems: list[Problem], sections: Sections) -> Document | None:
    """The document without the entries that have problems, so that the others can be linked."""
    dropped = frozenset(_part_with(problem.path, sections) for problem in problems)
    root = Node(source.root.start, source.root.end, dict(_kept(source.root, dropped)))
    rest = Source(source.file, source.text, root)
    top, _ = _validated(document_model(sections), rest)
    return replace(_document(top, sections, source), dropped=dropped) if top else None


def _part_with(path: Path, sections: Sections) -> Path:
    """The entry that a path leads into or, outside of maps of entries, the top-level field."""
    maps = [section.name for section in sections if not section.single]
    return path[:2] if path and path[0] in maps else path[:1]


def _kept(root: Node, dropped: frozenset[Path]) -> Iterator[tuple[str, FieldNode]]:
    for name, field in fields(root).items():
        if (name,) in dropped:
            continue
        entries = {
            key: each for key, each in fields(field.node).items() if (name, key) not in dropped
        }
        whole = isinstance(field.node.value, dict)
        node = Node(field.node.start, field.node.end, entries) if whole else field.node
        yield name, FieldNode(field.start, field.end, node)
    if "service" not in fields(root) or ("service",) in dropped:
        yield "service", FieldNode(0, 0, Node(0, 0, "service"))


def _validated(model: type[Top], source: Source) -> tuple[Top | None, list[Problem]]:
    empty = list(_empty(source.root, ()))
    try:
        return model.model_validate_json(json.dumps(source.root.plain())), empty
    except ValidationError as error:
        paths = {problem.path for problem in empty}
        found = problems_of(error, model, source)
        return None, [*empty, *(problem for problem in found if problem.path not in paths)]


def _empty(node: Node, path: Path) -> Iterator[Problem]:
    """Keys with nothing behind them. Only within a variable's JSON null is a value."""
    if node.value is None:
        yield Problem("has no value: write one, {} for an empty map, or remove the key",
                      path, "key", "no-value")  # fmt: skip
    if "environment" in path[:-1]:
        return
    for step, child in _children(node):
        yield from _empty(child, (*path, step))


def _children(node: Node) -> Iterator[tuple[str | int, Node]]:
    if isinstance(node.value, dict):
        yield from ((name, field.node) for name, field in node.value.items())
    elif isinstance(node.value, list):
        yield from enumerate(node.value)


def _without_own_keys(root: Node) -> Node:
    """Keys that begin with x- are the author's own, for anchors."""
    if not isinstance(root.value, dict):
        return root
    kept = {key: field for key, field in root.value.items() if not key.startswith("x-")}
    return Node(root.start, root.end, kept)


def _document(top: Top, sections: Sections, source: Source) -> Document:
    entries: dict[str, Mapping[str, Entry]] = {}
    for section in sections:
        value = getattr(top, section.name)
        entries[section.name] = MappingProxyType({section.name: value} if section.single else value)
    return Document(
        top.service, top.regions, MappingProxyType(top.tags), MappingProxyType(entries), source
    )


@lru_cache(maxsize=8)
def document_model(sections: Sections) -> type[Top]:
    """The model of the whole file: what `Top` has, `defaults`, and a field for each section."""
    parts: dict[str, Any] = {"defaults": _defaults_field(sections)}
    parts |= {section.name: _section_field(section) for section in sections}
    return create_model("Services", __base__=Top, __doc__=Top.__doc__, **parts)


def _section_field(section: Section[EntryT]) -> tuple[object, object]:
    if section.single:
        default = Field(default_factory=section.model, description=section.description)
        return section.model, default
    # The types are values here, which no type checker can follow.
    annotation = dict[section.key, section.model]  # type: ignore[name-defined]
    return annotation, Field(default_factory=dict, description=section.description)


def _defaults_field(sections: Sections) -> tuple[object, object]:
    models: dict[str, Any] = {
        section.name: (
            _partial(section.model),
            Field(default=None, description=f"What every entry of {section.name} begins with."),
        )
        for section in sections
        if section.defaults
    }
    model = create_model("Defaults", __base__=Entry, **models)
    return model, Field(default=None, description="What entries of a section begin with.")


def _partial(model: type[EntryT]) -> type[Entry]:
    """The model with no field required: what `defaults` may say."""
    optionals: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        optional = info._copy()
        optional.default, optional.default_factory = None, None
        optionals[name] = (info.rebuild_annotation(), optional)
    return create_model(f"{model.__name__}Defaults", __base__=Entry, **optionals)
