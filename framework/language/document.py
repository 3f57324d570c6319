"""Values to models: the whole of services.yaml as one pydantic model made of the kinds' sections.

In: a `Source` and the sections there are. Out: a `Document` and problems.
"""

from __future__ import annotations

import functools
import json
import operator
import types
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from types import MappingProxyType
from typing import Annotated, Any, Generic, NamedTuple, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from framework.language.environments import Variant
from framework.language.fields import (
    AccountId,
    Entry,
    EnvironmentName,
    Name,
    Region,
    TagKey,
    TagValue,
)
from framework.language.messages import holds_json, problems_of
from framework.language.overlay import too_much, with_defaults
from framework.language.problems import MOST_PROBLEMS, Located, Path, Problem
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


Parts = frozenset[tuple[str, ...]]
"""Parts of a file: ("functions",), ("defaults", "functions"), ("environments", "functions"),
("environments", "defaults", "functions")."""

DEFAULTS, ENVIRONMENTS = "defaults", "environments"
_OVERRIDES = (ENVIRONMENTS, DEFAULTS)


class Top(BaseModel):
    """A serverless service: functions, routes, buckets and parameters on AWS."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    service: Annotated[Name, Field(examples=["notes"])]
    """The service's name: the first word of every name on AWS."""

    regions: Annotated[tuple[Region, ...], Field(min_length=1, examples=[["eu-west-1"]])] = ()
    """The AWS regions to deploy to; the first is home. Without it the stack's aws:region is."""

    tags: Annotated[dict[TagKey, TagValue], Field(max_length=40, examples=[{"team": "web"}])] = {}
    """Tags for every resource, beside service and stack, which are always there."""


class Environment(Entry):
    """What differs in some stacks: any part of the document. null removes an entry."""

    account: Annotated[AccountId | None, Field(examples=["123456789012"])] = None
    """The AWS account of these stacks; deploying to another is refused."""

    protect: Annotated[bool, Field(examples=[True])] = False
    """Whether what holds data (buckets, parameters) is protected from being deleted."""

    regions: Annotated[
        tuple[Region, ...] | None, Field(min_length=1, examples=[["eu-west-1", "us-east-1"]])
    ] = None
    """The AWS regions of these stacks; the first is home."""

    tags: Annotated[
        dict[TagKey, TagValue] | None, Field(max_length=40, examples=[{"team": "web"}])
    ] = None
    """Tags, beside those of the document."""


@dataclass(frozen=True)
class Document:
    """services.yaml, checked. `sections` holds the entries of every section by their names.

    `dropped` are the paths of what is there but has problems of its own; empty once all is well.
    `variant` is the environment that it is for.
    """

    service: str
    regions: tuple[str, ...]
    tags: Mapping[str, str]
    sections: Mapping[str, Mapping[str, Entry]]
    source: Source
    dropped: frozenset[Path] = frozenset()
    variant: Variant | None = None

    @property
    def written(self) -> Source:
        """The file as it is written, its environments included."""
        return self.variant.whole if self.variant else self.source

    @property
    def environment(self) -> str:
        """The declared name or pattern that the document is for; empty where none is declared."""
        return self.variant.name if self.variant else ""

    @property
    def account(self) -> str | None:
        """The account that the environment is pinned to."""
        return self.variant.account if self.variant else None

    @property
    def protect(self) -> bool:
        """Whether what holds data is protected."""
        return self.variant is not None and self.variant.protect

    def entries(self, section: Section[EntryT]) -> Mapping[str, EntryT]:
        """The entries of a section by name, in the file's order."""
        return cast("Mapping[str, EntryT]", self.sections[section.name])

    def single(self, section: Section[EntryT]) -> EntryT:
        """The one entry of a `single` section; its defaults where the file does not have it."""
        return self.entries(section)[section.name]

    def names(self, section: str) -> list[str]:
        """The names of a section's entries, also of those with problems of their own."""
        broken = [path[1] for path in self.dropped if len(path) == 2 and path[0] == section]
        return [*self.sections[section], *sorted(map(str, broken))]

    def declares(self, section: str, name: str) -> bool:
        """Whether the file has an entry of this name, be it with problems of its own."""
        whole = (section,) in self.dropped
        return whole or name in self.sections[section] or (section, name) in self.dropped


class Shaped(NamedTuple):
    """What could be made of a source: a document without the parts that have `problems`.

    `document` is None where nothing is left to speak of.
    """

    document: Document | None
    problems: tuple[Located, ...] = ()


def shape(source: Source, sections: Sections) -> Shaped:
    """The document of `source`, with every problem of its shape."""
    with_own = {section.name for section in sections if section.defaults}
    if refused := source.located(_refused(source.root, with_own)):
        return Shaped(None, tuple(refused))
    root = with_defaults(_without_own_keys(source.root), with_own)
    shaped = Source(source.file, source.text, root)
    top, problems = _validated(shaped, sections)
    if top and not problems:
        return Shaped(_document(top, sections, shaped))
    return Shaped(_salvaged(shaped, problems, sections), tuple(shaped.located(problems)))


def shape_environments(source: Source, sections: Sections) -> tuple[Located, ...]:
    """The problems of what `environments` says, each on its own; the merged whole comes after."""
    declared = fields(source.root).get("environments")
    if declared is None:
        return ()
    service = FieldNode(0, 0, Node(0, 0, "service"))
    root = Node(source.root.start, source.root.end, {"service": service, "environments": declared})
    alone = Source(source.file, source.text, root)
    _, problems = _validated(alone, sections)
    return tuple(alone.located(problems))


def _refused(root: Node, with_own: Collection[str]) -> Iterator[Problem]:
    """What keeps the values from being looked at: no map, or too much of everything."""
    if not isinstance(root.value, dict):
        yield Problem("services.yaml is a map: begin with  service: NAME", rule="type")
    yield from too_much(root, with_own)


def _salvaged(source: Source, problems: list[Problem], sections: Sections) -> Document | None:
    """The document without the entries that have problems, so that the others can be linked."""
    dropped = frozenset(_part_with(problem.path, sections) for problem in problems)
    root = Node(source.root.start, source.root.end, dict(_kept(source.root, dropped)))
    rest = Source(source.file, source.text, root)
    top, _ = _validated(rest, sections)
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


def _validated(source: Source, sections: Sections) -> tuple[Top | None, list[Problem]]:
    model = _model_for(source, sections)
    empty = list(islice(_empty(source.root, (), model), MOST_PROBLEMS))
    try:
        text = json.dumps(source.root.plain(), ensure_ascii=False)
        return model.model_validate_json(text), empty
    except ValidationError as error:
        return None, _once(empty, problems_of(error, document_model(sections), source))


def _once(empty: list[Problem], found: list[Problem]) -> list[Problem]:
    """Both sorts, one for each path: that a field is unknown says more than that it is empty."""
    unknown = {problem.path for problem in found if problem.rule == "unknown-field"}
    kept = [problem for problem in empty if problem.path not in unknown]
    paths = {problem.path for problem in kept}
    return [*kept, *(problem for problem in found if problem.path not in paths)]


def _empty(node: Node, path: Path, model: type[Top]) -> Iterator[Problem]:
    """Keys with nothing behind them. Only within a field of JSON null is a value."""
    if node.value is None and not any(holds_json(model, path[:end]) for end in range(len(path))):
        yield Problem("has no value: write one, {} for an empty map, or remove the key",
                      path, "key", "no-value")  # fmt: skip
    for step, child in _children(node):
        yield from _empty(child, (*path, step), model)


def _children(node: Node) -> Iterator[tuple[str | int, Node]]:
    if isinstance(node.value, dict):
        yield from ((name, field.node) for name, field in node.value.items())
    elif isinstance(node.value, list):
        yield from enumerate(node.value)


def _without_own_keys(root: Node) -> Node:
    """Keys that begin with x- are the author's own, for anchors."""
    kept = {key: field for key, field in fields(root).items() if not key.startswith("x-")}
    return Node(root.start, root.end, kept)


def _document(top: Top, sections: Sections, source: Source) -> Document:
    entries: dict[str, Mapping[str, Entry]] = {}
    for section in sections:
        value = getattr(top, section.name)
        entries[section.name] = MappingProxyType({section.name: value} if section.single else value)
    return Document(
        top.service, top.regions, MappingProxyType(top.tags), MappingProxyType(entries), source
    )


def document_model(sections: Sections) -> type[Top]:
    """The model of the whole file: what `Top` has, `defaults`, and a field for each section."""
    return _model(sections, _all_parts(sections))


def _model_for(source: Source, sections: Sections) -> type[Top]:
    """The same as far as a file goes: a section in part is a model that takes its time to make."""
    return _model(sections, _parts_of(source.root) & _all_parts(sections))


def _parts_of(root: Node) -> Parts:
    """The parts of a file that are there, whatever they hold."""
    top = fields(root)
    found: set[tuple[str, ...]] = {(name,) for name in top}
    found |= {(DEFAULTS, name) for name in _keys(top, DEFAULTS)}
    for name in _keys(top, ENVIRONMENTS):
        inner = fields(fields(top[ENVIRONMENTS].node)[name].node)
        found |= {(ENVIRONMENTS, each) for each in inner}
        found |= {(ENVIRONMENTS, DEFAULTS, each) for each in _keys(inner, DEFAULTS)}
    return frozenset(found)


def _keys(above: Mapping[str, FieldNode], name: str) -> Collection[str]:
    return fields(above[name].node) if name in above else ()


@functools.lru_cache(maxsize=8)
def _all_parts(sections: Sections) -> Parts:
    names = [section.name for section in sections]
    above: list[tuple[str, ...]] = [(), (DEFAULTS,), (ENVIRONMENTS,), _OVERRIDES]
    return frozenset((*path, name) for path in above for name in (*names, DEFAULTS, ENVIRONMENTS))


@functools.lru_cache(maxsize=16)
def _model(sections: Sections, parts: Parts) -> type[Top]:
    """The model in which `parts` are in full; the others are known by name alone."""
    fields: dict[str, Any] = {DEFAULTS: _defaults_field(sections, parts, (DEFAULTS,))}
    for section in sections:
        kind, field = _section_field(section)
        fields[section.name] = (kind if (section.name,) in parts else object, field)
    fields[ENVIRONMENTS] = _environments_field(sections, parts)
    return create_model("Services", __base__=Top, __doc__=Top.__doc__, **fields)


def _section_field(section: Section[EntryT]) -> tuple[object, object]:
    if section.single:
        default = Field(default_factory=section.model, description=section.description)
        return section.model, default
    annotation = types.GenericAlias(dict, (section.key, section.model))
    return annotation, Field(default_factory=dict, description=section.description)


def _defaults_field(sections: Sections, parts: Parts, at: tuple[str, ...]) -> tuple[object, object]:
    said = frozenset(section.name for section in sections if (*at, section.name) in parts)
    return _defaults_model(sections, said), Field(
        default=None, description="What entries of a section begin with."
    )


@functools.lru_cache(maxsize=8)
def _defaults_model(sections: Sections, said: frozenset[str]) -> type[Entry]:
    models: dict[str, Any] = {}
    for section in sections:
        if section.defaults:
            description = f"What every entry of {section.name} begins with."
            kind = _part_of(section) if section.name in said else object
            models[section.name] = (kind, Field(default=None, description=description))
    return create_model("Defaults", __base__=Entry, __doc__="Fields for every entry.", **models)


def _environments_field(sections: Sections, parts: Parts) -> tuple[object, object]:
    fields: dict[str, Any] = {DEFAULTS: _defaults_field(sections, parts, _OVERRIDES)}
    for section in sections:
        said = (ENVIRONMENTS, section.name) in parts
        fields[section.name] = (_override(section) if said else object, _overriding(section))
    model = create_model("Environment", __base__=Environment, __doc__=Environment.__doc__, **fields)
    annotation = types.GenericAlias(dict, (EnvironmentName, model))
    description = (
        "What differs in the stacks of a name or pattern. A stack takes the one that fits."
    )
    return annotation, Field(default_factory=dict, description=description)


def _part_of(section: Section[EntryT]) -> type[BaseModel]:
    model: type[Entry] = section.model
    return partial(model)


def _overriding(section: Section[EntryT]) -> object:
    return Field(default=None, description=f"What differs in {section.name}.")


def _override(section: Section[EntryT]) -> object:
    if section.single:
        return _part_of(section)
    return types.GenericAlias(dict, (section.key, _part_of(section) | None))


@functools.cache
def partial(model: type[BaseModel]) -> type[BaseModel]:
    """The model with no field required, at any depth: what may be said in part."""
    optionals: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        optional = info._copy()
        optional.default, optional.default_factory = None, None
        optionals[name] = (_in_part(info.rebuild_annotation()), optional)
    return create_model(f"{model.__name__}Part", __base__=model, __doc__=model.__doc__, **optionals)


def _in_part(kind: Any) -> Any:
    """A type with the models in it in part. Any: types are values here."""
    arguments = get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return partial(kind)
    if get_origin(kind) is Annotated:
        return Annotated[(_in_part(arguments[0]), *arguments[1:])]
    if get_origin(kind) in (Union, types.UnionType):
        return functools.reduce(operator.or_, map(_in_part, arguments))
    if get_origin(kind) is dict:
        return types.GenericAlias(dict, (arguments[0], _in_part(arguments[1])))
    return kind
