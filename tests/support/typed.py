"""pulumi-aws's generated classes, as the measure of what the plan says in schema terms.

In: a token ("aws:iam/role:Role"). Out: the class, its properties, and values in Python's spelling.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache

import pulumi

from framework.plan.resource import Json, Resource, Value


def snake(name: str) -> str:
    """apiId -> api_id"""
    return re.sub("([A-Z])", lambda letter: f"_{letter.group().lower()}", name)


@cache
def resource_class(token: str) -> type[pulumi.CustomResource]:
    """The class of a token; the class itself says that it is."""
    _, module, name = token.split(":")
    folder = module.partition("/")[0]
    package = importlib.import_module(f"pulumi_aws.{'lambda_' if folder == 'lambda' else folder}")
    found: type[pulumi.CustomResource] = getattr(package, name)
    assert vars(found)["pulumi_type"] == token
    return found


def _init(token: str) -> object:
    return vars(resource_class(token))["_internal_init"]


@cache
def properties(token: str) -> Mapping[str, type | None]:
    """The properties of a resource, in snake case -> the class of their value, if it has one."""
    function = _init(token)
    assert callable(function)
    return _properties(inspect.signature(function), resource_class(token).__module__)


@cache
def fields(args: type) -> Mapping[str, type | None]:
    """The same for a class of nested properties."""
    return _properties(inspect.signature(args), args.__module__)


def _properties(signature: inspect.Signature, module: str) -> Mapping[str, type | None]:
    return {
        name: _args_class(str(each.annotation), module)
        for name, each in signature.parameters.items()
    }


def _args_class(annotation: str, module: str) -> type | None:
    named = re.search(r"'?(\w+Args)'?", annotation)
    if not named:
        return None
    inputs = importlib.import_module(f"{module.rpartition('.')[0]}._inputs")
    found = getattr(inputs, named.group(1), None)
    return found if isinstance(found, type) else None


@cache
def required(token: str) -> frozenset[str]:
    """The properties that the class does not do without."""
    source = inspect.getsource(_init(token))  # type: ignore[arg-type]  # a function, by its name
    return frozenset(re.findall(r"Missing required property '(\w+)'", source))


def unknown(resource: Resource) -> set[str]:
    """The properties of a resource, nested ones included, that pulumi-aws does not know."""
    return set(_unknown(resource.inputs, properties(resource.type), ""))


def _unknown(
    value: Mapping[str, Value], known: Mapping[str, type | None], path: str
) -> Iterator[str]:
    for name, item in value.items():
        if snake(name) not in known:
            yield f"{path}{name}"
            continue
        inner = known[snake(name)]
        for each in item if isinstance(item, list | tuple) else [item]:
            if isinstance(each, Mapping) and inner is not None:
                yield from _unknown(each, fields(inner), f"{path}{name}.")


def missing(resource: Resource) -> set[str]:
    """The required properties that a resource lacks."""
    return set(required(resource.type) - {snake(name) for name in resource.inputs})


def spelled(value: Value, inner: type | None) -> Value:
    """A value with its nested properties in snake case, as the classes take them."""
    if isinstance(value, list | tuple):
        return [spelled(each, inner) for each in value]
    if isinstance(value, Mapping) and inner is not None and not isinstance(value, Json):
        known = fields(inner)
        return {snake(name): spelled(item, known.get(snake(name))) for name, item in value.items()}
    return value
