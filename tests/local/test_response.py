"""What a handler's result becomes."""

from __future__ import annotations

import json

import pytest

from framework.local.http_messages import Response
from framework.local.response import Malformed, of_result

JSON = ("content-type", "application/json")
TEXT = ("content-type", "text/plain;charset=UTF-8")


def response_of(result: object) -> Response:
    return of_result(json.dumps(result).encode())


@pytest.mark.parametrize(
    ("result", "body"),
    [
        ({"a": 1}, b'{"a": 1}'),
        ("Hello", b"Hello"),
        ([1, 2], b"[1, 2]"),
        (None, b"null"),
        (3, b"3"),
        ({"body": "x", "headers": {"a": "b"}}, b'{"body": "x", "headers": {"a": "b"}}'),
        ("é", "é".encode()),
    ],
)
def test_a_result_without_status_code_is_the_body(result: object, body: bytes) -> None:
    assert response_of(result) == Response(200, (JSON,), body)


@pytest.mark.parametrize(
    ("result", "status", "headers", "body"),
    [
        ({"statusCode": 201, "body": "ok"}, 201, (TEXT,), b"ok"),
        ({"statusCode": 200}, 200, (TEXT,), b""),
        ({"statusCode": 200, "body": None, "headers": None}, 200, (TEXT,), b""),
        (
            {"statusCode": 200, "headers": {"Content-Type": "text/html", "X-N": 5, "X-B": True}},
            200,
            (("content-type", "text/html"), ("x-n", "5"), ("x-b", "true")),
            b"",
        ),
        (
            {"statusCode": 302, "headers": {"location": "/"}, "cookies": ["a=1; Path=/", "b=2"]},
            302,
            (("location", "/"), TEXT, ("set-cookie", "a=1; Path=/"), ("set-cookie", "b=2")),
            b"",
        ),
        ({"statusCode": 200, "body": "/wA=", "isBase64Encoded": True}, 200, (TEXT,), b"\xff\x00"),
        ({"statusCode": 200, "body": "/wA=", "isBase64Encoded": "true"}, 200, (TEXT,), b"/wA="),
        ({"statusCode": 204, "body": "gone"}, 204, (TEXT,), b""),
        (
            {"statusCode": 200, "headers": {"Content-Length": "9999", "connection": "close"}},
            200,
            (TEXT,),
            b"",
        ),
    ],
)
def test_a_result_with_status_code_is_a_response(
    result: object, status: int, headers: tuple[tuple[str, str], ...], body: bytes
) -> None:
    assert response_of(result) == Response(status, headers, body)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"statusCode": 0}, "statusCode is 0, not a status from 200 to 599"),
        ({"statusCode": 100}, "statusCode is 100, not a status from 200 to 599"),
        ({"statusCode": 600}, "statusCode is 600, not a status from 200 to 599"),
        ({"statusCode": "200"}, 'statusCode is "200", not a whole number'),
        ({"statusCode": 200.5}, "statusCode is 200.5, not a whole number"),
        ({"statusCode": True}, "statusCode is true, not a whole number"),
        ({"statusCode": None}, "statusCode is null, not a whole number"),
        ({"statusCode": 200, "body": {"a": 1}}, "body is not text: json.dumps it"),
        ({"statusCode": 200, "headers": ["a"]}, "headers is not an object"),
        ({"statusCode": 200, "headers": {"a": ["b"]}}, 'the header "a" is not text'),
        (
            {"statusCode": 200, "headers": {"a": "b\r\nset-cookie: x"}},
            'the header "a" holds characters that HTTP forbids',
        ),
        (
            {"statusCode": 200, "headers": {"a b": "c"}},
            'the header "a b" holds characters that HTTP forbids',
        ),
        ({"statusCode": 200, "cookies": "a=1"}, "cookies is not a list of texts"),
        ({"statusCode": 200, "cookies": ["a\n"]}, "a cookie holds characters that HTTP forbids"),
        (
            {"statusCode": 200, "body": "%%%", "isBase64Encoded": True},
            "isBase64Encoded is true and body is no base64",
        ),
    ],
)
def test_a_malformed_result_says_why(result: object, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        response_of(result)

    assert str(caught.value) == reason


DEEP = "[" * 300 + "]" * 300
"""Deeper than pydantic reads, no problem for json."""


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param('"a\\ud800b"', Response(200, (JSON,), b"a?b"), id="half a letter"),
        pytest.param(
            '{"a": "\\ud800"}',
            Response(200, (JSON,), b'{"a": "\\ud800"}'),
            id="half a letter in an object",
        ),
        pytest.param(
            '{"statusCode": 201, "body": "a\\ud800b"}',
            Response(201, (TEXT,), b"a?b"),
            id="half a letter in the body",
        ),
        pytest.param(DEEP, Response(200, (JSON,), DEEP.encode()), id="deep"),
        pytest.param(
            f'{{"statusCode": 201, "body": "ok", "x": {DEEP}}}',
            Response(201, (TEXT,), b"ok"),
            id="deep beside a status code",
        ),
    ],
)
def test_what_json_takes_is_a_result(payload: str, expected: Response) -> None:
    assert of_result(payload.encode()) == expected
