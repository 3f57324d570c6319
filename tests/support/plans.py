"""Plans built by hand, in the shapes that the kinds give, for rooms that only read plans.

A `PlanBuilder` gathers functions, routes, buckets and parameters and gives a `Plan`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from framework.plan.resource import Attr, Code, Json, Plan, Resource, Secret, Text, Value

ACCOUNT = "123456789012"
REGION = "eu-west-1"
SERVICE = "notes-dev"
API_ID = Attr("api", "id")

Statement = Mapping[str, Value]


def allow(
    actions: str | Sequence[str], resource: str, condition: Mapping[str, Value] | None = None
) -> Statement:
    """A statement that allows."""
    listed: list[Value] = [actions] if isinstance(actions, str) else [*actions]
    statement: dict[str, Value] = {"Effect": "Allow", "Action": listed, "Resource": [resource]}
    return {**statement, **({"Condition": condition} if condition else {})}


def bucket_name(entry: str) -> str:
    """The physical name of a bucket of the plan."""
    return f"{SERVICE}-{entry}-{ACCOUNT}-{REGION}"


def bucket_arn(entry: str) -> str:
    """The ARN of a bucket of the plan."""
    return f"arn:aws:s3:::{bucket_name(entry)}"


def parameter_name(entry: str) -> str:
    """The full name of a parameter of the plan."""
    return f"/notes/dev/{entry}"


def parameter_arn(entry: str) -> str:
    """The ARN of a parameter of the plan."""
    return f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{parameter_name(entry)}"


def function_arn(entry: str) -> str:
    """The ARN of a function of the plan."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{SERVICE}-{entry}"


def source_path(route: str) -> str:
    """The end of a permission's source ARN: `GET/notes/*` for `GET /notes/{id}`."""
    method, _, path = route.partition(" ")
    parts = ["*" if part.startswith("{") else part for part in path.split("/")]
    return f"{'*' if method == 'ANY' else method}{'/'.join(parts)}"


@dataclass
class PlanBuilder:
    """What the plan holds so far; every method returns the builder."""

    api: dict[str, Value] = field(default_factory=dict)
    stage: dict[str, Value] = field(default_factory=dict)
    resources: list[Resource] = field(default_factory=list)

    def function(
        self,
        entry: str,
        handler: str,
        *statements: Statement,
        environment: Mapping[str, str] | None = None,
        timeout: int = 10,
        code: Code | None = None,
        **inputs: Value,
    ) -> PlanBuilder:
        """A function with its role, policy and log group."""
        key, name = f"functions.{entry}", f"{SERVICE}-{entry}"
        role = f"{name}-{REGION}"
        logs = allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{name}:*",
        )
        document = Json({"Version": "2012-10-17", "Statement": [logs, *statements]})
        self._add(f"{key}/role", "aws:iam/role:Role", {"name": role, "assumeRolePolicy": Json({})})
        self._add(
            f"{key}/policy",
            "aws:iam/rolePolicy:RolePolicy",
            {"name": "uses", "role": role, "policy": document},
        )
        self._add(
            f"{key}/logs",
            "aws:cloudwatch/logGroup:LogGroup",
            {"name": f"/aws/lambda/{name}", "retentionInDays": 30},
        )
        function: dict[str, Value] = {
            "name": name,
            "role": f"arn:aws:iam::{ACCOUNT}:role/{role}",
            "runtime": "python3.13",
            "handler": handler,
            "architectures": ["arm64"],
            "memorySize": 256,
            "timeout": timeout,
            "code": code or Code("handlers", "python3.13", "arm64"),
            "environment": {"variables": dict(environment or {})},
            "loggingConfig": {"logFormat": "JSON", "logGroup": f"/aws/lambda/{name}"},
            "tracingConfig": {"mode": "Active"},
        }
        self._add(key, "aws:lambda/function:Function", {**function, **inputs})
        return self

    def route(
        self, key: str, entry: str, *, permitted: bool = True, **inputs: Value
    ) -> PlanBuilder:
        """A route to a function, with the integration and the permission it needs."""
        integration = f"functions.{entry}/integration"
        if all(resource.key != integration for resource in self.resources):
            self._integration(integration, entry)
        route: dict[str, Value] = {
            "apiId": API_ID,
            "routeKey": key,
            "target": Text(("integrations/", Attr(integration, "id"))),
            "authorizationType": "NONE",
        }
        self._add(f"routes.{key}", "aws:apigatewayv2/route:Route", {**route, **inputs})
        if permitted:
            self.permission(key, entry)
        return self

    def permission(self, key: str, entry: str) -> PlanBuilder:
        """The permission of a route to invoke a function."""
        stage = self.stage.get("name", "$default")
        arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:"
        self._add(
            f"routes.{key}/permission",
            "aws:lambda/permission:Permission",
            {
                "action": "lambda:InvokeFunction",
                "function": f"{SERVICE}-{entry}",
                "principal": "apigateway.amazonaws.com",
                "sourceArn": Text((arn, API_ID, f"/{stage}/{source_path(key)}")),
                "statementId": "route",
            },
        )
        return self

    def authorizer(self, name: str, issuer: str, *audiences: str) -> PlanBuilder:
        """A JWT authorizer."""
        self._add(
            f"api.authorizers.{name}",
            "aws:apigatewayv2/authorizer:Authorizer",
            {
                "apiId": API_ID,
                "authorizerType": "JWT",
                "identitySources": ["$request.header.Authorization"],
                "name": name,
                "jwtConfiguration": {"issuer": issuer, "audiences": list(audiences)},
            },
        )
        return self

    def bucket(
        self, entry: str, *, versioned: bool = True, cors: Sequence[Value] = ()
    ) -> PlanBuilder:
        """A bucket with its versioning, its CORS rules and the policy that denies plain HTTP."""
        key, name = f"buckets.{entry}", bucket_name(entry)
        self._add(key, "aws:s3/bucket:Bucket", {"bucket": name})
        if versioned:
            self._add(
                f"{key}/versioning",
                "aws:s3/bucketVersioning:BucketVersioning",
                {"bucket": name, "versioningConfiguration": {"status": "Enabled"}},
            )
        if cors:
            self._add(
                f"{key}/cors",
                "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
                {"bucket": name, "corsRules": list(cors)},
            )
        deny: dict[str, Value] = {
            "Effect": "Deny",
            "Action": ["s3:*"],
            "Principal": "*",
            "Resource": [bucket_arn(entry), f"{bucket_arn(entry)}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        policy = Json({"Version": "2012-10-17", "Statement": [deny]})
        self._add(
            f"{key}/policy",
            "aws:s3/bucketPolicy:BucketPolicy",
            {"bucket": name, "policy": policy},
        )
        return self

    def parameter(self, entry: str, value: str | None = None) -> PlanBuilder:
        """A SecureString of the secret configuration, or with `value` a plain String."""
        inputs: dict[str, Value] = {"name": parameter_name(entry)}
        if value is None:
            inputs |= {"type": "SecureString", "value": Secret(("parameters", entry))}
        else:
            inputs |= {"type": "String", "insecureValue": value}
        self._add(f"parameters.{entry}", "aws:ssm/parameter:Parameter", inputs)
        return self

    def plan(self) -> Plan:
        """The plan of all that was asked for."""
        return Plan((*self._api(), *self.resources))

    def _api(self) -> list[Resource]:
        if not any(resource.key.startswith("routes.") for resource in self.resources):
            return []
        api: dict[str, Value] = {"name": SERVICE, "protocolType": "HTTP", **self.api}
        stage: dict[str, Value] = {
            "apiId": API_ID,
            "name": "$default",
            "autoDeploy": True,
            "defaultRouteSettings": {"throttlingRateLimit": 1000, "throttlingBurstLimit": 2000},
            **self.stage,
        }
        return [
            Resource("api", "aws:apigatewayv2/api:Api", api),
            Resource("api/stage", "aws:apigatewayv2/stage:Stage", stage),
        ]

    def _integration(self, key: str, entry: str) -> None:
        self._add(
            key,
            "aws:apigatewayv2/integration:Integration",
            {
                "apiId": API_ID,
                "integrationType": "AWS_PROXY",
                "integrationUri": function_arn(entry),
                "payloadFormatVersion": "2.0",
                "timeoutMilliseconds": 30000,
            },
        )

    def _add(self, key: str, token: str, inputs: Mapping[str, Value]) -> None:
        self.resources.append(Resource(key, token, inputs))
