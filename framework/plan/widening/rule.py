"""What the rules share: their shape, and how they find their way in two plans.

In: plans and resources. Out: pairs of old and new resources, and properties as texts and numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, TypeAlias

from framework.plan.grants import matches
from framework.plan.plain import shown
from framework.plan.resource import Plan, Resource, Value

Finding: TypeAlias = tuple[Resource, str]
"""The resource that opens or weakens something, and the sentence that says so."""


class Rule(Protocol):
    """A function of an old and a new plan."""

    @property
    def __name__(self) -> str: ...

    def __call__(self, old: Plan, new: Plan) -> Iterator[Finding]: ...


def pairs(old: Plan, new: Plan, token: str) -> Iterator[tuple[Resource, Resource]]:
    """The resources of a type that both plans have."""
    for resource in new.of_type(token):
        before = old.by_key.get(resource.key)
        if before is not None and before.type == token:
            yield before, resource


def offered(old: Plan, new: Plan, token: str) -> Iterator[tuple[Resource | None, Resource]]:
    """The resources of a type that the new plan has, with the old one where there is one."""
    for resource in new.of_type(token):
        before = old.by_key.get(resource.key)
        yield before if before is not None and before.type == token else None, resource


def lost(old: Plan, new: Plan, token: str, owner: str) -> Iterator[Resource]:
    """The resources of a type that are gone, though the resource of type `owner` that they belong
    to (of the same entry and region) is still there."""
    kept = {(each.origin, region(each)) for each in new.of_type(owner)}
    for resource in old.of_type(token):
        if resource.key not in new.by_key and (resource.origin, region(resource)) in kept:
            yield resource


def region(resource: Resource) -> str:
    """The region that a resource says, empty for the home region's."""
    return text(resource, "region")


def at(resource: Resource | None, *path: str) -> Value:
    """The property at a path of maps, None where there is none."""
    value: Value = resource.inputs if resource is not None else None
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def text(resource: Resource | None, *path: str) -> str:
    """The property at a path as text, empty where there is none."""
    value = at(resource, *path)
    return "" if value is None else shown(value)


def texts(value: Value) -> tuple[str, ...]:
    """A list's items as texts."""
    return tuple(shown(each) for each in value) if isinstance(value, list | tuple) else ()


def maps(value: Value) -> Iterator[Mapping[str, Value]]:
    """A list's items that are maps."""
    if isinstance(value, list | tuple):
        yield from (each for each in value if isinstance(each, Mapping))


def number(value: Value) -> float | None:
    """A number, None for anything else."""
    return None if isinstance(value, bool) or not isinstance(value, int | float) else value


def more(old: Iterable[str], new: Iterable[str]) -> tuple[str, ...]:
    """What the new list names and no pattern of the old one does."""
    known = tuple(old)
    return tuple(each for each in new if not any(matches(wide, each) for wide in known))


def listed(words: Iterable[str]) -> str:
    """Words in a sentence."""
    return ", ".join(words)
