"""From a handler's result to the HTTP response: API Gateway's inference for payload format 2.0.

In: the result as JSON. Out: a `Response`, or `Malformed` with what is wrong (500 to the caller).
Source: API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs", and
responses recorded from AWS: a result without statusCode is the body, a statusCode that is 0 or no
whole number is refused, the default type is `text/plain;charset=UTF-8`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re

from pydantic_core import from_json

from framework.local.http_messages import Response

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORBIDDEN_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_GATEWAYS_OWN = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})


class Malformed(Exception):
    """A result that is no response; the text says why, for the terminal."""


def of_result(payload: bytes) -> Response:
    """The response for a handler's result. Raises `Malformed`."""
    result = _read(payload)
    if isinstance(result, dict) and "statusCode" in result:
        return _response(result)
    body = result.encode(errors="replace") if isinstance(result, str) else payload
    return Response(200, (("content-type", "application/json"),), body)


def _read(payload: bytes) -> object:
    try:
        return from_json(payload)
    except ValueError:
        # Half a letter (a lone surrogate) or a very deep list, which json takes.
        return json.loads(payload)


def _response(result: dict[str, object]) -> Response:
    headers, typed = _headers(result.get("headers"))
    if not typed:
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    headers += [("set-cookie", cookie) for cookie in _cookies(result.get("cookies"))]
    status = _status(result["statusCode"])
    body = b"" if status in (204, 304) else _body(result)
    return Response(status, tuple(headers), body)


def _status(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Malformed(f"statusCode is {json.dumps(value)}, not a whole number")
    if not 200 <= value <= 599:
        raise Malformed(f"statusCode is {value}, not a status from 200 to 599")
    return value


def _headers(headers: object) -> tuple[list[tuple[str, str]], bool]:
    """Names and values, and whether content-type is one of them."""
    if headers is None:
        return [], False
    if not isinstance(headers, dict):
        raise Malformed("headers is not an object")
    found: list[tuple[str, str]] = []
    typed = False
    for name, value in headers.items():
        text, name = _header_value(name, value), name.lower()
        if name not in _GATEWAYS_OWN:
            found.append((name, text))
            typed = typed or name == "content-type"
    return found, typed


def _header_value(name: str, value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    if isinstance(value, (dict, list)) or value is None:
        raise Malformed(f"the header {json.dumps(name)} is not text")
    if not _NAME.fullmatch(name) or _FORBIDDEN_IN_VALUE.search(text):
        raise Malformed(f"the header {json.dumps(name)} holds characters that HTTP forbids")
    return text


def _cookies(cookies: object) -> list[str]:
    if cookies is None:
        return []
    if not isinstance(cookies, list) or not all(isinstance(cookie, str) for cookie in cookies):
        raise Malformed("cookies is not a list of texts")
    if any(_FORBIDDEN_IN_VALUE.search(cookie) for cookie in cookies):
        raise Malformed("a cookie holds characters that HTTP forbids")
    return cookies


def _body(result: dict[str, object]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise Malformed("body is not text: json.dumps it")
    if result.get("isBase64Encoded") is not True:
        return body.encode(errors="replace")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("isBase64Encoded is true and body is no base64") from None
