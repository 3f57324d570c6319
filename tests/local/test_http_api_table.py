"""What API Gateway does with an HTTP API, as a table: one row a rule, over real HTTP.

Handlers run in worker processes. The word in brackets in a row's id is where the rule comes from:

    routes, lambda, cors, jwt, iam, throttle, quotas   pages of the API Gateway developer guide
    recorded     events and responses from the real API Gateway: snapshots of aws-lambda-dotnet's
                 Lambda test tool (April 2025), events in public tutorials and issues
    measured     what others measured on AWS: floci #2011 (claims), powertools' end-to-end tests
    known        what everybody says and no page does
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from framework.local.errors import LocalError
from framework.plan.resource import Attr, Resource, Value
from tests.support.local import Local, local, write_handlers
from tests.support.plans import ACCOUNT, REGION, PlanBuilder
from tests.support.raw_http import Answer, Headers, ask
from tests.support.running import Running, run
from tests.support.signing import signed
from tests.support.tokens import DISCOVERY, ISSUER, issuer, key_set, token

HANDLERS = """
    import json
    import os
    import time

    def echo(event, context):
        return event

    def result(event, context):
        return json.loads(event["body"])

    def misbehave(event, context):
        match event["pathParameters"]["how"]:
            case "raise":
                raise ValueError("secret of the handler")
            case "exit":
                os._exit(3)
            case "print":
                print("x" * 1_000_000)
            case "no-json":
                return {1, 2}
            case "large":
                return "x" * 6_291_557
            case "sleep":
                time.sleep(60)
"""


@dataclass(frozen=True)
class Gateway:
    """A running API: where, and what it said."""

    url: str
    up: Local

    def ask(self, method: str, target: str, headers: Headers = (), body: bytes = b"") -> Answer:
        return ask(self.url, method, target, headers, body)

    def event(
        self, method: str, target: str, headers: Headers = (), body: bytes = b""
    ) -> Mapping[str, object]:
        """The event of a handler that answers with it."""
        answer = self.ask(method, target, headers, body)
        assert answer.status == 200, answer.body
        return mapping(answer.json())


def mapping(value: object) -> Mapping[str, object]:
    assert isinstance(value, dict)
    return value


def found(event: Mapping[str, object], path: str) -> object:
    """What an event holds at a dotted path; `...` where it holds nothing."""
    value: object = event
    for name in path.split("."):
        value = value.get(name, ...) if isinstance(value, dict) else ...
    return value


def error(text: str) -> object:
    return {"message": text}


JWT: dict[str, Value] = {
    "authorizationType": "JWT",
    "authorizerId": Attr("api.authorizers.main", "id"),
}
ROUTES = (
    "GET /",
    "GET /pets",
    "GET /pets/dog/1",
    "GET /pets/dog/{id}",
    "GET /pets/{kind}/{id}",
    "GET /pets/{proxy+}",
    "ANY /pets/dog/{id}",
    "POST /files/{folder}/{path+}",
    "ANY /echo",
    "ANY /echo/{name}",
)


def builder() -> PlanBuilder:
    made = (
        PlanBuilder(stage={"routeSettings": [limits("GET /limited", burst=2)]})
        .function("echo", "app.echo")
        .function("result", "app.result")
        .function("misbehave", "app.misbehave")
        .function("slow", "app.misbehave", timeout=1)
        .function("late", "app.misbehave")
        .function("full", "app.echo", reservedConcurrentExecutions=0)
        .authorizer("main", ISSUER, "notes", "others")
        .route("POST /result", "result")
        .route("GET /misbehave/{how}", "misbehave")
        .route("GET /slow/{how}", "slow")
        .route("GET /late/{how}", "late")
        .route("GET /full", "full")
        .route("GET /limited", "echo")
        .route("GET /unpermitted", "echo", permitted=False)
        .route("GET /custom", "echo", authorizationType="CUSTOM")
        .route("GET /me", "echo", permitted=True, **JWT)
        .route("GET /scoped", "echo", permitted=True, **JWT, authorizationScopes=["read", "write"])
        .route("ANY /signed/{id}", "echo", authorizationType="AWS_IAM")
    )
    for key in ROUTES:
        made.route(key, "echo")
    made.resources.append(Resource("queues.jobs", "aws:sqs/queue:Queue", {"name": "jobs"}))
    return made


def limits(key: str, burst: int) -> Value:
    """Of a route: so many requests, and no more for a long time."""
    return {"routeKey": key, "throttlingRateLimit": 0.001, "throttlingBurstLimit": burst}


def hasty(resource: Resource) -> Resource:
    """The integration of `late` gives up after 0.3 s instead of 30."""
    if resource.key != "functions.late/integration":
        return resource
    return replace(resource, inputs={**resource.inputs, "timeoutMilliseconds": 300})


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """An API without CORS, on the stage $default, with the keys of its authorizer in a file."""
    folder = tmp_path_factory.mktemp("table")
    write_handlers(folder, HANDLERS)
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps(key_set("main")))
    with local(builder().plan().transformed(hasty), folder, jwks=jwks) as up:
        yield Gateway(up.service.url, up)


# Routes.


@pytest.mark.parametrize(
    ("method", "target", "route", "parameters"),
    [
        pytest.param("GET", "/pets", "GET /pets", ..., id="a full match [routes]"),
        pytest.param(
            "GET", "/pets/dog/1", "GET /pets/dog/1", ..., id="literal before variable [routes]"
        ),
        pytest.param(
            "GET",
            "/pets/dog/2",
            "GET /pets/dog/{id}",
            {"id": "2"},
            id="a method before ANY [known]",
        ),
        pytest.param(
            "PUT",
            "/pets/dog/2",
            "ANY /pets/dog/{id}",
            {"id": "2"},
            id="ANY takes other methods [routes]",
        ),
        pytest.param(
            "GET",
            "/pets/cat/2",
            "GET /pets/{kind}/{id}",
            {"kind": "cat", "id": "2"},
            id="variables before a greedy one [routes]",
        ),
        pytest.param(
            "GET",
            "/pets/a/b/c",
            "GET /pets/{proxy+}",
            {"proxy": "a/b/c"},
            id="a greedy one takes the rest [routes]",
        ),
        pytest.param(
            "GET",
            "/pets/",
            "GET /pets/{proxy+}",
            {"proxy": ""},
            id="a greedy one takes an empty rest [recorded]",
        ),
        pytest.param("GET", "/", "GET /", ..., id="the root [routes]"),
        pytest.param(
            "POST",
            "/files/my%20notes/2026/caf%C3%A9%3F.txt",
            "POST /files/{folder}/{path+}",
            {"folder": "my notes", "path": "2026/café?.txt"},
            id="variables arrive decoded [routes]",
        ),
    ],
)
def test_which_route_takes_a_request(
    api: Gateway, method: str, target: str, route: str, parameters: object
) -> None:
    event = api.event(method, target)

    assert found(event, "routeKey") == found(event, "requestContext.routeKey") == route
    assert found(event, "pathParameters") == parameters


@pytest.mark.parametrize(
    ("method", "target"),
    [
        pytest.param("GET", "/nothing", id="no such path [routes]"),
        pytest.param("DELETE", "/pets", id="no such method [routes]"),
        pytest.param("GET", "/echo/", id="a slash more [measured]"),
        pytest.param("GET", "/Pets", id="another case [known]"),
        pytest.param("POST", "/files/folder", id="no slash before the greedy part [known]"),
    ],
)
def test_what_no_route_takes_is_404(api: Gateway, method: str, target: str) -> None:
    answer = api.ask(method, target)

    assert (answer.status, answer.json()) == (404, error("Not Found"))


# The event.

FULL: Headers = (
    ("Host", "localhost"),
    ("User-Agent", "agent"),
    ("X-Twice", "first"),
    ("x-twice", "second"),
    ("Cookie", "a=1; b=2"),
    ("Cookie", "c=3"),
    ("Content-Type", "application/json"),
    ("Connection", "keep-alive"),
)


def test_every_key_of_an_event(api: Gateway) -> None:
    """Lambda proxy integration, payload format 2.0: these keys, and no others."""
    before = int(time.time() * 1000)
    event = dict(api.event("POST", "/echo/a%20b?x=1&y=%26&x=2", FULL, b'{"a": 1}'))

    context = dict(mapping(event.pop("requestContext")))
    headers = dict(mapping(event.pop("headers")))
    assert event == {
        "version": "2.0",
        "routeKey": "ANY /echo/{name}",
        "rawPath": "/echo/a b",
        "rawQueryString": "x=1&y=%26&x=2",
        "cookies": ["a=1", "b=2", "c=3"],
        "queryStringParameters": {"x": "1,2", "y": "&"},
        "pathParameters": {"name": "a b"},
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    }
    assert str(headers.pop("x-amzn-trace-id")).startswith("Root=1-")
    assert headers == {
        "host": "localhost",
        "user-agent": "agent",
        "x-twice": "first,second",
        "content-type": "application/json",
        "content-length": "8",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-port": str(urlsplit(api.url).port),
        "x-forwarded-proto": "http",
    }
    moment = context.pop("timeEpoch")
    assert isinstance(moment, int)
    assert before <= moment <= time.time() * 1000
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(moment / 1000))
    assert context.pop("time") == stamp
    assert context.pop("requestId")
    api_id = context.pop("apiId")
    assert context == {
        "accountId": ACCOUNT,
        "domainName": "localhost",
        "domainPrefix": api_id,
        "http": {
            "method": "POST",
            "path": "/echo/a b",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "agent",
        },
        "routeKey": "ANY /echo/{name}",
        "stage": "$default",
    }


@pytest.mark.parametrize(
    ("target", "headers", "path", "value"),
    [
        pytest.param("/echo", (), "cookies", ..., id="no cookies, no key [lambda]"),
        pytest.param("/echo", (), "body", ..., id="no body, no key [recorded]"),
        pytest.param("/echo", (), "isBase64Encoded", False, id="no body is no base64 [recorded]"),
        pytest.param("/echo", (), "queryStringParameters", ..., id="no query, no key [recorded]"),
        pytest.param("/echo", (), "rawQueryString", "", id="no query is empty [recorded]"),
        pytest.param("/echo", (), "pathParameters", ..., id="no variables, no key [recorded]"),
        pytest.param("/echo", (), "stageVariables", ..., id="no stage variables [recorded]"),
        pytest.param("/echo", (), "requestContext.authorizer", ..., id="nobody [recorded]"),
        pytest.param("/echo", (), "headers.content-length", "0", id="a length always [recorded]"),
        pytest.param("/echo", (), "requestContext.http.userAgent", "", id="no agent [recorded]"),
        pytest.param(
            "/echo/%E2%98%95%20Coffee",
            (),
            "rawPath",
            "/echo/☕ Coffee",
            id="rawPath decoded [recorded]",
        ),
        pytest.param(
            "/echo?a+b=c%2Bd&e=",
            (),
            "queryStringParameters",
            {"a b": "c+d", "e": ""},
            id="query decoded, a plus is a space [recorded]",
        ),
        pytest.param(
            "/echo?a=%20&b=C%23",
            (),
            "rawQueryString",
            "a=%20&b=C%23",
            id="the raw query encoded [recorded]",
        ),
        pytest.param(
            "/echo",
            (("X-Forwarded-For", "198.51.100.7"),),
            "headers.x-forwarded-for",
            "198.51.100.7, 127.0.0.1",
            id="a proxy before [known]",
        ),
        pytest.param(
            "/echo",
            (("X-Amzn-Trace-Id", "Root=1-2-3"),),
            "headers.x-amzn-trace-id",
            "Root=1-2-3",
            id="the caller's trace [known]",
        ),
        pytest.param("/echo", (("Cookie", "a=1"),), "headers.cookie", ..., id="cookies [recorded]"),
    ],
)
def test_what_an_event_says(
    api: Gateway, target: str, headers: Headers, path: str, value: object
) -> None:
    assert found(api.event("GET", target, headers), path) == value


@pytest.mark.parametrize(
    ("content_type", "sent", "text"),
    [
        pytest.param("application/json", b'{"a": 1}', '{"a": 1}', id="JSON is text [known]"),
        pytest.param("text/csv; charset=utf-8", b"a,b", "a,b", id="text is text [known]"),
        pytest.param("application/xml", b"<a/>", "<a/>", id="XML is text [known]"),
        pytest.param("application/javascript", b"a()", "a()", id="JavaScript is text [known]"),
        pytest.param("application/octet-stream", b"\x01\x02", None, id="bytes [recorded]"),
        pytest.param("image/png", b"\x89PNG", None, id="an image [known]"),
        pytest.param("application/x-www-form-urlencoded", b"a=1", None, id="a form [known]"),
        pytest.param("multipart/form-data; boundary=x", b"--x--", None, id="parts [known]"),
        pytest.param("", b"abc", None, id="no type [known]"),
    ],
)
def test_which_bodies_are_base64(
    api: Gateway, content_type: str, sent: bytes, text: str | None
) -> None:
    event = api.event("POST", "/echo", [("content-type", content_type)] * bool(content_type), sent)

    encoded = base64.b64encode(sent).decode()
    expected = (encoded, True) if text is None else (text, False)
    assert (event["body"], event["isBase64Encoded"]) == expected


# The result.

JSON, TEXT = "application/json", "text/plain;charset=UTF-8"


@pytest.mark.parametrize(
    ("result", "status", "content_type", "body"),
    [
        pytest.param({"a": 1}, 200, JSON, b'{"a": 1}', id="an object is the body [lambda]"),
        pytest.param([1, 2], 200, JSON, b"[1, 2]", id="a list is the body [recorded]"),
        pytest.param("Hello", 200, JSON, b"Hello", id="a text goes unquoted [recorded]"),
        pytest.param('a "b" c', 200, JSON, b'a "b" c', id="a text goes unescaped [recorded]"),
        pytest.param("", 200, JSON, b"", id="an empty text [recorded]"),
        pytest.param("é", 200, JSON, "é".encode(), id="UTF-8 [known]"),
        pytest.param(42, 200, JSON, b"42", id="a number [recorded]"),
        pytest.param(True, 200, JSON, b"true", id="true [recorded]"),
        pytest.param(None, 200, JSON, b"null", id="None [known]"),
        pytest.param({"body": "x"}, 200, JSON, b'{"body": "x"}', id="without a status [lambda]"),
        pytest.param({"statusCode": 201, "body": "ok"}, 201, TEXT, b"ok", id="a status [recorded]"),
        pytest.param({"statusCode": 200}, 200, TEXT, b"", id="a status alone [recorded]"),
        pytest.param(
            {"statusCode": 201, "body": "<a/>", "headers": {"Content-Type": "application/xml"}},
            201,
            "application/xml",
            b"<a/>",
            id="an own type [recorded]",
        ),
        pytest.param(
            {"statusCode": 200, "body": "/wA=", "isBase64Encoded": True},
            200,
            TEXT,
            b"\xff\x00",
            id="base64 is decoded [lambda]",
        ),
        pytest.param(
            {"statusCode": 200, "body": "/wA=", "isBase64Encoded": False},
            200,
            TEXT,
            b"/wA=",
            id="what is not said to be base64 stays [recorded]",
        ),
        pytest.param(
            {"statusCode": 204, "body": "x"}, 204, TEXT, b"", id="204 has no body [known]"
        ),
    ],
)
def test_what_a_result_becomes(
    api: Gateway, result: object, status: int, content_type: str, body: bytes
) -> None:
    answer = returned(api, result)

    assert (answer.status, answer.body) == (status, body)
    assert answer.header("content-type") == content_type
    assert answer.header("content-length") == (None if status == 204 else str(len(body)))


def returned(api: Gateway, result: object) -> Answer:
    """The answer for what a handler returns."""
    body = json.dumps(result).encode()
    return api.ask("POST", "/result", [("content-type", "application/json")], body)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        pytest.param({"statusCode": 0}, "statusCode is 0", id="status 0 [recorded]"),
        pytest.param({"statusCode": 200.5}, "statusCode is 200.5", id="half a status [recorded]"),
        pytest.param({"statusCode": "200"}, 'statusCode is "200"', id="a text as status [known]"),
        pytest.param(
            {"statusCode": 200, "headers": {"a": ["b"]}},
            'the header "a" is not text',
            id="a list as header [recorded]",
        ),
        pytest.param({"statusCode": 200, "body": {}}, "body is not text", id="a body [known]"),
    ],
)
def test_a_malformed_result_is_500_and_the_terminal_says_why(
    api: Gateway, result: object, reason: str
) -> None:
    answer = returned(api, result)

    assert (answer.status, answer.json()) == (500, error("Internal Server Error"))
    api.up.lines.wait_for(f"functions.result: its result is no response: {reason}")


def test_headers_and_cookies_of_a_result(api: Gateway) -> None:
    """[lambda] A set-cookie for each cookie; [recorded] headers as they are, and these added."""
    headers = {"X-Custom": "a,b", "content-length": "999", "connection": "close", "X-Number": 5}
    answer = returned(
        api, {"statusCode": 200, "headers": headers, "cookies": ["a=1; Path=/", "b=2"]}
    )

    assert answer.all("set-cookie") == ["a=1; Path=/", "b=2"]
    assert answer.header("x-custom") == "a,b"
    assert answer.header("x-number") == "5"
    assert answer.header("content-length") == "0"
    assert answer.header("connection") is None
    assert answer.header("date")
    assert str(answer.header("apigw-requestid")).endswith("=")


def test_an_answers_request_id_is_that_of_the_event(api: Gateway) -> None:
    answer = api.ask("GET", "/echo")

    assert found(mapping(answer.json()), "requestContext.requestId") == answer.header(
        "apigw-requestid"
    )


# Failures and limits.


@pytest.mark.parametrize(
    ("target", "status", "text", "line"),
    [
        pytest.param(
            "/misbehave/raise",
            500,
            "Internal Server Error",
            "functions.misbehave: ValueError: secret of the handler",
            id="an exception [recorded]",
        ),
        pytest.param(
            "/misbehave/exit",
            500,
            "Internal Server Error",
            "functions.misbehave: its worker ended before it answered (exit code 3)",
            id="an exit [known]",
        ),
        pytest.param(
            "/misbehave/no-json",
            500,
            "Internal Server Error",
            "functions.misbehave: Runtime.MarshalError: ",
            id="no JSON [known]",
        ),
        pytest.param(
            "/misbehave/large",
            500,
            "Internal Server Error",
            "functions.misbehave: Function.ResponseSizeTooLarge: ",
            id="a result of more than 6 MB [known]",
        ),
        pytest.param(
            "/slow/sleep",
            500,
            "Internal Server Error",
            "functions.slow: timed out after 1 s",
            id="the function's timeout [known]",
        ),
        pytest.param(
            "/late/sleep",
            503,
            "Service Unavailable",
            "routes.GET /late/{how}: no answer within 0.3 s, the integration's limit",
            id="the integration's timeout [quotas]",
        ),
        pytest.param(
            "/full",
            503,
            "Service Unavailable",
            "routes.GET /full: functions.full already runs 0 times, its reserved concurrency",
            id="nobody free [known]",
        ),
        pytest.param(
            "/unpermitted",
            500,
            "Internal Server Error",
            "routes.GET /unpermitted: no aws:lambda/permission:Permission of the plan lets this"
            " route invoke functions.echo: 500 to the caller",
            id="no permission [known]",
        ),
    ],
)
def test_failures_have_awss_body_and_the_terminal_says_why(
    api: Gateway, target: str, status: int, text: str, line: str
) -> None:
    answer = api.ask("GET", target)

    assert (answer.status, answer.json()) == (status, error(text))
    assert answer.header("content-type") == "application/json"
    api.up.lines.wait_for(line)


def test_the_integration_waits_thirty_seconds() -> None:
    """[quotas] The plan says so, and the reader takes it where the plan is silent."""
    from framework.local.model import read

    def silent(resource: Resource) -> Resource:
        inputs = {n: v for n, v in resource.inputs.items() if n != "timeoutMilliseconds"}
        return replace(resource, inputs=inputs)

    plan = PlanBuilder().function("f", "app.f").route("GET /f", "f").plan()

    assert [read(p).routes[0].timeout for p in (plan, plan.transformed(silent))] == [30, 30]


@pytest.mark.parametrize(
    ("headers", "size", "status"),
    [
        pytest.param([("content-type", "text/plain")], 6_000_000, 200, id="6 MB pass [lambda]"),
        pytest.param(
            [("content-type", "text/plain")], 6_291_556, 413, id="an event of 6 MB [known]"
        ),
        pytest.param([], 10_000_000, 413, id="10 MB are base64, so more than an event [known]"),
        pytest.param([], 10_000_001, 413, id="more than 10 MB [quotas]"),
        pytest.param([("x-fill", "x" * 9_900)], 0, 200, id="9.9 kB of headers [quotas]"),
        pytest.param([("x-fill", "x" * 10_240)], 0, 431, id="more than 10,240 bytes [quotas]"),
    ],
)
def test_limits_of_a_request(api: Gateway, headers: Headers, size: int, status: int) -> None:
    answer = api.ask("POST", "/echo", headers, b"x" * size)

    assert answer.status == status
    texts = {413: "Request Entity Too Large", 431: "Request Header Fields Too Large"}
    assert status == 200 or answer.json() == error(texts[status])


def test_a_route_has_a_throttle_of_its_own(api: Gateway) -> None:
    """[throttle] A token bucket; above it 429, and other routes do not notice."""
    answers = [api.ask("GET", "/limited") for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].json() == error("Too Many Requests")
    assert api.ask("GET", "/echo").status == 200


# Authorizers.


def bearer(text: str) -> Headers:
    return [("authorization", f"Bearer {text}")]


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        pytest.param({"exp": 1_000_000_000}, "the token has expired", id="an expired token [jwt]"),
        pytest.param({"nbf": 9_999_999_999}, "the token is not valid yet", id="nbf [jwt]"),
        pytest.param({"iat": 9_999_999_999}, "the token is not valid yet", id="iat [jwt]"),
        pytest.param(
            {"iss": "https://evil.example/"},
            "the token does not have a valid issuer",
            id="another issuer [jwt]",
        ),
        pytest.param(
            {"aud": "elsewhere"},
            "the token does not have a valid audience",
            id="another audience [jwt]",
        ),
        pytest.param(
            {"aud": "elsewhere", "client_id": "notes"},
            "the token does not have a valid audience",
            id="client_id counts without aud alone [jwt]",
        ),
        pytest.param({"signed_by": "stranger"}, "the signature is invalid", id="a forgery [jwt]"),
        pytest.param(
            {"algorithm": "HS256"}, "signing method HS256 is invalid", id="no RSA signature [jwt]"
        ),
    ],
)
def test_a_bad_token_is_401(api: Gateway, claims: dict[str, object], reason: str) -> None:
    answer = api.ask("GET", "/me", bearer(made_token(claims)))

    assert (answer.status, answer.json()) == (401, error("Unauthorized"))
    assert answer.header("www-authenticate") == (
        f'Bearer scope="" error="invalid_token" error_description="{reason}"'
    )


def made_token(changes: Mapping[str, object]) -> str:
    """A token with other claims, or signed otherwise."""
    rest = {n: v for n, v in changes.items() if n not in ("signed_by", "algorithm")}
    signed_by = str(changes.get("signed_by", "main"))
    algorithm = str(changes.get("algorithm", "RS256"))
    return token(kid="main", signed_by=signed_by, algorithm=algorithm, **rest)


def test_no_token_is_401(api: Gateway) -> None:
    """[jwt] No identity source has one."""
    answer = api.ask("GET", "/me")

    assert (answer.status, answer.json()) == (401, error("Unauthorized"))
    assert answer.header("www-authenticate") == "Bearer"


@pytest.mark.parametrize(
    ("claims", "name", "value"),
    [
        pytest.param({"sub": "ada"}, "sub", "ada", id="a text [jwt]"),
        pytest.param({"aud": ["x", "notes"]}, "aud", "[x notes]", id="a list [measured]"),
        pytest.param({"n": 5}, "n", "5", id="a number [measured]"),
        pytest.param({"ok": True}, "ok", "true", id="true [measured]"),
        pytest.param({"o": {"a": 1}}, "o", '{"a": 1}', id="an object [measured]"),
        pytest.param({"aud": None, "client_id": "others"}, "aud", ..., id="client_id [jwt]"),
        pytest.param({"scope": "read"}, "scope", "read", id="scope stays a claim [measured]"),
    ],
)
def test_claims_in_the_event(
    api: Gateway, claims: dict[str, object], name: str, value: object
) -> None:
    jwt = found(
        api.event("GET", "/me", bearer(made_token(claims))), "requestContext.authorizer.jwt"
    )

    assert mapping(mapping(jwt)["claims"]).get(name, ...) == value
    assert mapping(jwt)["scopes"] is None


@pytest.mark.parametrize(
    ("claims", "status", "scopes"),
    [
        pytest.param({"scope": "read other"}, 200, ["read", "other"], id="all of them [measured]"),
        pytest.param({"scp": ["write"]}, 200, ["write"], id="scp [jwt]"),
        pytest.param({"scope": "other"}, 403, None, id="others [jwt]"),
        pytest.param({}, 403, None, id="none [jwt]"),
    ],
)
def test_a_route_with_scopes_needs_one_of_them(
    api: Gateway, claims: dict[str, object], status: int, scopes: list[str] | None
) -> None:
    answer = api.ask("GET", "/scoped", bearer(made_token(claims)))

    assert answer.status == status
    if status == 200:
        event = mapping(answer.json())
        assert found(event, "requestContext.authorizer.jwt.scopes") == scopes
    else:
        assert answer.json() == error("Forbidden")


def signature(api: Gateway, secret: str | None = None) -> Headers:
    """The headers of a GET of /signed/a by the developer, whose key the start shows."""
    developer = api.up.service.grounds.developer
    key = developer._replace(secret_key=secret) if secret else developer
    return signed(key, REGION, "GET", f"{api.url}/signed/a")


def test_a_signed_request_passes(api: Gateway) -> None:
    """[iam] The event says who signed it."""
    identity = found(api.event("GET", "/signed/a", signature(api)), "requestContext.authorizer.iam")

    developer = api.up.service.grounds.developer
    assert mapping(identity) == {
        "accessKey": developer.access_key,
        "accountId": ACCOUNT,
        "callerId": "developer",
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": f"arn:aws:iam::{ACCOUNT}:user/developer",
        "userId": "developer",
    }


@pytest.mark.parametrize("how", ["not at all", "wrongly", "for another path", "in the query"])
def test_what_is_not_signed_right_is_403(api: Gateway, how: str) -> None:
    """[iam] Signatures in the query, which AWS takes, are refused: the terminal says so."""
    headers = {"not at all": (), "wrongly": signature(api, "another secret"), "in the query": ()}
    targets = {"for another path": "/signed/b", "in the query": "/signed/a?X-Amz-Signature=x"}
    answer = api.ask("GET", targets.get(how, "/signed/a"), headers.get(how, signature(api)))

    assert (answer.status, answer.json()) == (403, error("Forbidden"))
    api.up.lines.wait_for("routes.ANY /signed/{id}: a request is refused: ")


# The start.


@pytest.mark.parametrize(
    "line",
    [
        "NOT SIMULATED: local mode has nothing for queues.jobs (aws:sqs/queue:Queue)",
        "NOT SERVED: local mode does not know the authorization CUSTOM of GET /custom:"
        " it answers 501",
        "NOT PERMITTED: GET /unpermitted may not invoke functions.echo: it answers 500",
    ],
)
def test_what_is_not_here_is_said_at_the_start(api: Gateway, line: str) -> None:
    assert line in api.up.lines.said


def test_an_authorizer_that_is_not_known_lets_nobody_in(api: Gateway) -> None:
    assert api.ask("GET", "/custom").status == 501


@pytest.mark.parametrize(
    ("key", "changes", "line"),
    [
        (
            "functions.f/integration",
            {"payloadFormatVersion": "1.0"},
            "functions.f/integration: payloadFormatVersion is 1.0: only 2.0 runs here",
        ),
        (
            "functions.f/integration",
            {"integrationType": "HTTP_PROXY"},
            "functions.f/integration: integrationType is HTTP_PROXY: only AWS_PROXY runs here",
        ),
        (
            "functions.f/integration",
            {"requestParameters": {"overwrite:path": "x"}},
            "functions.f/integration: requestParameters is set: local mode does not have that",
        ),
        ("api", {"protocolType": "WEBSOCKET"}, "api: protocolType is WEBSOCKET: only HTTP runs"),
        ("api/stage", {"stageVariables": {"a": "b"}}, "api/stage: stageVariables is set: local"),
        ("functions.f", {"packageType": "Image"}, "functions.f: packageType is Image: only Zip"),
    ],
)
def test_what_would_behave_otherwise_does_not_start(
    tmp_path: Path, key: str, changes: dict[str, Value], line: str
) -> None:
    def change(resource: Resource) -> Resource:
        if resource.key != key:
            return resource
        return replace(resource, inputs={**resource.inputs, **changes})

    plan = PlanBuilder().function("f", "app.f").route("GET /f", "f").plan().transformed(change)
    with pytest.raises(LocalError) as caught, local(plan, tmp_path):
        pass

    assert str(caught.value).startswith(line)


# CORS, the API's own throttle, and keys from the issuer.

ORIGIN = "https://notes.example.com"
ASKING: Headers = (
    ("origin", ORIGIN),
    ("access-control-request-method", "POST"),
    ("access-control-request-headers", "X-Own"),
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """An API with CORS, whose issuer publishes its keys over HTTP."""
    folder = tmp_path_factory.mktemp("cors")
    write_handlers(folder, HANDLERS)
    cors: dict[str, Value] = {
        "allowOrigins": [ORIGIN],
        "allowMethods": ["GET", "POST"],
        "allowHeaders": ["x-own"],
        "exposeHeaders": ["etag"],
        "allowCredentials": True,
        "maxAge": 300,
    }
    with issuer() as published:
        published.documents = {
            DISCOVERY: {"jwks_uri": f"{published.url}/keys"},
            "/keys": key_set("main"),
        }
        made = (
            PlanBuilder(api={"corsConfiguration": cors})
            .function("result", "app.result")
            .function("echo", "app.echo")
            .authorizer("main", published.url, "notes")
            .route("POST /result", "result")
            .route("ANY /open", "echo")
            .route("ANY /private", "echo", permitted=True, **JWT)
        )
        with local(made, folder) as up:
            yield Gateway(up.service.url, up)


def cors_headers(answer: Answer) -> dict[str, str]:
    return {n: v for n, v in answer.headers if n.startswith("access-control-")}


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/result", id="no route takes OPTIONS [cors]"),
        pytest.param("/open", id="ANY does [cors]"),
        pytest.param("/no/such/path", id="no route at all [cors]"),
    ],
)
def test_a_preflight_is_answered_by_the_gateway(shared: Gateway, target: str) -> None:
    answer = shared.ask("OPTIONS", target, ASKING)

    assert (answer.status, answer.body) == (204, b"")
    assert cors_headers(answer) == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "x-own",
        "access-control-max-age": "300",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("origin", "https://evil.example", id="another origin [cors]"),
        pytest.param("access-control-request-method", "DELETE", id="another method [cors]"),
        pytest.param("access-control-request-headers", "x-other", id="another header [cors]"),
    ],
)
def test_a_preflight_for_what_is_not_allowed_allows_nothing(
    shared: Gateway, name: str, value: str
) -> None:
    answer = shared.ask("OPTIONS", "/result", list({**dict(ASKING), name: value}.items()))

    assert cors_headers(answer) == {}


def test_a_preflight_on_a_protected_any_route_meets_the_authorizer(shared: Gateway) -> None:
    """[cors] Considerations for ANY and $default: OPTIONS is one of their methods."""
    assert shared.ask("OPTIONS", "/private", ASKING).status == 401


def test_the_handlers_own_cors_headers_are_replaced(shared: Gateway) -> None:
    """[cors] API Gateway ignores CORS headers returned from the integration."""
    own = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "*", "x-a": "1"}
    body = json.dumps({"statusCode": 200, "headers": own}).encode()
    headers = [("content-type", "application/json"), ("origin", ORIGIN)]
    answer = shared.ask("POST", "/result", headers, body)

    assert answer.header("x-a") == "1"
    assert cors_headers(answer) == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "etag",
    }


def test_errors_of_the_gateway_carry_cors_headers_too(shared: Gateway) -> None:
    """[known] Else a page could not read the 401."""
    answer = shared.ask("GET", "/private", [("origin", ORIGIN)])

    assert answer.status == 401
    assert cors_headers(answer)["access-control-allow-origin"] == ORIGIN


def test_without_cors_the_handlers_headers_stay(api: Gateway) -> None:
    """[cors] Nothing is configured, so nothing is replaced."""
    own = {"access-control-allow-origin": "*"}

    assert cors_headers(returned(api, {"statusCode": 200, "headers": own})) == own


def test_keys_come_from_the_issuer_over_http(shared: Gateway) -> None:
    """[jwt] From the jwks_uri of its discovery document."""
    published = shared.up.service.deployment.models[0].routes[2].authorizer
    assert published is not None

    event = shared.event("GET", "/private", bearer(token(iss=published.issuer)))

    claims = found(event, "requestContext.authorizer.jwt.claims")
    assert mapping(claims)["iss"] == published.issuer


# Stages, regions and the API's own throttle, from a services.yaml.

REGIONS = """
    service: notes
    regions: [eu-west-1, us-east-1]
    alarms: {enabled: false, reason: a test}
    functions:
      echo: {handler: app.echo}
    routes:
      GET /: {function: echo, auth: none}
      GET /a: {function: echo, auth: none}
      GET /own: {function: echo, auth: none, throttle: {rate: 1, burst: 1}}
    api: {stage: v1, throttle: {rate: 1, burst: 3}}
"""


@pytest.fixture
def regions(tmp_path: Path) -> Iterator[Running]:
    with run(tmp_path, REGIONS, HANDLERS) as up:
        yield up


def test_stages_regions_and_throttles(regions: Running) -> None:
    """[routes] A path begins with its stage, and everything else is 404; [throttle] the routes
    without limits of their own share the stage's; each region is a whole API on a port of its own.
    """
    home, other = regions.service.urls.values()

    def statuses(url: str, targets: Sequence[str]) -> list[int]:
        return [ask(url, "GET", target).status for target in targets]

    assert list(regions.service.urls) == ["eu-west-1", "us-east-1"]
    assert statuses(home, ["/", "/a", "/v2/a", "/v10/a", "/v1/none"]) == [404] * 5
    event = mapping(ask(home, "GET", "/v1/a").json())
    assert (found(event, "rawPath"), found(event, "requestContext.stage")) == ("/v1/a", "v1")
    assert statuses(home, ["/v1", "/v1/"]) == [200, 200]
    assert 429 in statuses(home, ["/v1/a"] * 20)
    assert statuses(home, ["/v1/own"]) == [200]
    assert 429 in statuses(home, ["/v1/own"] * 20)
    there = mapping(ask(other, "GET", "/v1/a").json())
    assert found(there, "requestContext.apiId") != found(event, "requestContext.apiId")
