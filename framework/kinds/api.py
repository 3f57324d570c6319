"""api: the one HTTP API of the service, there when there is a route.

In: the `api` section and the routes. Out: the API, its JWT authorizers, the log group of its access
logs, and a stage with both throttle limits always set. Its URL is an output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Protocol, TypeAlias, cast

from pydantic import Field

from framework.kinds.kind import Context, Kind, Relaxation
from framework.kinds.retention import LogRetention, days, shorter
from framework.language.document import Document, Section
from framework.language.fields import Entry, Name, Pattern
from framework.plan.resource import Attr, Json, Resource, Text, Value

NAME_LIMIT = 128
"""Characters of an API's name (API Gateway v2 API, CreateApi)."""

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]

Origin: TypeAlias = Annotated[
    str,
    Pattern(
        r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$",
        "an origin is written out, such as https://notes.example.com, without * and path",
    ),
]

Header: TypeAlias = Annotated[
    str, Pattern("^[A-Za-z0-9-]+$", "a header's name is letters, digits and hyphens, never *")
]

Issuer: TypeAlias = Annotated[
    str,
    Pattern(
        r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$",
        "an issuer is an https URL, such as https://login.example.com/",
    ),
]

Stage: TypeAlias = Annotated[
    str,
    Pattern(
        r"^(\$default|[A-Za-z0-9_-]{1,128})$",
        "a stage is $default or a word of letters, digits, - and _",
    ),
]

ACCESS_LOG = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "sourceIp": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "responseLatency": "$context.responseLatency",
    "responseLength": "$context.responseLength",
    "integrationStatus": "$context.integrationStatus",
    "integrationLatency": "$context.integrationLatency",
    "integrationError": "$context.integrationErrorMessage",
    "authorizerError": "$context.authorizer.error",
    "error": "$context.error.message",
}
"""API Gateway developer guide, "Customize HTTP API access logs": the variables there are."""


class Throttle(Entry):
    """How many requests are let through; above it callers get 429."""

    rate: Annotated[int, Field(ge=1, le=10_000, examples=[50])]
    """Requests a second."""

    burst: Annotated[int, Field(ge=1, le=5_000, examples=[100])]
    """Requests at the same moment."""


class Cors(Entry):
    """Which web pages may call the API."""

    origins: Annotated[
        tuple[Origin, ...], Field(min_length=1, examples=[["https://notes.example.com"]])
    ]
    """The origins of those pages, each written out: never *."""

    methods: Annotated[tuple[Method, ...], Field(min_length=1, examples=[["GET"]])] | None = None
    """Methods they may use. Default: those of the routes."""

    headers: Annotated[tuple[Header, ...], Field(examples=[["content-type", "authorization"]])] = (
        "content-type",
        "authorization",
    )
    """Request headers they may send."""

    expose: Annotated[tuple[Header, ...], Field(examples=[["etag"]])] = ()
    """Response headers they may read."""

    credentials: Annotated[bool, Field(examples=[True])] = False
    """Whether they may send cookies."""

    max_age: Annotated[int, Field(ge=0, le=86_400, examples=[600])] = 300
    """Seconds that browsers remember the answer."""


class Authorizer(Entry):
    """Who issues the tokens that callers bring."""

    issuer: Annotated[Issuer, Field(examples=["https://login.example.com/"])]
    """The token's iss, also where the issuer's keys are found."""

    audience: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1, examples=[["notes"]])
    ]
    """The token's aud (or client_id) has to be one of these."""


class Api(Entry):
    """The HTTP API that all routes belong to."""

    cors: Cors | None = None
    """Which web pages may call the API. Without it none may."""

    throttle: Throttle = Throttle(rate=100, burst=200)
    """Limits of the whole API. Default: 100 a second, 200 at the same moment."""

    authorizers: dict[Name, Authorizer] = Field(
        default_factory=dict,
        max_length=10,
        examples=[{"main": {"issuer": "https://login.example.com/", "audience": ["notes"]}}],
    )
    """JWT authorizers by name, for routes to name as jwt.NAME."""

    stage: Annotated[Stage, Field(examples=["v1"])] = "$default"
    """The stage; any but $default becomes the first part of the URL's path."""

    log_retention: Annotated[LogRetention | None, Field(examples=[90])] = None
    """Days that access logs are kept. Default: 365 in the environment prod, 30 elsewhere."""


SECTION = Section("api", Api, "The HTTP API: CORS, throttling, authorizers.", single=True)


def api_id(context: Context) -> Attr:
    """The API's id, which AWS decides."""
    return Attr(context.key("api"), "id")


def authorizer_key(context: Context, name: str) -> str:
    """The key of an authorizer."""
    return context.key(f"api.authorizers.{name}")


class _Throttled(Protocol):
    """What a stage has to know of a route. The routes' own module knows this one."""

    @property
    def throttle(self) -> Throttle | None: ...


def exists(context: Context) -> bool:
    """Whether the service has an API: whether it has a route."""
    return bool(_routes(context))


def _routes(context: Context) -> Mapping[str, _Throttled]:
    return cast("Mapping[str, _Throttled]", context.document.sections["routes"])


def _build(context: Context) -> Iterator[Resource]:
    if not exists(context):
        return
    api = context.document.single(SECTION)
    yield _api(context, api)
    yield from (_authorizer(context, name, each) for name, each in api.authorizers.items())
    yield _log_group(context, api)
    yield _stage(context, api)


def _api(context: Context, api: Api) -> Resource:
    inputs: dict[str, Value] = {
        "name": context.names.name("", NAME_LIMIT),
        "protocolType": "HTTP",
    }
    if api.cors:
        inputs["corsConfiguration"] = _cors(context, api.cors)
    return Resource(context.key("api"), "aws:apigatewayv2/api:Api", inputs, origin="api")


def _cors(context: Context, cors: Cors) -> dict[str, Value]:
    methods = cors.methods or route_methods(_routes(context))
    written: dict[str, Value] = {
        "allowOrigins": list(cors.origins),
        "allowMethods": list(methods),
        "allowHeaders": list(cors.headers),
        "allowCredentials": cors.credentials,
        "maxAge": cors.max_age,
    }
    return written | ({"exposeHeaders": list(cors.expose)} if cors.expose else {})


_ALL_METHODS: tuple[Method, ...] = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def route_methods(routes: Mapping[str, object]) -> tuple[Method, ...]:
    """The methods that routes answer, in a fixed order; ANY and $default answer all."""
    used = {key.partition(" ")[0] for key in routes}
    if used & {"ANY", "$default"}:
        return _ALL_METHODS
    return tuple(method for method in _ALL_METHODS if method in used)


def _authorizer(context: Context, name: str, authorizer: Authorizer) -> Resource:
    return Resource(
        key=authorizer_key(context, name),
        type="aws:apigatewayv2/authorizer:Authorizer",
        inputs={
            "apiId": api_id(context),
            "name": name,
            "authorizerType": "JWT",
            "identitySources": ["$request.header.Authorization"],
            "jwtConfiguration": {
                "issuer": authorizer.issuer,
                "audiences": list(authorizer.audience),
            },
        },
        origin="api",
    )


def log_group_name(context: Context) -> str:
    """The name of the access logs' group.

    Under /aws/vendedlogs/ CloudWatch needs no resource policy for each group of its own
    (CloudWatch Logs user guide, "Enable logging from AWS services": the policy's size limit).
    """
    return f"/aws/vendedlogs/apigateway/{context.names.name('', NAME_LIMIT)}"


def _log_group(context: Context, api: Api) -> Resource:
    return Resource(
        key=context.key("api", "logs"),
        type="aws:cloudwatch/logGroup:LogGroup",
        inputs={
            "name": log_group_name(context),
            "retentionInDays": days(context, api.log_retention),
        },
        origin="api",
    )


def _stage(context: Context, api: Api) -> Resource:
    """Comes after every route: with autoDeploy a stage serves what was there when it was made."""
    routes = _routes(context)
    limited = {key: route.throttle for key, route in routes.items() if route.throttle}
    inputs: dict[str, Value] = {
        "apiId": api_id(context),
        "name": api.stage,
        "autoDeploy": True,
        "accessLogSettings": {
            "destinationArn": context.names.arn("logs", f"log-group:{log_group_name(context)}"),
            "format": Json(ACCESS_LOG),
        },
        "defaultRouteSettings": _limits(api.throttle),
    }
    if limited:
        inputs["routeSettings"] = [
            {"routeKey": key, **_limits(throttle)} for key, throttle in sorted(limited.items())
        ]
    return Resource(
        key=context.key("api", "stage"),
        type="aws:apigatewayv2/stage:Stage",
        inputs=inputs,
        after=(context.key("api", "logs"), *(context.key(f"routes.{key}") for key in routes)),
        origin="api",
    )


def _limits(throttle: Throttle) -> dict[str, Value]:
    """Always both: AWS takes a missing one for 0 and answers every request with 429."""
    return {"throttlingRateLimit": throttle.rate, "throttlingBurstLimit": throttle.burst}


def _outputs(context: Context) -> Mapping[str, Value]:
    if not exists(context):
        return {}
    endpoint = Attr(context.key("api"), "apiEndpoint")
    stage = context.document.single(SECTION).stage
    return {"url": endpoint if stage == "$default" else Text((endpoint, f"/{stage}"))}


def _relaxed(document: Document) -> Iterator[Relaxation]:
    api = document.single(SECTION)
    yield from shorter(document, ("api", "log_retention"), api.log_retention)
    for number, origin in enumerate(api.cors.origins if api.cors else ()):
        if origin.startswith("http://") and api.cors and api.cors.credentials:
            what = "pages that came over plain HTTP may send cookies"
            yield Relaxation(("api", "cors", "origins", number), what, None, explicit=True)


KIND = Kind(SECTION, build=_build, outputs=_outputs, relaxed=_relaxed)
