"""API Gateway's behaviour over real HTTP with real handlers."""

from __future__ import annotations

import base64
import json
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from framework.plan.resource import Attr, Resource, Value
from tests.support.local import Local, local, write_handlers
from tests.support.plans import PlanBuilder
from tests.support.tokens import ISSUER, key_set, token

HANDLERS = """
    import base64
    import json
    import time

    def echo(event, context):
        return event

    def result(event, context):
        return json.loads(event["body"])

    def unserialisable(event, context):
        return {1, 2}

    def large(event, context):
        return "x" * 7_000_000

    def nick(event, context):
        return ascii(event["requestContext"]["authorizer"]["jwt"]["claims"]["nick"])

    def slow(event, context):
        time.sleep(60)
"""
ORIGIN = "https://notes.example.com"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    folder = tmp_path_factory.mktemp("gateway")
    write_handlers(folder, HANDLERS)
    builder = (
        PlanBuilder()
        .function("echo", "app.echo")
        .function("result", "app.result")
        .function("unserialisable", "app.unserialisable")
        .function("large", "app.large")
        .function("busy", "app.echo", reservedConcurrentExecutions=0)
        .route("ANY /echo/{path+}", "echo")
        .route("GET /notes/{id}", "echo")
        .route("POST /result", "result")
        .route("GET /unserialisable", "unserialisable")
        .route("GET /large", "large")
        .route("GET /busy", "busy")
        .route("GET /forbidden", "echo", permitted=False)
        .route("GET /signed", "echo", authorizationType="AWS_IAM")
    )
    with local(builder, folder) as running:
        yield running


def test_an_event_reaches_the_handler(served: Local) -> None:
    answer = served.client.get("/notes/a%20b?x=1&x=2", headers={"cookie": "a=1"})

    event = answer.json()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert event["routeKey"] == "GET /notes/{id}"
    assert event["pathParameters"] == {"id": "a b"}
    assert event["queryStringParameters"] == {"x": "1,2"}
    assert event["cookies"] == ["a=1"]
    assert event["requestContext"]["requestId"] == answer.headers["apigw-requestid"]
    assert event["headers"]["x-forwarded-port"] == str(served.client.base_url.port)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_any_takes_every_method(served: Local, method: str) -> None:
    event = served.client.request(method, "/echo/x").json()

    assert event["requestContext"]["http"]["method"] == method


def test_head_has_no_body(served: Local) -> None:
    answer = served.client.head("/echo/x")

    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 100


def test_a_binary_body_goes_there_and_back(served: Local) -> None:
    data = bytes(range(256))
    event = served.client.post("/echo/x", content=data).json()
    answer = served.client.post(
        "/result",
        json={
            "statusCode": 200,
            "headers": {"content-type": "image/png"},
            "body": base64.b64encode(data).decode(),
            "isBase64Encoded": True,
        },
    )

    assert base64.b64decode(event["body"]) == data
    assert answer.content == data
    assert answer.headers["content-type"] == "image/png"


def test_cookies_become_headers_of_their_own(served: Local) -> None:
    answer = served.client.post("/result", json={"statusCode": 200, "cookies": ["a=1", "b=2"]})

    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_no_content_has_no_length(served: Local) -> None:
    answer = served.client.post("/result", json={"statusCode": 204})

    assert answer.status_code == 204
    assert "content-length" not in answer.headers
    assert served.client.get("/echo/after").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "text", "line"),
    [
        ("GET", "/nothing", 404, "Not Found", ""),
        ("GET", "/", 404, "Not Found", ""),
        ("POST", "/notes/1", 404, "Not Found", ""),
        (
            "GET",
            "/forbidden",
            500,
            "Internal Server Error",
            "routes.GET /forbidden: no aws:lambda/permission:Permission of the plan lets this route"
            " invoke functions.echo: 500 to the caller",
        ),
        (
            "GET",
            "/signed",
            403,
            "Forbidden",
            "routes.GET /signed: a request is refused: it is not signed (Signature Version 4)",
        ),
        (
            "GET",
            "/busy",
            503,
            "Service Unavailable",
            "routes.GET /busy: functions.busy already runs 0 times, its reserved concurrency",
        ),
        (
            "GET",
            "/unserialisable",
            500,
            "Internal Server Error",
            "functions.unserialisable: Runtime.MarshalError: Unable to marshal response: Object of"
            " type set is not JSON serializable",
        ),
        (
            "GET",
            "/large",
            500,
            "Internal Server Error",
            "functions.large: Function.ResponseSizeTooLarge: Response payload size exceeded maximum"
            " allowed payload size (6291556 bytes).",
        ),
    ],
)
def test_errors_have_awss_body_and_a_line(
    served: Local, method: str, path: str, status: int, text: str, line: str
) -> None:
    answer = served.client.request(method, path)

    assert (answer.status_code, answer.json()) == (status, {"message": text})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["apigw-requestid"]
    assert served.lines.wait_for(line) == line or not line


def test_a_malformed_result_is_500_and_says_why(served: Local) -> None:
    answer = served.client.post("/result", json={"statusCode": "200"})

    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})
    served.lines.wait_for(
        'functions.result: its result is no response: statusCode is "200", not a whole number'
    )


def test_a_caller_who_asks_before_sending_too_much_is_told_at_once(served: Local) -> None:
    with raw(served) as connection:
        head = b"POST /echo/x HTTP/1.1\r\ncontent-length: 10000001\r\nexpect: 100-continue\r\n\r\n"
        answer = send_and_receive(connection, head)

    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("size", [10_000_001, 6_291_556])
def test_a_body_that_is_too_large_is_413(served: Local, size: int) -> None:
    answer = served.client.post(
        "/echo/x", content=b"x" * size, headers={"content-type": "text/plain"}
    )

    assert (answer.status_code, answer.json()) == (413, {"message": "Request Entity Too Large"})


def test_a_chunked_body_that_does_not_end_is_not_taken(served: Local) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(70):
            yield b"x" * 1_000_000

    try:
        status = httpx.post(f"{served.service.url}/echo/x", content=parts()).status_code
    except httpx.TransportError:
        # Cut off before everything was sent; what matters is that it was not taken.
        status = 413
    assert status == 413
    assert served.client.get("/echo/x").status_code == 200


def test_a_head_that_is_too_large_is_431(served: Local) -> None:
    answer = served.client.get("/echo/x", headers={"x-large": "x" * 10_240})

    assert (answer.status_code, answer.json()) == (
        431,
        {"message": "Request Header Fields Too Large"},
    )


def test_a_head_that_never_ends_is_cut(served: Local) -> None:
    with raw(served) as connection:
        connection.sendall(b"GET /echo/x HTTP/1.1\r\nx-endless: ")
        received = b""
        try:
            while part := send_and_receive(connection, b"x" * 65_536):
                received += part
        except ConnectionError:
            pass

    assert received.startswith(b"HTTP/1.1 431 ")


def raw(served: Local) -> socket.socket:
    port = served.client.base_url.port
    return socket.create_connection(("127.0.0.1", port or 0), timeout=10)


def send_and_receive(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    return connection.recv(65_536)


def test_what_is_no_http_is_400_and_the_server_stays_up(served: Local) -> None:
    with raw(served) as connection:
        answer = send_and_receive(connection, b"\x16\x03\x01 hello\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert served.client.get("/echo/x").status_code == 200


def test_a_caller_who_leaves_does_no_harm(served: Local) -> None:
    with raw(served) as connection:
        connection.sendall(b"POST /echo/x HTTP/1.1\r\ncontent-length: 10\r\n\r\nabc")

    assert served.client.get("/echo/x").status_code == 200


@pytest.fixture(scope="module")
def with_cors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    folder = tmp_path_factory.mktemp("cors")
    write_handlers(folder, HANDLERS)
    cors: dict[str, Value] = {
        "allowOrigins": [ORIGIN],
        "allowMethods": ["GET", "POST"],
        "allowHeaders": ["x-a"],
    }
    builder = (
        PlanBuilder(api={"corsConfiguration": cors})
        .function("result", "app.result")
        .authorizer("main", "https://issuer.invalid/", "notes")
        .route("POST /result", "result")
        .route(
            "ANY /private",
            "result",
            authorizationType="JWT",
            authorizerId=authorizer_id(),
        )
        .route("ANY /open", "result")
    )
    with local(builder, folder) as running:
        yield running


def authorizer_id() -> Attr:
    return Attr("api.authorizers.main", "id")


PREFLIGHT = {
    "origin": ORIGIN,
    "access-control-request-method": "POST",
    "access-control-request-headers": "x-a",
}


@pytest.mark.parametrize("path", ["/result", "/open", "/no/route/at/all"])
def test_a_preflight_is_answered_without_a_route_for_it(with_cors: Local, path: str) -> None:
    answer = with_cors.client.options(path, headers=PREFLIGHT)

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "GET,POST"
    assert answer.headers["access-control-allow-headers"] == "x-a"


def test_a_preflight_of_another_origin_is_given_nothing(with_cors: Local) -> None:
    answer = with_cors.client.options(
        "/result", headers={**PREFLIGHT, "origin": "https://evil.example"}
    )

    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_preflight_on_a_protected_any_route_meets_the_authorizer(with_cors: Local) -> None:
    answer = with_cors.client.options("/private", headers=PREFLIGHT)

    assert answer.status_code == 401


def test_the_handlers_cors_headers_are_replaced(with_cors: Local) -> None:
    own = {"access-control-allow-origin": "*", "access-control-allow-methods": "*"}
    answer = with_cors.client.post(
        "/result", json={"statusCode": 200, "headers": own}, headers={"origin": ORIGIN}
    )

    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-methods" not in answer.headers


def test_without_cors_configuration_the_handlers_headers_stay(served: Local) -> None:
    own = {"access-control-allow-origin": "*"}
    answer = served.client.post("/result", json={"statusCode": 200, "headers": own})

    assert answer.headers["access-control-allow-origin"] == "*"


def test_more_than_the_limit_is_429(tmp_path: Path) -> None:
    write_handlers(tmp_path, HANDLERS)
    limits = {"throttlingRateLimit": 0, "throttlingBurstLimit": 2}
    builder = (
        PlanBuilder(stage={"defaultRouteSettings": limits})
        .function("f", "app.echo")
        .route("GET /a", "f")
    )

    with local(builder, tmp_path) as running:
        answers = [running.client.get("/a") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json() == {"message": "Too Many Requests"}


def test_a_named_stage_is_the_beginning_of_every_path(tmp_path: Path) -> None:
    write_handlers(tmp_path, HANDLERS)
    builder = PlanBuilder(stage={"name": "dev"}).function("f", "app.echo").route("GET /a", "f")
    builder.route("GET /", "f")

    with local(builder, tmp_path) as running:
        event = running.client.get("/dev/a").json()
        root = running.client.get("/dev")
        outside = [running.client.get(path).status_code for path in ("/a", "/", "/develop/a")]
        running.lines.wait_for(f"curl {running.service.url}/dev/a")

    assert event["rawPath"] == "/dev/a"
    assert event["requestContext"]["stage"] == "dev"
    assert root.status_code == 200
    assert outside == [404, 404, 404]


def test_the_integrations_limit_is_503(tmp_path: Path) -> None:
    write_handlers(tmp_path, HANDLERS)
    builder = PlanBuilder().function("f", "app.slow").route("GET /slow", "f")
    plan = builder.plan().transformed(shorter)

    with local(plan, tmp_path) as running:
        answer = running.client.get("/slow")

    assert (answer.status_code, answer.json()) == (503, {"message": "Service Unavailable"})
    assert "routes.GET /slow: no answer within 0.2 s, the integration's limit" in running.lines.said


def shorter(resource: Resource) -> Resource:
    if "timeoutMilliseconds" not in resource.inputs:
        return resource
    return replace(resource, inputs={**resource.inputs, "timeoutMilliseconds": 200})


def test_a_service_without_an_api_answers_404(tmp_path: Path) -> None:
    write_handlers(tmp_path, HANDLERS)

    with local(PlanBuilder().function("f", "app.echo"), tmp_path) as running:
        assert running.client.get("/").status_code == 404


def test_each_request_is_a_line_unless_quiet(tmp_path: Path) -> None:
    write_handlers(tmp_path, HANDLERS)
    builder = PlanBuilder().function("f", "app.echo").route("GET /a", "f")

    with local(builder, tmp_path, quiet=False) as running:
        running.client.get("/a?x=1")
        running.client.get("/b")

    lines = [line for line in running.lines.said if " -> " in line]
    assert re.fullmatch(r"GET /a -> 200 functions\.f \d+ ms", lines[0])
    assert re.fullmatch(r"GET /b -> 404 \d+ ms", lines[1])


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8000", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8000", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example:80", 403),
    ],
)
def test_names_of_others_are_refused(served: Local, host: str, status: int) -> None:
    answer = served.client.get("/notes/1", headers={"host": host})
    assert answer.status_code == status


def test_half_a_letter_in_a_claim_reaches_the_handler(tmp_path: Path) -> None:
    write_handlers(tmp_path, HANDLERS)
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps(key_set("main")), "utf-8")
    authorizer = Attr("api.authorizers.main", "id")
    builder = PlanBuilder().function("nick", "app.nick").authorizer("main", ISSUER, "notes")
    builder.route("GET /nick", "nick", authorizationType="JWT", authorizerId=authorizer)

    with local(builder, tmp_path, jwks=jwks) as running:
        bearer = token(nick="\u00e9\ud800")
        answer = running.client.get("/nick", headers={"authorization": f"Bearer {bearer}"})

    assert (answer.status_code, answer.text) == (200, r"'\xe9\ud800'")
