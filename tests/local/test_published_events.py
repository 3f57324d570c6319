"""Events that others published, and others' readers of events, against ours.

A published event is turned back into the HTTP request that must have caused it and sent: the event
of our handler has to be the published one, but for what is listed here with its reason. Powertools
for AWS Lambda, which knows events from AWS alone, has to read every event made here.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, quote, unquote

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.shared.cookies import Cookie
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.parser.models import APIGatewayProxyEventV2Model
from aws_lambda_powertools.utilities.typing import LambdaContext

from framework.local.model import read
from framework.local.response import of_result
from framework.local.samples import sample
from framework.plan.resource import Attr, Value
from framework.testing import LocalService
from tests.support.local import Local, local, write_handlers
from tests.support.plans import ACCOUNT, REGION, PlanBuilder
from tests.support.raw_http import Headers, ask
from tests.support.signing import signed
from tests.support.tokens import ISSUER, key_set, token

HANDLERS = """
    def echo(event, context):
        return event
"""
FOLDER = Path(__file__).with_name("published")

PARAMETERS = {
    "path": "path/to/resource",
    "account_id": ACCOUNT,
    "dns_suffix": "us-east-1.amazonaws.com",
    "method": "POST",
    "stage": "$default",
    "body": base64.b64encode(b'{"test":"body"}').decode(),
}
"""What `sam local generate-event` fills in without options."""

DIFFERENT = {
    "requestContext.accountId": "an account of its own",
    "requestContext.apiId": "ids are made up here",
    "requestContext.authentication": "mutual TLS needs a domain of one's own",
    "requestContext.authorizer.iam": "the signer is somebody of this machine",
    "requestContext.authorizer.jwt.claims.aud": "a token that passes has more claims",
    "requestContext.authorizer.jwt.claims.exp": "as above",
    "requestContext.authorizer.jwt.claims.iat": "as above",
    "requestContext.authorizer.jwt.claims.iss": "as above",
    "requestContext.authorizer.jwt.claims.scope": "as above",
    "requestContext.authorizer.jwt.claims.sub": "as above",
    "requestContext.authorizer.lambda": "no kind has Lambda authorizers",
    "requestContext.domainName": "the host is this machine",
    "requestContext.domainPrefix": "as above",
    "requestContext.http.sourceIp": "the caller is this machine",
    "requestContext.requestId": "ids are made up here",
    "requestContext.time": "it is now",
    "requestContext.timeEpoch": "it is now",
    "headers.authorization": "samples with an authorizer leave out what it judged",
    "headers.content-length": "samples leave out what API Gateway adds to every request",
    "headers.content-type": "samples with a text leave out what makes it one",
    "headers.host": "as for content-length; and the host is this machine",
    "headers.user-agent": "samples leave it out, and have it in requestContext.http",
    "headers.x-amz-date": "of the signature",
    "headers.x-amzn-trace-id": "as for content-length",
    "headers.x-forwarded-for": "as for content-length",
    "headers.x-forwarded-port": "as for content-length",
    "headers.x-forwarded-proto": "as for content-length; and http is spoken here",
    "stageVariables": "no kind gives any, and a plan with some does not start",
}
"""Where a published event and ours may differ, and why."""

CONTRADICTIONS = {
    "pathParameters": "$default has no variables in its path",
}
"""Where a sample says what no request can cause; only on the route $default."""


@dataclass(frozen=True)
class Published:
    """A published event under the name of its file."""

    name: str
    event: Mapping[str, object]

    def part(self, path: str) -> Mapping[str, object]:
        """An object in it, empty where there is none."""
        value: object = self.event
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, dict) else {}

    def text(self, path: str) -> str:
        """A text in it, empty where there is none."""
        above, _, name = path.rpartition(".")
        value = (self.part(above) if above else self.event).get(name)
        return value if isinstance(value, str) else ""


def published() -> Iterator[Published]:
    """The events kept here, and those of the folder PUBLISHED_EVENTS."""
    others = os.environ.get("PUBLISHED_EVENTS")
    folders = [FOLDER, *([Path(others)] if others else [])]
    for file in sorted(file for folder in folders for file in folder.glob("*.json")):
        event = json.loads(filled(file.read_text("utf-8")))
        if event.get("version") == "2.0" and "http" in event.get("requestContext", {}):
            yield Published(file.stem, event)


def filled(template: str) -> str:
    for name, value in PARAMETERS.items():
        template = template.replace("{" * 3 + name + "}" * 3, value)
    return template


EVENTS = list(published())


@pytest.mark.parametrize("given", EVENTS, ids=[one.name for one in EVENTS])
def test_a_published_event_is_made_again_from_its_request(given: Published, tmp_path: Path) -> None:
    with serving(given, tmp_path) as up:
        target = quote(given.text("rawPath")) + query(given)
        headers = [*headers_of(given), *authorization(given, up, target)]
        method = given.text("requestContext.http.method")
        answer = ask(up.service.url, method, target, headers, body_of(given))

    assert answer.status == 200, answer.body
    ours, theirs = flat(answer.json()), flat(lower_case(given.event))
    different = {path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path)}
    allowed = {**DIFFERENT, **(CONTRADICTIONS if given.event["routeKey"] == "$default" else {})}
    surprising = {path for path in different if not any(is_in(path, known) for known in allowed)}
    assert {path: (theirs.get(path), ours.get(path)) for path in surprising} == {}


@pytest.mark.parametrize("given", EVENTS, ids=[one.name for one in EVENTS])
def test_a_handler_takes_a_published_event(given: Published, tmp_path: Path) -> None:
    """As `services invoke --event` hands it over: unchanged."""
    with serving(given, tmp_path) as up:
        assert LocalService(up.service).invoke("echo", given.event) == given.event


def test_the_kept_events_are_among_them() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} <= {one.name for one in EVENTS} != set()


@contextmanager
def serving(given: Published, folder: Path) -> Iterator[Local]:
    """A service whose only route is that of the event, with the same kind of authorizer."""
    write_handlers(folder, HANDLERS)
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps(key_set("main")))
    made = PlanBuilder().function("echo", "app.echo").authorizer("main", ISSUER, "notes")
    made.route(given.text("routeKey"), "echo", permitted=True, **authorized(given))
    with local(made, folder, jwks=jwks) as up:
        yield up


def authorized(given: Published) -> dict[str, Value]:
    if given.part("requestContext.authorizer.iam"):
        return {"authorizationType": "AWS_IAM"}
    jwt = given.part("requestContext.authorizer.jwt")
    if not jwt:
        return {}
    scopes = [str(scope) for scope in cast(Sequence[object], jwt["scopes"] or ())]
    return {
        "authorizationType": "JWT",
        "authorizerId": Attr("api.authorizers.main", "id"),
        "authorizationScopes": [*scopes],
    }


def query(given: Published) -> str:
    return f"?{given.text('rawQueryString')}" if given.text("rawQueryString") else ""


def headers_of(given: Published) -> Headers:
    """What the caller sent: not what API Gateway adds, nor what only AWS's host would take."""
    headers = [
        (name, str(value))
        for name, value in given.part("headers").items()
        if name.lower() not in ("host", "content-length", "authorization")
        and not name.lower().startswith("x-forwarded-")
    ]
    names = {name.lower() for name, _ in headers}
    if "user-agent" not in names and given.text("requestContext.http.userAgent"):
        headers.append(("user-agent", given.text("requestContext.http.userAgent")))
    if "content-type" not in names and given.text("body") and not given.event["isBase64Encoded"]:
        headers.append(("content-type", "application/json"))
    cookies = cast(Sequence[str], given.event.get("cookies") or ())
    return [*headers, *([("cookie", "; ".join(cookies))] if cookies else [])]


def authorization(given: Published, up: Local, target: str) -> Headers:
    """What lets the request in, under the identity that the event tells of."""
    jwt = given.part("requestContext.authorizer.jwt")
    if jwt:
        claims = dict(cast(Mapping[str, object], jwt["claims"]))
        scopes = cast(Sequence[object], jwt["scopes"] or ())
        claims["scope"] = " ".join(str(scope) for scope in scopes)
        good: dict[str, object] = {"aud": "notes", "iss": ISSUER, "exp": 9_999_999_999}
        made = token(kid="main", signed_by="main", algorithm="RS256", **{**claims, **good})
        return [("authorization", f"Bearer {made}")]
    if given.part("requestContext.authorizer.iam"):
        developer = up.service.grounds.developer
        method = given.text("requestContext.http.method")
        headers = signed(developer, REGION, method, up.service.url + target, (), body_of(given))
        return [(name, value) for name, value in headers if name.lower() != "host"]
    return ()


def body_of(given: Published) -> bytes:
    body = given.text("body")
    return base64.b64decode(body) if given.event["isBase64Encoded"] else body.encode()


def lower_case(event: Mapping[str, object]) -> Mapping[str, object]:
    """The event with its headers as AWS sends them; samples write them as a caller might."""
    headers = cast(Mapping[str, object], event.get("headers") or {})
    return {**event, "headers": {name.lower(): value for name, value in headers.items()}}


def flat(value: object, path: str = "") -> dict[str, object]:
    """Every leaf by its dotted path; null is the same as absent, a list is one leaf."""
    if isinstance(value, dict) and value:
        parts = (flat(item, f"{path}.{name}" if path else name) for name, item in value.items())
        return {key: leaf for part in parts for key, leaf in part.items()}
    return {} if value is None else {path: value}


def is_in(path: str, known: str) -> bool:
    return path == known or path.startswith(f"{known}.")


# Powertools reads what is made here.


REQUESTS = [
    pytest.param("GET", "/echo/a%20b?x=1&x=2&y=%C3%A9", (), b"", id="a query"),
    pytest.param(
        "GET", "/echo/a", (("cookie", "a=1; b=2"), ("x-a", "1"), ("x-a", "2")), b"", id="cookies"
    ),
    pytest.param(
        "POST", "/echo/a", (("content-type", "application/json"),), b'{"a": [1]}', id="JSON"
    ),
    pytest.param("PUT", "/echo/a", (("content-type", "image/png"),), b"\x89PNG", id="bytes"),
    pytest.param("DELETE", "/echo/%2B", (), b"", id="no body"),
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    folder = tmp_path_factory.mktemp("powertools")
    write_handlers(folder, HANDLERS)
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps(key_set("main")))
    with local(plan_of_all(), folder, jwks=jwks) as up:
        yield up


def plan_of_all() -> PlanBuilder:
    """Routes of each kind of authorizer."""
    main = Attr("api.authorizers.main", "id")
    return (
        PlanBuilder()
        .function("echo", "app.echo")
        .authorizer("main", ISSUER, "notes")
        .route("ANY /echo/{name}", "echo")
        .route("GET /me", "echo", authorizationType="JWT", authorizerId=main)
        .route(
            "GET /scoped",
            "echo",
            authorizationType="JWT",
            authorizerId=main,
            authorizationScopes=["read"],
        )
        .route("GET /signed", "echo", authorizationType="AWS_IAM")
    )


def event_of(
    up: Local, method: str, target: str, headers: Headers = (), body: bytes = b""
) -> APIGatewayProxyEventV2:
    """The event for a request, as Powertools reads it; its strict model has to take it too."""
    answer = ask(up.service.url, method, target, headers, body)
    assert answer.status == 200, answer.body
    document = answer.json()
    APIGatewayProxyEventV2Model.model_validate(document)
    return APIGatewayProxyEventV2(cast(dict[str, object], document))


@pytest.mark.parametrize(("method", "target", "headers", "body"), REQUESTS)
def test_powertools_reads_what_was_sent(
    api: Local, method: str, target: str, headers: Headers, body: bytes
) -> None:
    event = event_of(api, method, target, headers, body)
    path, _, given = target.partition("?")

    assert (event.version, event.route_key, event.http_method) == (
        "2.0",
        "ANY /echo/{name}",
        method,
    )
    assert event.path == event.raw_path == unquote(path)
    assert event.raw_query_string == given
    assert event.path_parameters == {"name": unquote(path.removeprefix("/echo/"))}
    assert event.resolved_query_string_parameters == parse_qs(given)
    assert event.cookies == [c for n, v in headers if n == "cookie" for c in v.split("; ")]
    for name, value in headers:
        assert name == "cookie" or value in event.headers[name].split(",")
    text = event.body or ""
    assert (base64.b64decode(text) if event.is_base64_encoded else text.encode()) == body
    assert event.request_context.http.method == method
    assert event.request_context.http.source_ip == "127.0.0.1"
    assert event.request_context.stage == "$default"
    assert event.request_context.account_id == ACCOUNT


def test_powertools_reads_a_json_body(api: Local) -> None:
    headers = [("content-type", "application/json")]

    assert event_of(api, "POST", "/echo/a", headers, b'{"a": [1]}').json_body == {"a": [1]}


@pytest.mark.parametrize(("target", "scopes"), [("/me", None), ("/scoped", ["read", "x"])])
def test_powertools_reads_claims(api: Local, target: str, scopes: list[str] | None) -> None:
    headers = [("authorization", f"Bearer {token(scope='read x', sub='ada')}")]
    authorizer = event_of(api, "GET", target, headers).request_context.authorizer

    assert authorizer is not None
    assert authorizer.jwt_claim["sub"] == "ada"
    assert authorizer.jwt_scopes == scopes


def test_powertools_reads_a_signer(api: Local) -> None:
    developer = api.service.grounds.developer
    url = f"{api.service.url}/signed"
    authorizer = event_of(
        api, "GET", "/signed", signed(developer, REGION, "GET", url)
    ).request_context.authorizer

    assert authorizer is not None
    assert authorizer.iam is not None
    assert authorizer.iam.access_key == developer.access_key
    assert authorizer.iam.user_arn == f"arn:aws:iam::{ACCOUNT}:user/developer"


@pytest.mark.parametrize("number", range(4))
def test_powertools_reads_the_sample_of_every_route(number: int) -> None:
    model = read(plan_of_all().plan())
    route = model.routes[number]
    parameters = {"name": "a"} if "{" in route.path else {}
    document = sample(model, route, parameters, "x=1", "{}")

    APIGatewayProxyEventV2Model.model_validate(document)
    event = APIGatewayProxyEventV2(dict(document))
    assert (event.route_key, event.json_body) == (route.key, {})
    assert event.query_string_parameters == {"x": "1"}


def test_what_powertools_answers_becomes_that_response(api: Local) -> None:
    """Its resolver takes our event, and its result is a response here: status, type, cookies."""
    app = APIGatewayHttpResolver()

    @app.get("/echo/<name>")
    def get(name: str) -> Response[str]:
        return Response(201, "text/html", f"<b>{name}</b>", {"x-a": ["1", "2"]}, [Cookie("c", "3")])

    event = event_of(api, "GET", "/echo/ada")
    answer = of_result(json.dumps(app.resolve(event.raw_event, LambdaContext())).encode())

    assert (answer.status, answer.body) == (201, b"<b>ada</b>")
    assert dict(answer.headers) == {
        "content-type": "text/html",
        "x-a": "1, 2",
        "set-cookie": "c=3; Secure",
    }
