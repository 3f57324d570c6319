"""What local mode runs, read from the plan: functions, routes, buckets, parameters.

In: a `Plan`. Out: a frozen `Model` for each region, home first. A resource of another region
carries `@region` at the end of its key, and so does the entry made of it.
A plan whose resources do not fit together raises `PlanError`: a bug of a kind or of a transform.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from framework.local import unsupported
from framework.local.policy import Policy, like, parse
from framework.local.values import Inputs, made_up
from framework.plan.resource import Attr, Code, Plan, PlanError, Resource, Secret
from framework.plan.target import UNKNOWN_ACCOUNT

FUNCTION = "aws:lambda/function:Function"
PERMISSION = "aws:lambda/permission:Permission"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
API = "aws:apigatewayv2/api:Api"
STAGE = "aws:apigatewayv2/stage:Stage"
ROUTE = "aws:apigatewayv2/route:Route"
INTEGRATION = "aws:apigatewayv2/integration:Integration"
AUTHORIZER = "aws:apigatewayv2/authorizer:Authorizer"
BUCKET = "aws:s3/bucket:Bucket"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
BUCKET_CORS = "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration"
PARAMETER = "aws:ssm/parameter:Parameter"

INTEGRATION_TIMEOUT = 30_000
"""Milliseconds; API Gateway quota "Maximum integration timeout" of HTTP APIs."""

_REGIONAL_ARN = re.compile(r"arn:([a-z-]+):(?:lambda|logs|ssm|execute-api):([a-z0-9-]+):(\d{12}):")

# A path may hold an @ of its own: `routes.GET /users/@me`.
_REGION_SUFFIX = re.compile(r"@([a-z]{2}(?:-[a-z]+)+-\d)$")


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function. `entry` is its name in services.yaml, `memory` MB, `timeout` seconds.

    Two that differ in `policy` alone are equal: a change of grants needs no new process.
    """

    entry: str
    name: str
    arn: str
    role: str
    runtime: str
    handler: str
    code: Code
    memory: int
    timeout: float
    log_group: str
    log_format: str
    log_level: str
    environment: Mapping[str, str]
    concurrency: int | None
    policy: Policy = field(compare=False)


class Throttle(NamedTuple):
    """A token bucket: `rate` requests a second, `burst` at once."""

    rate: float
    burst: float


class Authorizer(NamedTuple):
    """A JWT authorizer; `sources` say where the token stands."""

    name: str
    issuer: str
    audiences: tuple[str, ...]
    sources: tuple[str, ...]


class Route(NamedTuple):
    """One route of the API. `path` is empty for `$default`, `timeout` in seconds."""

    key: str
    method: str
    path: str
    function: Function
    authorization: str
    authorizer: Authorizer | None
    scopes: tuple[str, ...]
    permitted: bool
    timeout: float
    throttle: Throttle | None

    @property
    def served(self) -> bool:
        """Whether local mode answers it: other authorizers than these are not known here."""
        return self.authorization in ("NONE", "JWT", "AWS_IAM")


class Cors(NamedTuple):
    """What browsers of other origins may do; `max_age` seconds, 0 when not said."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    credentials: bool
    max_age: int


class Api(NamedTuple):
    """The HTTP API and its one stage."""

    id: str
    name: str
    stage: str
    cors: Cors | None
    throttle: Throttle | None
    routes: tuple[Route, ...]


class Bucket(NamedTuple):
    """A bucket under its physical name."""

    entry: str
    name: str
    arn: str
    versioned: bool
    cors: tuple[Cors, ...]


class Parameter(NamedTuple):
    """A parameter under its full name; `value` may be one of the secret configuration."""

    entry: str
    name: str
    arn: str
    type: str
    value: Secret | str


class Model(NamedTuple):
    """The service of one region, as local mode runs it; `unsupported` are lines for people."""

    account: str
    region: str
    partition: str
    functions: tuple[Function, ...]
    api: Api | None
    buckets: tuple[Bucket, ...]
    parameters: tuple[Parameter, ...]
    unsupported: tuple[str, ...] = ()

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes, none where there is no API."""
        return self.api.routes if self.api else ()


def read_all(plan: Plan) -> tuple[Model, ...]:
    """The service that `plan` describes, once for each of its regions, home first.

    Raises `LocalError` where local mode would behave otherwise than AWS without a word.
    """
    unsupported.refuse(plan.resources)
    resources: dict[str, list[Resource]] = {"": []}
    for resource in plan.resources:
        found = _REGION_SUFFIX.search(resource.key)
        resources.setdefault(found[1] if found else "", []).append(resource)
    return tuple(_Reader(region, of_region).model() for region, of_region in resources.items())


def read(plan: Plan) -> Model:
    """The service that `plan` describes in its home region."""
    return read_all(plan)[0]


def without_region(entry: str) -> str:
    """The entry as services.yaml names it."""
    return _REGION_SUFFIX.sub("", entry)


class _Reader:
    """Reads the resources of one region; `region` is empty for the home region."""

    def __init__(self, region: str, resources: Sequence[Resource]) -> None:
        self.unsupported = tuple(unsupported.lines(resources))
        self.inputs: dict[str, list[Inputs]] = {}
        for resource in resources:
            self.inputs.setdefault(resource.type, []).append(Inputs.of(resource))
        self.partition, self.region, self.account = self._place(region)
        functions = (self._function(inputs) for inputs in self._of(FUNCTION))
        self.functions = {function.arn: function for function in functions}

    def model(self) -> Model:
        return Model(
            account=self.account,
            region=self.region,
            partition=self.partition,
            functions=tuple(self.functions.values()),
            api=next((self._api(inputs) for inputs in self._of(API)), None),
            buckets=tuple(self._buckets()),
            parameters=tuple(self._parameter(inputs) for inputs in self._of(PARAMETER)),
            unsupported=self.unsupported,
        )

    def _of(self, token: str) -> list[Inputs]:
        return self.inputs.get(token, [])

    def _place(self, region: str) -> tuple[str, str, str]:
        """Partition, region and account as the ARNs have them that the framework itself wrote."""
        texts = [inputs.text("integrationUri") for inputs in self._of(INTEGRATION)]
        texts += [inputs.text("policy") for inputs in self._of(ROLE_POLICY)]
        found = next((match for text in texts if (match := _REGIONAL_ARN.search(text))), None)
        if found is None:
            return "aws", region or "us-east-1", UNKNOWN_ACCOUNT
        return found[1], found[2], found[3]

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def _function(self, inputs: Inputs) -> Function:
        name = inputs.text("name")
        role = inputs.text("role").rpartition("/")[2]
        policies = (i.text("policy") for i in self._of(ROLE_POLICY) if i.text("role") == role)
        variables = inputs.child("environment").child("variables")
        logging = inputs.child("loggingConfig")
        concurrency = inputs.number("reservedConcurrentExecutions", -1)
        return Function(
            entry=inputs.key,
            name=name,
            arn=self._arn("lambda", f"function:{name}"),
            role=role,
            runtime=inputs.text("runtime"),
            handler=inputs.text("handler"),
            code=inputs.code("s3Key" if "s3Key" in inputs.values else "code"),
            memory=int(inputs.number("memorySize", 128)),
            timeout=inputs.number("timeout", 3),
            log_group=logging.text("logGroup", f"/aws/lambda/{name}"),
            log_format=logging.text("logFormat", "Text"),
            log_level=_log_level(logging),
            environment={variable: variables.text(variable) for variable in variables.values},
            concurrency=int(concurrency) if concurrency >= 0 else None,
            policy=parse(policies),
        )

    def _api(self, inputs: Inputs) -> Api:
        api = made_up_id(inputs.key)
        stage = _only(self._of(STAGE), "a stage")
        default = stage.child("defaultRouteSettings")
        own = {s.text("routeKey"): _throttle(s) for s in stage.children("routeSettings")}
        name = stage.text("name")
        routes = (self._route(route, api, name, own) for route in self._of(ROUTE))
        return Api(
            id=api,
            name=inputs.text("name"),
            stage=name,
            cors=_api_cors(inputs.child("corsConfiguration")),
            throttle=_throttle(default),
            routes=tuple(routes),
        )

    def _route(
        self, inputs: Inputs, api: str, stage: str, throttles: Mapping[str, Throttle | None]
    ) -> Route:
        key = inputs.text("routeKey")
        method, _, path = key.partition(" ")
        function, timeout = self._target(inputs)
        return Route(
            key=key,
            method=method if path else "ANY",
            path=path,
            function=function,
            authorization=inputs.text("authorizationType"),
            authorizer=self._authorizer(inputs),
            scopes=inputs.texts("authorizationScopes"),
            permitted=self._permitted(function, f"{api}/{stage}/{_source(key)}"),
            timeout=timeout,
            throttle=throttles.get(key),
        )

    def _target(self, route: Inputs) -> tuple[Function, float]:
        """The function behind a route and the integration's timeout in seconds."""
        target = route.text("target")
        for inputs in self._of(INTEGRATION):
            if target == f"integrations/{made_up_id(inputs.key)}":
                function = self.functions.get(inputs.text("integrationUri"))
                if function is None:
                    raise PlanError(f"{inputs.key}: integrationUri is no function of the plan")
                milliseconds = inputs.number("timeoutMilliseconds", INTEGRATION_TIMEOUT)
                return function, milliseconds / 1000
        raise PlanError(f"{route.key}: target is no integration of the plan")

    def _authorizer(self, route: Inputs) -> Authorizer | None:
        wanted = route.text("authorizerId", "")
        if not wanted:
            return None
        for inputs in self._of(AUTHORIZER):
            if made_up_id(inputs.key) == wanted:
                if inputs.text("authorizerType", "JWT") != "JWT":
                    return None
                jwt = inputs.child("jwtConfiguration")
                return Authorizer(
                    name=inputs.text("name"),
                    issuer=jwt.text("issuer"),
                    audiences=jwt.texts("audiences"),
                    sources=inputs.texts("identitySources"),
                )
        raise PlanError(f"{route.key}: authorizerId is no authorizer of the plan")

    def _permitted(self, function: Function, source: str) -> bool:
        """Whether some permission lets API Gateway invoke `function` from `source`."""
        arn = self._arn("execute-api", source)
        return any(
            permission.text("function") in (function.name, function.arn)
            and permission.text("principal") == "apigateway.amazonaws.com"
            and permission.text("action") == "lambda:InvokeFunction"
            and like(permission.text("sourceArn", "*"), arn)
            for permission in self._of(PERMISSION)
        )

    def _buckets(self) -> Iterator[Bucket]:
        """Those of the author: functions run from their source, and fetch no package."""
        of_packages = {inputs.text("s3Bucket", "") for inputs in self._of(FUNCTION)}
        for inputs in self._of(BUCKET):
            if inputs.text("bucket") not in of_packages:
                yield self._bucket(inputs)

    def _bucket(self, inputs: Inputs) -> Bucket:
        name = inputs.text("bucket")
        versioning = [i for i in self._of(VERSIONING) if i.text("bucket") == name]
        cors = [i for i in self._of(BUCKET_CORS) if i.text("bucket") == name]
        return Bucket(
            entry=inputs.key,
            name=name,
            arn=f"arn:{self.partition}:s3:::{name}",
            versioned=any(
                i.child("versioningConfiguration").text("status") == "Enabled" for i in versioning
            ),
            cors=tuple(_bucket_cors(rule) for i in cors for rule in i.children("corsRules")),
        )

    def _parameter(self, inputs: Inputs) -> Parameter:
        name = inputs.text("name")
        return Parameter(
            entry=inputs.key,
            name=name,
            arn=self._arn("ssm", f"parameter/{name.removeprefix('/')}"),
            type=inputs.text("type"),
            value=inputs.secret_or_text("value" if "value" in inputs.values else "insecureValue"),
        )


def made_up_id(key: str) -> str:
    """The local id of a resource whose id AWS would decide."""
    return made_up(Attr(key, "id"))


def _only(found: list[Inputs], what: str) -> Inputs:
    if len(found) != 1:
        raise PlanError(f"the API needs {what}, the plan has {len(found)}")
    return found[0]


def _source(route_key: str) -> str:
    """The end of the ARN that a route invokes from: `GET/notes/{id}`, `*/notes`, `$default`."""
    method, _, path = route_key.partition(" ")
    return f"{'*' if method == 'ANY' else method}{path}"


def _log_level(logging: Inputs) -> str:
    """What loggers begin with; nothing where Lambda leaves it to Python (format Text)."""
    as_json = logging.text("logFormat", "Text") == "JSON"
    return logging.text("applicationLogLevel", "INFO") if as_json else ""


def _throttle(inputs: Inputs) -> Throttle | None:
    if "throttlingRateLimit" not in inputs.values:
        return None
    return Throttle(inputs.number("throttlingRateLimit"), inputs.number("throttlingBurstLimit"))


def _api_cors(inputs: Inputs) -> Cors | None:
    if not inputs.values:
        return None
    return Cors(
        origins=inputs.texts("allowOrigins"),
        methods=inputs.texts("allowMethods"),
        headers=inputs.texts("allowHeaders"),
        exposed=inputs.texts("exposeHeaders"),
        credentials=inputs.flag("allowCredentials"),
        max_age=int(inputs.number("maxAge", 0)),
    )


def _bucket_cors(inputs: Inputs) -> Cors:
    return Cors(
        origins=inputs.texts("allowedOrigins"),
        methods=inputs.texts("allowedMethods"),
        headers=inputs.texts("allowedHeaders"),
        exposed=inputs.texts("exposeHeaders"),
        credentials=True,
        max_age=int(inputs.number("maxAgeSeconds", 0)),
    )
