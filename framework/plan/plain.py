"""A plan as JSON data, for people, for files, and for other programs; and read back from it.

In: a `Plan` and its `Target`. Out: maps, lists and scalars. Values that are more than data become
a map with one key: {"attr": "api.id"}, {"text": [...]}, {"json": ...}, {"code": ...},
{"codeFile": ...}, {"codeKey": ...} and {"secret": ...}. A map of the author's that looks like one
of these stands in {"map": {...}}.
`read_plan` is the way back, and takes nothing that another program may have got wrong for granted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TypeAlias

from framework.language.problems import printable
from framework.plan.resource import (
    Attr,
    Code,
    CodeFile,
    CodeKey,
    Json,
    Plan,
    PlanError,
    Resource,
    Secret,
    Text,
    Value,
    ordered,
)
from framework.plan.target import Target

JsonData: TypeAlias = "str | int | float | bool | list[JsonData] | dict[str, JsonData] | None"

FORMAT = 1
"""The version of this form: changed when readers of the old one would read the new one wrong."""

_WRAPPERS = frozenset({"attr", "text", "json", "code", "codeFile", "codeKey", "secret", "map"})


def plain(value: Value) -> JsonData:
    """A value as JSON data."""
    match value:
        case str() | int():
            return value
        case Attr(key, name):
            return {"attr": f"{key}.{name}"}
        case Text(parts):
            return {"text": [plain(part) for part in parts]}
        case Json(document):
            return {"json": plain(document)}
        case Code():
            return {"code": _plain_code(value)}
        case CodeFile(code):
            return {"codeFile": _plain_code(code)}
        case CodeKey(code):
            return {"codeKey": _plain_code(code)}
        case Secret(path):
            return {"secret": ".".join(path)}
        case Mapping():
            written = {name: plain(item) for name, item in value.items()}
            return {"map": written} if _looks_wrapped(written) else written
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value


def _plain_code(code: Code) -> JsonData:
    return {"source": code.source, "runtime": code.runtime, "architecture": code.architecture}


def _looks_wrapped(data: Mapping[str, JsonData]) -> bool:
    return len(data) == 1 and not _WRAPPERS.isdisjoint(data)


def plain_resource(resource: Resource) -> dict[str, JsonData]:
    """A resource as JSON data; its options only where they say something."""
    written: dict[str, JsonData] = {
        "key": resource.key,
        "type": resource.type,
        "origin": resource.origin,
        "inputs": _members(resource.inputs),
    }
    if resource.after:
        written["after"] = list(resource.after)
    if resource.protect:
        written["protect"] = True
    if resource.retain:
        written["retain"] = True
    if resource.replace_on:
        written["replaceOn"] = list(resource.replace_on)
    return written


def _members(values: Mapping[str, Value]) -> dict[str, JsonData]:
    """A map that can be nothing else, and so is never wrapped."""
    return {name: plain(item) for name, item in values.items()}


def plain_plan(plan: Plan, target: Target) -> dict[str, JsonData]:
    """A whole plan as JSON data."""
    return {
        "format": FORMAT,
        "target": _plain_target(target),
        "provider": _members(plan.provider),
        "resources": [plain_resource(resource) for resource in plan.resources],
        "outputs": _members(plan.outputs),
    }


def _plain_target(target: Target) -> dict[str, JsonData]:
    written: dict[str, JsonData] = {
        "stack": target.stack,
        "account": target.account,
        "regions": list(target.regions),
    }
    return written | ({"environment": target.environment} if target.environment else {})


class NotAPlan(Exception):
    """Data that is no plan; the text is one line that says where and why."""


def read_plan(data: object) -> tuple[Plan, Target]:
    """The plan and the target that `plain_plan` wrote. Raises `NotAPlan` for anything else."""
    top = _map(data, "it")
    if top.get("format") != FORMAT:
        known = printable(str(top.get("format", "none")))
        raise NotAPlan(f"its format is {known}, and this version reads format {FORMAT}")
    resources = tuple(
        _resource(each, f"resources[{at}]")
        for at, each in enumerate(_list(top.get("resources"), "resources"))
    )
    try:
        plan = Plan(
            ordered(resources),
            _values(top.get("outputs", {}), "outputs"),
            _values(top.get("provider", {}), "provider"),
        )
    except PlanError as error:
        raise NotAPlan(printable(str(error), most=200)) from None
    return plan, _target(_map(top.get("target"), "target"))


def _target(data: Mapping[str, object]) -> Target:
    regions = tuple(_text(each, "target.regions") for each in _list(data.get("regions"), "regions"))
    if not regions:
        raise NotAPlan("target.regions names no region")
    stack, account = (_text(data.get(name), f"target.{name}") for name in ("stack", "account"))
    return Target(stack, account, regions, _text(data.get("environment", ""), "environment"))


def _resource(data: object, where: str) -> Resource:
    written = _map(data, where)
    token = _text(written.get("type"), f"{where}.type")
    if not re.fullmatch("[^:]+:[^:]+:[^:]+", token):
        raise NotAPlan(f"{where}.type is no type such as aws:iam/role:Role")
    return Resource(
        key=_text(written.get("key"), f"{where}.key"),
        type=token,
        inputs=_values(written.get("inputs"), f"{where}.inputs"),
        after=_texts(written.get("after", []), f"{where}.after"),
        protect=_flag(written.get("protect", False), f"{where}.protect"),
        retain=_flag(written.get("retain", False), f"{where}.retain"),
        replace_on=_texts(written.get("replaceOn", []), f"{where}.replaceOn"),
        origin=_text(written.get("origin", ""), f"{where}.origin"),
    )


def _values(data: object, where: str) -> dict[str, Value]:
    return {name: _value(item, f"{where}.{name}") for name, item in _map(data, where).items()}


def _value(data: object, where: str) -> Value:
    match data:
        case dict() if len(data) == 1 and not _WRAPPERS.isdisjoint(data):
            ((word, inside),) = data.items()
            return _unwrapped(word, inside, where)
        case dict():
            return _values(data, where)
        case list():
            return [_value(item, f"{where}[{at}]") for at, item in enumerate(data)]
        case str() | int() | float() | bool() | None:
            return data
        case _:
            raise NotAPlan(f"{printable(where)} holds what JSON does not know")


def _unwrapped(word: str, inside: object, where: str) -> Value:
    match word:
        case "attr":
            return _attr(inside, where)
        case "text":
            return Text(tuple(_part(each, where) for each in _list(inside, where)))
        case "json":
            return Json(_value(inside, where))
        case "code":
            return _code(inside, where)
        case "codeFile":
            return CodeFile(_code(inside, where))
        case "codeKey":
            return CodeKey(_code(inside, where))
        case "secret":
            return Secret(tuple(_text(inside, where).split(".")))
        case _:
            return _values(inside, where)


def _code(data: object, where: str) -> Code:
    code = _map(data, where)
    names = ("source", "runtime", "architecture")
    return Code(*(_text(code.get(name), f"{where}.{name}") for name in names))


def _attr(data: object, where: str) -> Attr:
    key, dot, name = _text(data, where).rpartition(".")
    if not (key and dot and name):
        raise NotAPlan(f"{printable(where)} names no output of a resource")
    return Attr(key, name)


def _part(data: object, where: str) -> str | Attr:
    return data if isinstance(data, str) else _attr(_map(data, where).get("attr"), where)


def _map(data: object, where: str) -> Mapping[str, object]:
    if not isinstance(data, dict) or not all(isinstance(name, str) for name in data):
        raise NotAPlan(f"{printable(where)} is no map")
    return data


def _list(data: object, where: str) -> list[object]:
    if not isinstance(data, list):
        raise NotAPlan(f"{printable(where)} is no list")
    return data


def _flag(data: object, where: str) -> bool:
    if not isinstance(data, bool):
        raise NotAPlan(f"{where} is neither true nor false")
    return data


def _texts(data: object, where: str) -> tuple[str, ...]:
    return tuple(_text(each, where) for each in _list(data, where))


def _text(data: object, where: str) -> str:
    if not isinstance(data, str):
        raise NotAPlan(f"{printable(where)} is no text")
    return data


def shown(value: Value) -> str:
    """A value on one line for a person: outputs in braces, a secret by its name alone."""
    match value:
        case str():
            return value
        case Attr(key, name):
            return f"{{{key}.{name}}}"
        case Text(parts):
            return "".join(shown(part) for part in parts)
        case Secret(path):
            return f"the secret {'.'.join(path)}"
        case Code(source, runtime, architecture) | CodeFile(Code(source, runtime, architecture)):
            return f"the package of {source} for {runtime}, {architecture}"
        case CodeKey():
            return value.named("{sha256}")
        case Json(document):
            return shown(document)
        case _:
            return _compact(value)


def _compact(value: Value) -> str:
    return json.dumps(_legible(value), ensure_ascii=False, separators=(", ", ": "))


def _legible(value: Value) -> JsonData:
    match value:
        case Mapping():
            return {name: _legible(item) for name, item in value.items()}
        case list() | tuple():
            return [_legible(item) for item in value]
        case bool() | int() | float() | None:
            return value
        case Json(document):
            return _legible(document)
        case _:
            return shown(value)
