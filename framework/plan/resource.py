"""The plan: what will exist, as plain frozen data.

In: JSON data. Out: `Resource` and `Plan`, which deploy/, local/ and commands/ read.
Nothing here knows Pulumi; inputs carry the property names of Pulumi's schema, so the registry's
YAML documentation applies word for word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Attr:
    """An output of another resource that AWS decides, such as an API's id."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A string with outputs inside: its parts, in order."""

    parts: tuple[str | Attr, ...]


@dataclass(frozen=True, slots=True)
class Json:
    """A document that AWS takes as a string: serialised once, keys sorted."""

    document: Value


@dataclass(frozen=True, slots=True)
class Code:
    """A function's package: the source folder (relative to the project) and where it will run."""

    source: str
    runtime: str
    architecture: str


@dataclass(frozen=True, slots=True)
class CodeFile:
    """A package as a file to upload; a `Code` by itself is what Lambda is handed in a call."""

    code: Code


@dataclass(frozen=True, slots=True)
class CodeKey:
    """What a package is called in a bucket: where it comes from, then the SHA-256 of its bytes.

    The hash is known once the package is built. Folder and platform stand before it because two
    packages may be equal to the byte, and each is an object that comes and goes by itself.
    """

    code: Code

    @property
    def folder(self) -> str:
        """What stands before the hash: "handlers/python3.13-arm64"."""
        return f"{self.code.source}/{self.code.runtime}-{self.code.architecture}"

    def named(self, sha256: str) -> str:
        """The whole key, for a hash in hex."""
        return f"{self.folder}/{sha256}.zip"


@dataclass(frozen=True, slots=True)
class Secret:
    """A value of the stack's secret configuration, by its path: ("parameters", "signing-key")."""

    path: tuple[str, ...]


Value: TypeAlias = (
    "str | int | float | bool | Attr | Text | Json | Code | CodeFile | CodeKey | Secret"
    " | tuple[Value, ...] | list[Value] | Mapping[str, Value] | None"
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the stack.

    `key` is `section.entry[/part][@region]` and also the Pulumi logical name; `type` the Pulumi
    token ("aws:iam/role:Role"); `after` the keys that must exist first though no input refers to
    them; `origin` the entry of services.yaml it comes from ("functions.list-notes").

    `protect` keeps Pulumi from deleting it. One to `retain` is left on AWS when Pulumi deletes or
    replaces it. `replace_on` are properties that AWS refuses to change and of which the provider
    does not know that: a change of one deletes the resource and creates another.
    """

    key: str
    type: str
    inputs: Mapping[str, Value]
    after: tuple[str, ...] = ()
    protect: bool = False
    retain: bool = False
    replace_on: tuple[str, ...] = ()
    origin: str = ""


def attributes(value: Value) -> Iterator[Attr]:
    """Every output that `value` refers to, in order of appearance."""
    match value:
        case Attr():
            yield value
        case Text(parts):
            yield from (part for part in parts if isinstance(part, Attr))
        case Json(document):
            yield from attributes(document)
        case dict() | Mapping():
            yield from _attributes_in(value.values())
        case list() | tuple():
            yield from _attributes_in(value)
        case _:
            return


def _attributes_in(items: Iterable[Value]) -> Iterator[Attr]:
    # Most of a plan is text: a generator for each would be most of the time of planning.
    for item in items:
        if not isinstance(item, str | int):
            yield from attributes(item)


def secrets(value: Value) -> Iterator[Secret]:
    """Every secret that `value` holds, in order of appearance."""
    match value:
        case Secret():
            yield value
        case Json(document):
            yield from secrets(document)
        case Mapping():
            for item in value.values():
                yield from secrets(item)
        case list() | tuple():
            for item in value:
                yield from secrets(item)
        case _:
            return


def code_of(function: Resource) -> Code | None:
    """The package that a function runs, be it handed over or fetched from a bucket."""
    match function.inputs:
        case {"code": Code() as code} | {"s3Key": CodeKey(code)}:
            return code
        case _:
            return None


def requirements(resource: Resource) -> tuple[str, ...]:
    """The keys that must exist before `resource`: those its inputs refer to, then `after`."""
    referred = (attribute.key for attribute in attributes(resource.inputs))
    return tuple(dict.fromkeys((*referred, *resource.after)))


class PlanError(Exception):
    """A plan that cannot be carried out: a bug of a kind or a transform, never of the author."""


@dataclass(frozen=True)
class Plan:
    """The resources of one stack, each after those it requires.

    `outputs` are the stack's outputs: names to values that may refer to resources. `provider` are
    the settings of the one AWS provider that all resources share.
    """

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    provider: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def by_key(self) -> Mapping[str, Resource]:
        """The resources by their keys."""
        return MappingProxyType({resource.key: resource for resource in self.resources})

    def of_type(self, token: str) -> Iterator[Resource]:
        """The resources of one Pulumi type, in the plan's order."""
        return (resource for resource in self.resources if resource.type == token)

    def transformed(self, transform: Callable[[Resource], Resource]) -> Plan:
        """The plan with every resource replaced by what `transform` makes of it; keys must stay."""
        changed = tuple(transform(resource) for resource in self.resources)
        for before, after in zip(self.resources, changed, strict=True):
            if not isinstance(after, Resource) or after.key != before.key:
                raise PlanError(f"the transform of {before.key} did not return that resource")
        return Plan(ordered(changed), self.outputs, self.provider)


def ordered(resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    """The resources so that each stands after those it requires; otherwise as they were given.

    Raises `PlanError` for a key used twice, a requirement that is nowhere, and a circle.
    """
    by_key = _unique(resources)
    done: dict[str, Resource] = {}
    for resource in resources:
        _place(resource, by_key, done)
    return tuple(done.values())


def _unique(resources: tuple[Resource, ...]) -> dict[str, Resource]:
    by_key: dict[str, Resource] = {}
    for resource in resources:
        if by_key.setdefault(resource.key, resource) is not resource:
            raise PlanError(f"two resources have the key {resource.key}")
    return by_key


def _place(resource: Resource, by_key: dict[str, Resource], done: dict[str, Resource]) -> None:
    """Depth first with a stack of its own: plans may hold thousands of resources in a chain."""
    path: dict[str, None] = {}
    todo: list[tuple[Resource, bool]] = [(resource, False)]
    while todo:
        current, complete = todo.pop()
        if complete:
            done[current.key] = current
            path.popitem()
            continue
        if current.key in done:
            continue
        if current.key in path:
            raise PlanError(f"resources wait for each other: {' -> '.join([*path, current.key])}")
        path[current.key] = None
        todo.append((current, True))
        todo.extend(
            (_required(current, key, by_key), False) for key in reversed(requirements(current))
        )


def _required(resource: Resource, key: str, by_key: dict[str, Resource]) -> Resource:
    if key not in by_key:
        raise PlanError(f"{resource.key} requires {key}, which is not in the plan")
    return by_key[key]
