"""routes: a method and a path that call a function, with authorization that is always said.

In: the `routes` section. Out: one integration per function with routes, and per route the route
and a permission for exactly this API, stage, method and path.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, TypeAlias

from pydantic import Field

from framework.kinds import api
from framework.kinds.function import SECTION as FUNCTIONS
from framework.kinds.function import function_arn, function_name
from framework.kinds.kind import Context, Kind, Link, Relaxation
from framework.language.document import Document, Section
from framework.language.fields import Entry, Pattern, Reason
from framework.language.messages import suggestion
from framework.language.problems import Problem
from framework.plan.names import cut, identifier
from framework.plan.resource import Attr, Resource, Text, Value

MOST_PERMISSIONS = 40
MOST_PERMISSION_CHARACTERS = 19_000
"""Routes of one function that get a permission each, and the size of these permissions.

A function's resource policy holds 20 KB (Lambda quotas); past either of the two one permission for
the API's stage takes their place."""

MOST_STATEMENT_ID = 100
"""Characters of a permission's statement id (Lambda API, AddPermission)."""

STATEMENT_CHARACTERS = 380
"""Of a statement in a function's resource policy, beside its id and its path."""

MOST_INTEGRATIONS = 300
"""Integrations of an API; AWS does not raise it (HTTP API quotas)."""

MOST_ROUTES = 300
"""Routes of an API, which AWS raises on request (HTTP API quotas)."""

TIMEOUT_MILLISECONDS = 30_000
"""The longest an HTTP API waits for a function (HTTP API quotas, "Integration timeout")."""

RouteKey: TypeAlias = Annotated[
    str,
    Pattern(
        r"^(\$default|(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|ANY) "
        r"/(([A-Za-z0-9_.~-]+|\{[A-Za-z0-9_.-]+\})(/([A-Za-z0-9_.~-]+|\{[A-Za-z0-9_.-]+\}))*"
        r"(/\{[A-Za-z0-9_.-]+\+\})?|\{[A-Za-z0-9_.-]+\+\})?)$",
        "a route is a method (GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, ANY) and a path "
        "such as GET /notes/{id}, or $default",
    ),
]

Authorization: TypeAlias = Annotated[
    str,
    Pattern(
        r"^(none|iam|jwt\.[a-z][a-z0-9]*(-[a-z0-9]+)*)$",
        "auth is none, iam, or jwt. and the name of an authorizer, such as jwt.main",
    ),
]

Scope: TypeAlias = Annotated[
    str, Pattern(r"^[\x21\x23-\x5b\x5d-\x7e]+$", "a scope is a word such as notes/read")
]
"""RFC 6749, section 3.3: the characters of a scope."""

_VARIABLE = re.compile(r"\{[^}]*\}")


class Route(Entry):
    """A route of the API."""

    function: Annotated[str, Field(examples=["list-notes"])]
    """The function that answers: its name under functions."""

    auth: Annotated[Authorization, Field(examples=["jwt.main"])]
    """Who may call: none (everybody), iam (signed by AWS credentials), or jwt.AUTHORIZER."""

    scopes: Annotated[tuple[Scope, ...], Field(max_length=10, examples=[["notes/read"]])] = ()
    """Scopes of which the token has to have one; only with auth: jwt.AUTHORIZER."""

    throttle: api.Throttle | None = None
    """Limits of this route alone; without them those of the API hold."""

    reason: Annotated[Reason | None, Field(examples=["the start page is for everybody"])] = None
    """Why everybody may call, for whoever reads the plan."""


SECTION = Section(
    "routes", Route, "Routes of the HTTP API by method and path.", key=RouteKey, defaults=True
)


def _check(link: Link) -> Iterator[Problem]:
    known = ("api",) not in link.document.dropped
    authorizers = link.document.single(api.SECTION).authorizers if known else None
    for key, route in link.document.entries(SECTION).items():
        path = ("routes", key)
        if not link.document.declares("functions", route.function):
            names = link.document.names("functions")
            near = suggestion(route.function, names) or _known("functions", names)
            message = f"there is no function '{route.function}'{near}"
            yield Problem(message, (*path, "function"), rule="unknown-function")
        yield from _check_authorization(route, path, authorizers)
    yield from _check_twins(link)
    yield from _check_quotas(link)
    yield from _check_timeouts(link)
    yield from _check_variables(link)
    yield from _check_preflights(link)
    yield from _check_unused_authorizers(link)
    yield from _check_cors(link)


def _known(what: str, names: Collection[str]) -> str:
    return f"; {what} are {', '.join(names)}" if names else f"; there are no {what}"


def _check_authorization(
    route: Route, path: tuple[str, ...], authorizers: Mapping[str, object] | None
) -> Iterator[Problem]:
    scheme, _, name = route.auth.partition(".")
    if scheme == "jwt" and authorizers is not None and name not in authorizers:
        near = suggestion(name, authorizers) or _known("authorizers", authorizers)
        message = f"there is no authorizer '{name}' under api.authorizers{near}"
        yield Problem(message, (*path, "auth"), rule="unknown-authorizer")
    if scheme != "jwt" and route.scopes:
        message = f"scopes need auth: jwt.AUTHORIZER, not {route.auth}"
        yield Problem(message, (*path, "scopes"), "key", "scopes-without-jwt")


def _check_twins(link: Link) -> Iterator[Problem]:
    """Routes that differ in the names of their variables alone: API Gateway refuses the second."""
    seen: dict[str, str] = {}
    for key in link.document.entries(SECTION):
        first = seen.setdefault(_VARIABLE.sub(_kind_of_variable, key), key)
        if first != key:
            yield Problem(f"is the same route as {first}", ("routes", key), "key", "same-route")


def _check_quotas(link: Link) -> Iterator[Problem]:
    routes = link.document.entries(SECTION)
    integrations = len({route.function for route in routes.values()})
    if integrations > MOST_INTEGRATIONS:
        message = (
            f"{integrations:,} functions have routes, and an API takes {MOST_INTEGRATIONS} "
            "integrations: split the service"
        )
        yield Problem(message, ("routes",), "key", "integrations")
    if len(routes) > MOST_ROUTES:
        count = f"{len(routes):,} routes, and an API takes {MOST_ROUTES}"
        message = f"{count}: have AWS raise the quota first"
        yield Problem(message, ("routes",), "key", "routes", "warning")


def _check_timeouts(link: Link) -> Iterator[Problem]:
    functions = link.document.entries(FUNCTIONS)
    for name in dict.fromkeys(route.function for route in link.document.entries(SECTION).values()):
        if name in functions and functions[name].timeout * 1000 > TIMEOUT_MILLISECONDS:
            message = f"{functions[name].timeout} seconds, but callers get 503 after 30"
            yield Problem(
                message, ("functions", name, "timeout"), rule="timeout", severity="warning"
            )


def _check_unused_authorizers(link: Link) -> Iterator[Problem]:
    used = {route.auth for route in link.document.entries(SECTION).values()}
    whole = not any(path and path[0] == "routes" for path in link.document.dropped)
    for name in link.document.single(api.SECTION).authorizers if whole else ():
        if f"jwt.{name}" not in used:
            message = f"no route uses it: say  auth: jwt.{name}  or remove it"
            path = ("api", "authorizers", name)
            yield Problem(message, path, "key", "unused-entry", "warning")


def _check_cors(link: Link) -> Iterator[Problem]:
    """Methods that pages are allowed and that no route answers."""
    cors = link.document.single(api.SECTION).cors
    offered = api.route_methods(link.document.entries(SECTION))
    whole = not any(path and path[0] == "routes" for path in link.document.dropped)
    for number, method in enumerate(cors.methods or () if cors and whole else ()):
        if method not in offered and method != "OPTIONS":
            path = ("api", "cors", "methods", number)
            message = f"no route answers {method}"
            yield Problem(message, path, rule="unused-method", severity="warning")


def _relaxed(document: Document) -> Iterator[Relaxation]:
    for key, route in document.entries(SECTION).items():
        if route.auth == "none":
            path = ("routes", key, "auth")
            yield Relaxation(path, "everybody may call it", route.reason, explicit=True)


def _check_variables(link: Link) -> Iterator[Problem]:
    """API Gateway refuses a variable that is there twice, and no client sends . or .. in a path."""
    for key in link.document.entries(SECTION):
        variables = _VARIABLE.findall(key)
        if len(set(variables)) < len(variables):
            yield Problem("has a variable twice", ("routes", key), "key", "variable-twice")
        if {".", ".."} & set(key.split("/")):
            message = "a part of its path is . or .., which clients take away"
            yield Problem(message, ("routes", key), "key", "dot-in-path")


def _check_preflights(link: Link) -> Iterator[Problem]:
    """A route for every method takes the browsers' preflights too, and asks them who they are.

    (API Gateway developer guide, "Configure CORS for HTTP APIs": the $default route.)
    """
    routes = link.document.entries(SECTION)
    if not link.document.single(api.SECTION).cors or "OPTIONS /{proxy+}" in routes:
        return
    for key, route in routes.items():
        if key.startswith(("ANY ", "$default")) and route.auth != "none":
            message = (
                "browsers' preflights end here and get 401: add  "
                f"OPTIONS /{{proxy+}}: {{function: {route.function}, auth: none}}"
            )
            yield Problem(message, ("routes", key), "key", "preflight", "warning")


def _kind_of_variable(found: re.Match[str]) -> str:
    return "{+}" if found.group().endswith("+}") else "{}"


def _by_function(context: Context) -> dict[str, list[str]]:
    routes: dict[str, list[str]] = {}
    for key, route in context.document.entries(SECTION).items():
        routes.setdefault(route.function, []).append(key)
    return routes


def _build(context: Context) -> Iterator[Resource]:
    by_function = _by_function(context)
    for function, keys in by_function.items():
        yield _integration(context, function)
        if _share_permission(keys):
            yield _api_permission(context, function)
    for key, route in context.document.entries(SECTION).items():
        shared = _share_permission(by_function[route.function])
        permission = context.key(f"functions.{route.function}", "permission")
        if not shared:
            permission = context.key(f"routes.{key}", "permission")
            yield _permission(context, key, route, permission)
        yield _route(context, key, route, permission)


def _share_permission(keys: list[str]) -> bool:
    """Whether the permissions of so many routes would be too many for their function's policy."""
    size = sum(len(key) + len(_statement_id(key)) + STATEMENT_CHARACTERS for key in keys)
    return len(keys) > MOST_PERMISSIONS or size > MOST_PERMISSION_CHARACTERS


def _statement_id(key: str) -> str:
    return cut(identifier(key), MOST_STATEMENT_ID)


def _integration(context: Context, function: str) -> Resource:
    return Resource(
        key=context.key(f"functions.{function}", "integration"),
        type="aws:apigatewayv2/integration:Integration",
        inputs={
            "apiId": api.api_id(context),
            "integrationType": "AWS_PROXY",
            "integrationUri": function_arn(context, function),
            "payloadFormatVersion": "2.0",
            "timeoutMilliseconds": TIMEOUT_MILLISECONDS,
        },
        after=(context.key(f"functions.{function}"),),
        origin=f"functions.{function}",
    )


def _permission_inputs(
    context: Context, function: str, statement: str, what: str
) -> dict[str, Value]:
    prefix = context.names.arn("execute-api", "")
    stage = context.document.single(api.SECTION).stage
    return {
        "statementId": statement,
        "action": "lambda:InvokeFunction",
        "function": function_name(context, function),
        "principal": "apigateway.amazonaws.com",
        "sourceArn": Text((prefix, api.api_id(context), f"/{stage}/{what}")),
    }


def _permission(context: Context, key: str, route: Route, permission: str) -> Resource:
    return Resource(
        key=permission,
        type="aws:lambda/permission:Permission",
        inputs=_permission_inputs(context, route.function, _statement_id(key), invoked(key)),
        after=(context.key(f"functions.{route.function}"),),
        origin=f"routes.{key}",
    )


def invoked(key: str) -> str:
    """What API Gateway calls a function for, as the last part of the source ARN: GET/notes/*.

    A variable of the path is a wildcard, as the method of ANY is; $default stands as it is
    (API Gateway developer guide, "Control access for invoking an API").
    """
    if key == "$default":
        return key
    method, _, path = key.partition(" ")
    return f"{'*' if method == 'ANY' else method}{_VARIABLE.sub('*', path)}"


def _api_permission(context: Context, function: str) -> Resource:
    return Resource(
        key=context.key(f"functions.{function}", "permission"),
        type="aws:lambda/permission:Permission",
        inputs=_permission_inputs(context, function, "api", "*"),
        after=(context.key(f"functions.{function}"),),
        origin=f"functions.{function}",
    )


def _route(context: Context, key: str, route: Route, permission: str) -> Resource:
    integration = Attr(context.key(f"functions.{route.function}", "integration"), "id")
    inputs: dict[str, Value] = {
        "apiId": api.api_id(context),
        "routeKey": key,
        "target": Text(("integrations/", integration)),
        **_authorization(context, route),
    }
    return Resource(
        key=context.key(f"routes.{key}"),
        type="aws:apigatewayv2/route:Route",
        inputs=inputs,
        after=(permission,),
        origin=f"routes.{key}",
    )


def _authorization(context: Context, route: Route) -> dict[str, Value]:
    scheme, _, name = route.auth.partition(".")
    if scheme != "jwt":
        return {"authorizationType": "AWS_IAM" if scheme == "iam" else "NONE"}
    written: dict[str, Value] = {
        "authorizationType": "JWT",
        "authorizerId": Attr(api.authorizer_key(context, name), "id"),
    }
    return written | ({"authorizationScopes": list(route.scopes)} if route.scopes else {})


KIND = Kind(SECTION, build=_build, check=_check, relaxed=_relaxed)
