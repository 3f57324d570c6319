"""The service as the page draws it: routes, functions, buckets and parameters of one region.

In: the `Model`. Out: a document in JSON's types. Names and types alone: no value of a parameter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from framework.local.announce import WITH_BODY, example_path
from framework.local.console.grants import says_more, uses_of
from framework.local.model import Function, Model, Route, without_region
from framework.local.samples import sample

Document = Mapping[str, object]

_PARAMETER = re.compile(r"\{([^{}+]+)\+?\}")
_AUTH = {"NONE": "none", "AWS_IAM": "iam", "JWT": "jwt"}


def described(model: Model, address: str) -> Document:
    """One region's part of the service, which answers at `address`."""
    return {
        "name": model.api.name if model.api else "",
        "region": model.region,
        "account": model.account,
        "address": address,
        "routes": [_route(model, route) for route in model.routes],
        "functions": [_function(model, function) for function in model.functions],
        "buckets": [
            {"entry": without_region(b.entry), "name": b.name, "versioned": b.versioned}
            for b in model.buckets
        ],
        "parameters": [
            {"entry": without_region(p.entry), "name": p.name, "type": p.type}
            for p in model.parameters
        ],
    }


def _route(model: Model, route: Route) -> Document:
    method = "GET" if route.method == "ANY" else route.method
    return {
        "key": route.key,
        "entry": f"routes.{route.key}",
        "method": "" if route.key == "$default" else route.method,
        "path": route.path or route.key,
        "function": without_region(route.function.entry),
        "auth": _AUTH.get(route.authorization, "unknown"),
        "authorizer": route.authorizer.name if route.authorizer else "",
        "scopes": list(route.scopes),
        "permitted": route.permitted,
        "example": {
            "method": method,
            "path": _prefix(model) + example_path(route),
            "body": "{}" if method in WITH_BODY else "",
        },
    }


def _prefix(model: Model) -> str:
    stage = model.api.stage if model.api else "$default"
    return "" if stage == "$default" else f"/{stage}"


def _function(model: Model, function: Function) -> Document:
    return {
        "entry": without_region(function.entry),
        "handler": function.handler,
        "runtime": function.runtime,
        "memory": function.memory,
        "timeout": function.timeout,
        "concurrency": function.concurrency,
        "uses": [
            {"entry": use.entry, "verbs": list(use.verbs), "prefix": use.prefix}
            for use in uses_of(model, function)
        ],
        "more": says_more(function),
        "event": _event(model, function),
    }


def _event(model: Model, function: Function) -> str:
    """An event to begin with: that of a request on the function's first route."""
    route = next(_routes_of(model, function), None)
    if route is None:
        return "{}"
    parameters = {name: name for name in _PARAMETER.findall(route.path)}
    body = "{}" if route.method in WITH_BODY else None
    document = sample(model, route, parameters, body=body)
    return json.dumps(document, indent=2, ensure_ascii=False)


def _routes_of(model: Model, function: Function) -> Iterator[Route]:
    return (route for route in model.routes if route.function.entry == function.entry)
