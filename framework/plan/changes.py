"""What two plans differ in: resources added, changed, replaced and removed.

In: an old and a new `Plan`, and the properties of each type that AWS cannot change in place.
Out: `Changes`, property by property with old and new values. Nothing here knows a cloud: what
Pulumi's engine would find by asking the provider follows from the two plans alone.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from enum import Enum
from itertools import zip_longest
from typing import Final, NamedTuple, TypeAlias

from framework.language.problems import Path
from framework.plan.plain import plain
from framework.plan.resource import Json, Plan, Resource, Secret, Value, attributes

Fixed: TypeAlias = Mapping[str, Collection[str]]
"""Type token -> the properties of which a change forces a replacement."""

_WITHOUT_REGION = "aws:iam/"

_TYPE = "resource-type"
"""Stands for the type of a resource among its properties, some of which are called type."""

_HIDDEN = {"aws:ssm/parameter:Parameter": "value"}
"""Properties of which only a `Secret` is ever shown, whatever a plan file holds."""


class Missing(Enum):
    """Stands for a property that one of the two plans does not have."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING

Side: TypeAlias = "Value | Missing"


class PropertyChange(NamedTuple):
    """One property, deep inside documents too. `because` names a replaced resource it refers to."""

    path: Path
    old: Side
    new: Side
    because: str = ""


class Changed(NamedTuple):
    """A resource that both plans have. `forcing` are the properties that force a replacement."""

    old: Resource
    new: Resource
    properties: tuple[PropertyChange, ...]
    forcing: tuple[str, ...] = ()


class Changes(NamedTuple):
    """All differences of two plans, in the order of the plans."""

    added: tuple[Resource, ...]
    changed: tuple[Changed, ...]
    replaced: tuple[Changed, ...]
    removed: tuple[Resource, ...]
    provider: tuple[PropertyChange, ...] = ()

    def __bool__(self) -> bool:
        return any((self.added, self.changed, self.replaced, self.removed, self.provider))


def changes(old: Plan, new: Plan, fixed: Fixed) -> Changes:
    """What becomes of the old plan's resources, and which are new."""
    changed = tuple(_changed(old, new, fixed))
    return Changes(
        added=tuple(each for each in new.resources if each.key not in old.by_key),
        changed=tuple(each for each in changed if not each.forcing),
        replaced=tuple(each for each in changed if each.forcing),
        removed=tuple(each for each in old.resources if each.key not in new.by_key),
        provider=tuple(_compare(old.provider, new.provider, ())),
    )


def _changed(old: Plan, new: Plan, fixed: Fixed) -> Iterator[Changed]:
    """In the new plan's order, so that what is replaced is known before what refers to it."""
    replaced: set[str] = set()
    homes = old.provider.get("region"), new.provider.get("region")
    for resource in new.resources:
        before = old.by_key.get(resource.key)
        if before is None:
            continue
        found = _difference(_in_region(before, homes[0]), _in_region(resource, homes[1]), replaced)
        forcing = tuple(_forcing(found, resource, fixed))
        if forcing:
            replaced.add(resource.key)
        if found:
            yield Changed(before, resource, found, forcing)


def _in_region(resource: Resource, home: Value) -> Resource:
    """The resource with the region it lies in, be it said or the provider's."""
    if resource.type.startswith(_WITHOUT_REGION) or home is None:
        return resource
    return replace(resource, inputs={"region": home, **resource.inputs})


def _difference(
    old: Resource, new: Resource, replaced: Collection[str]
) -> tuple[PropertyChange, ...]:
    found = list(_options(old, new))
    found += (_hidden(new.type, each) for each in _compare(old.inputs, new.inputs, ()))
    seen = {each.path[0] for each in found}
    for name, value in new.inputs.items():
        cause = next((each.key for each in attributes(value) if each.key in replaced), "")
        if cause and name not in seen:
            found.append(PropertyChange((name,), old.inputs[name], value, cause))
    return tuple(found)


def _options(old: Resource, new: Resource) -> Iterator[PropertyChange]:
    if old.type != new.type:
        yield PropertyChange((_TYPE,), old.type, new.type)
    if old.protect != new.protect:
        yield PropertyChange(("protect",), old.protect, new.protect)
    if old.retain != new.retain:
        yield PropertyChange(("retain",), old.retain, new.retain)


def _hidden(token: str, change: PropertyChange) -> PropertyChange:
    if change.path[0] != _HIDDEN.get(token):
        return change
    old, new = (
        side if isinstance(side, Secret | Missing) else "(hidden)"
        for side in (change.old, change.new)
    )
    return change._replace(old=old, new=new)


def _forcing(found: Sequence[PropertyChange], resource: Resource, fixed: Fixed) -> Iterator[str]:
    names = {_TYPE, "region", *resource.replace_on, *fixed.get(resource.type, ())}
    yield from dict.fromkeys(str(each.path[0]) for each in found if each.path[0] in names)


def _compare(old: Value, new: Value, path: Path) -> Iterator[PropertyChange]:
    if _text(old) == _text(new):
        return
    match old, new:
        case Json(before), Json(after):
            yield from _compare(before, after, path)
        case Mapping(), Mapping():
            yield from _compare_maps(old, new, path)
        case list() | tuple(), list() | tuple() if _nested(old) or _nested(new):
            yield from _compare_lists(old, new, path)
        case _:
            yield PropertyChange(path, old, new)


def _compare_maps(
    old: Mapping[str, Value], new: Mapping[str, Value], path: Path
) -> Iterator[PropertyChange]:
    for name in dict.fromkeys((*old, *new)):
        here = (*path, name)
        if name in old and name in new:
            yield from _compare(old[name], new[name], here)
        else:
            yield PropertyChange(here, old.get(name, MISSING), new.get(name, MISSING))


def _nested(values: Sequence[Value]) -> bool:
    """Whether a list holds more than scalars: those are compared item by item."""
    return any(isinstance(each, Mapping | list | tuple | Json) for each in values)


def _compare_lists(
    old: Sequence[Value], new: Sequence[Value], path: Path
) -> Iterator[PropertyChange]:
    """Equal items are matched, so that one more in the middle is one more and nothing else."""
    matcher = SequenceMatcher(None, [_text(each) for each in old], [_text(each) for each in new])
    for what, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if what == "equal":
            continue
        before = ((at, old[at]) for at in range(old_from, old_to))
        after = ((at, new[at]) for at in range(new_from, new_to))
        for one, other in zip_longest(before, after):
            yield from _compare_items(one, other, path)


def _compare_items(
    old: tuple[int, Value] | None, new: tuple[int, Value] | None, path: Path
) -> Iterator[PropertyChange]:
    match old, new:
        case (_, before), (at, after):
            yield from _compare(before, after, (*path, at))
        case (at, before), None:
            yield PropertyChange((*path, at), before, MISSING)
        case None, (at, after):
            yield PropertyChange((*path, at), MISSING, after)


def _text(value: Value) -> str:
    """Equal for equal values, whatever their containers; true is not 1."""
    return json.dumps(plain(value), sort_keys=True)
