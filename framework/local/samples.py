"""Sample events: what a function would get from API Gateway for a request on one of its routes.

In: a route of the plan and the parts of a request. Out: an event of payload format 2.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from framework.local import event, ids
from framework.local.errors import LocalError
from framework.local.http_messages import Request
from framework.local.model import Model, Route
from framework.local.router import Match

_PARAMETER = re.compile(r"\{([^{}+]+)(\+?)\}")


def sample(
    model: Model,
    route: Route,
    parameters: Mapping[str, str],
    query: str = "",
    body: str | None = None,
) -> Mapping[str, object]:
    """The event for a request on `route`; `parameters` are the parts of its path, decoded.

    Raises `LocalError` where one is missing, or is not there.
    """
    api = model.api.id if model.api else ""
    headers = [
        ("host", f"{api}.execute-api.{model.region}.amazonaws.com"),
        ("user-agent", "services-invoke"),
    ]
    if body is not None:
        headers.append(("content-type", "application/json"))
    request = Request(
        method="GET" if route.method == "ANY" else route.method,
        path=_path(model, route, parameters),
        query=query,
        headers=tuple(headers),
        body=(body or "").encode(),
        port=443,
    )
    request_id = ids.request_id()
    match, identity = Match(route, parameters), _identity(model, route)
    document = event.of_request(request, match, model, request_id, identity)
    return {**document, "headers": {**event.headers(request), "x-forwarded-proto": "https"}}


def _path(model: Model, route: Route, parameters: Mapping[str, str]) -> str:
    names = [name for name, _ in _PARAMETER.findall(route.path)]
    for name in names:
        if not parameters.get(name):
            raise LocalError(f"{route.key} needs  --path-parameter {name}=VALUE")
    for name in parameters:
        if name not in names:
            raise LocalError(f"{route.key} has no path parameter '{name}'")
    stage = model.api.stage if model.api else "$default"
    prefix = "" if stage == "$default" else f"/{stage}"

    def value(found: re.Match[str]) -> str:
        return quote(parameters[found[1]], safe="/" if found[2] else "")

    return prefix + _PARAMETER.sub(value, route.path or "/")


def _identity(model: Model, route: Route) -> Mapping[str, object] | None:
    """Somebody who may call the route."""
    if route.authorizer is not None:
        claims = {
            "aud": route.authorizer.audiences[0],
            "iss": route.authorizer.issuer,
            "sub": "sample-user",
        }
        if route.scopes:
            claims["scope"] = " ".join(route.scopes)
        return {"jwt": {"claims": claims, "scopes": list(route.scopes) or None}}
    if route.authorization == "AWS_IAM":
        return {"iam": event.iam_identity(model, "AKIDEXAMPLE", "sample-user")}
    return None
