"""Values to models: the whole of services.yaml as one pydantic model made of the kinds' sections.

In: a `Source` and the sections there are. Out: a `Document`, or `Rejected`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from framework.language.fields import Entry, Name, Region, TagKey, TagValue
from framework.language.messages import problems_of
from framework.language.overlay import with_defaults
from framework.language.problems import Path, Problem, Rejected
from framework.language.source import Node, Source

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
    """services.yaml, checked. `sections` holds the entries of every section by their names."""

    service: str
    regions: tuple[str, ...]
    tags: Mapping[str, str]
    sections: Mapping[str, Mapping[str, Entry]]
    source: Source

    def entries(self, section: Section[EntryT]) -> Mapping[str, EntryT]:
        """The entries of a section by name, in the file's order."""
        return cast("Mapping[str, EntryT]", self.sections[section.name])

    def single(self, section: Section[EntryT]) -> EntryT:
        """The one entry of a `single` section; its defaults where the file does not have it."""
        return self.entries(section)[section.name]

    def has(self, address: str) -> bool:
        """Whether there is an entry of this address, such as "buckets.notes"."""
        section, _, name = address.partition(".")
        return name in self.sections.get(section, {})


def shape(source: Source, sections: Sections) -> Document:
    """The document of `source`. Raises `Rejected` with every problem of its shape."""
    root = _without_own_keys(with_defaults(source.root))
    shaped = Source(source.file, source.text, root)
    if not isinstance(root.value, dict):
        problem = Problem("services.yaml is a map: begin with  service: NAME", rule="type")
        raise Rejected([shaped.locate(problem)])
    top, problems = _validated(document_model(sections), shaped)
    empty = list(_empty(root, ()))
    paths = {problem.path for problem in empty}
    problems = [*empty, *(problem for problem in problems if problem.path not in paths)]
    if problems or top is None:
        raise Rejected(shaped.located(problems))
    return _document(top, sections, shaped)


def _validated(model: type[Top], source: Source) -> tuple[Top | None, list[Problem]]:
    try:
        return model.model_validate_json(json.dumps(source.root.plain())), []
    except ValidationError as error:
        return None, problems_of(error, model, source)


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
    fields: dict[str, Any] = {"defaults": _defaults_field(sections)}
    fields |= {section.name: _section_field(section) for section in sections}
    return create_model("Services", __base__=Top, __doc__=Top.__doc__, **fields)


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
    fields: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        optional = info._copy()
        optional.default, optional.default_factory = None, None
        fields[name] = (info.rebuild_annotation(), optional)
    return create_model(f"{model.__name__}Defaults", __base__=Entry, **fields)


def names(sections: Sequence[Section[Any]]) -> tuple[str, ...]:
    """The names of the sections, in their order."""
    return tuple(section.name for section in sections)
