"""A plan as JSON data, for people, for files, and for other programs.

In: a `Plan` and its `Target`. Out: maps, lists and scalars. Values that are more than data become
a map with one key: {"attr": "api.id"}, {"text": [...]}, {"json": ...}, {"code": ...} and
{"secret": ...}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from framework.plan.resource import Attr, Code, Json, Plan, Resource, Secret, Text, Value
from framework.plan.target import Target

JsonData: TypeAlias = "str | int | float | bool | list[JsonData] | dict[str, JsonData] | None"

FORMAT = 1
"""The version of this form: changed when readers of the old one would read the new one wrong."""


def plain(value: Value) -> JsonData:
    """A value as JSON data."""
    match value:
        case Attr(key, name):
            return {"attr": f"{key}.{name}"}
        case Text(parts):
            return {"text": [plain(part) for part in parts]}
        case Json(document):
            return {"json": plain(document)}
        case Code(source, runtime, architecture):
            return {"code": {"source": source, "runtime": runtime, "architecture": architecture}}
        case Secret(path):
            return {"secret": ".".join(path)}
        case Mapping():
            return {name: plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value


def plain_resource(resource: Resource) -> dict[str, JsonData]:
    """A resource as JSON data; `after` and `protect` only where they say something."""
    written: dict[str, JsonData] = {
        "key": resource.key,
        "type": resource.type,
        "origin": resource.origin,
        "inputs": plain(resource.inputs),
    }
    if resource.after:
        written["after"] = list(resource.after)
    if resource.protect:
        written["protect"] = True
    return written


def plain_plan(plan: Plan, target: Target) -> dict[str, JsonData]:
    """A whole plan as JSON data."""
    return {
        "format": FORMAT,
        "target": {
            "stack": target.stack,
            "account": target.account,
            "regions": list(target.regions),
        },
        "provider": plain(plan.provider),
        "resources": [plain_resource(resource) for resource in plan.resources],
        "outputs": plain(plan.outputs),
    }
