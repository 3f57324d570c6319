"""The event of payload format 2.0."""

from __future__ import annotations

import pytest

from framework.local.event import common_log_time, is_text, of_request
from framework.local.http_messages import Request
from framework.local.model import read
from framework.local.router import Router
from tests.support.plans import PlanBuilder


def event_of(request: Request, route: str = "ANY /{proxy+}") -> dict[str, object]:
    model = read(PlanBuilder().function("f", "app.f").route(route, "f").plan())
    match = Router(model.routes).match(request.method, request.path)
    assert match is not None
    return of_request(request, match, model, "request-1")


def test_every_key_of_a_full_event() -> None:
    request = Request(
        method="POST",
        path="/notes/a%20b",
        query="x=1&y=&x=2",
        headers=(
            ("host", "127.0.0.1:8000"),
            ("user-agent", "curl/8"),
            ("content-type", "text/plain"),
            ("x-amzn-trace-id", "Root=1-2-3"),
            ("x-twice", "a"),
            ("x-twice", "b"),
            ("cookie", "a=1; b=2"),
            ("connection", "keep-alive"),
        ),
        body=b"hello",
        source="192.0.2.1",
        port=8000,
    )

    event = event_of(request, "POST /notes/{id}")

    context = event.pop("requestContext")
    assert event == {
        "version": "2.0",
        "routeKey": "POST /notes/{id}",
        "rawPath": "/notes/a b",
        "rawQueryString": "x=1&y=&x=2",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "host": "127.0.0.1:8000",
            "user-agent": "curl/8",
            "content-type": "text/plain",
            "content-length": "5",
            "x-amzn-trace-id": "Root=1-2-3",
            "x-twice": "a,b",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "8000",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"x": "1,2", "y": ""},
        "pathParameters": {"id": "a b"},
        "body": "hello",
        "isBase64Encoded": False,
    }
    assert isinstance(context, dict)
    assert len(str(context.pop("timeEpoch"))) == 13
    assert str(context.pop("time")).endswith(" +0000")
    api = context["apiId"]
    assert context == {
        "accountId": "123456789012",
        "apiId": api,
        "domainName": "127.0.0.1:8000",
        "domainPrefix": api,
        "http": {
            "method": "POST",
            "path": "/notes/a b",
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "curl/8",
        },
        "requestId": "request-1",
        "routeKey": "POST /notes/{id}",
        "stage": "$default",
    }


def test_what_a_bare_request_does_not_have_is_absent() -> None:
    event = event_of(Request("GET", "/x"), "GET /x")

    absent = {"body", "cookies", "pathParameters", "queryStringParameters", "stageVariables"}
    assert not absent & set(event)
    assert event["isBase64Encoded"] is False
    assert event["rawQueryString"] == ""


def test_an_earlier_proxy_stays_in_x_forwarded_for() -> None:
    request = Request(
        "GET", "/x", headers=(("x-forwarded-for", "198.51.100.7"),), source="10.0.0.1"
    )

    headers = event_of(request)["headers"]

    assert isinstance(headers, dict)
    assert headers["x-forwarded-for"] == "198.51.100.7, 10.0.0.1"


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("text/plain", True),
        ("text/csv; charset=utf-8", True),
        ("application/json", True),
        ("APPLICATION/JSON;charset=utf-8", True),
        ("application/xml", True),
        ("application/javascript", True),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("application/octet-stream", False),
        ("image/png", False),
        ("", False),
    ],
)
def test_which_bodies_are_text(content_type: str, text: bool) -> None:
    assert is_text(content_type) is text


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b'{"a": 1}', ('{"a": 1}', False)),
        ("image/png", b"\x89PNG", ("iVBORw==", True)),
        ("text/plain", b"\xff\xfe", ("//4=", True)),
    ],
)
def test_other_bodies_are_base64(
    content_type: str, body: bytes, expected: tuple[str, bool]
) -> None:
    event = event_of(Request("POST", "/x", headers=(("content-type", content_type),), body=body))

    assert (event["body"], event["isBase64Encoded"]) == expected


def test_the_time_is_that_of_access_logs() -> None:
    assert common_log_time(1583348638.4) == "04/Mar/2020:19:03:58 +0000"
