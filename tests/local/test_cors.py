"""Preflights and the headers of answers to other origins."""

from __future__ import annotations

import pytest

from framework.local.cors import is_preflight, preflight, replaced
from framework.local.http_messages import Request, Response
from framework.local.model import Cors

ORIGIN = "https://notes.example.com"
CORS = Cors((ORIGIN,), ("GET", "PUT"), ("content-type", "x-*"), ("etag",), True, 300)
OPEN = Cors(("*",), ("*",), ("*",), (), False, 0)
ALLOWED = (
    ("access-control-allow-origin", ORIGIN),
    ("access-control-allow-credentials", "true"),
)


def asking(origin: str = ORIGIN, method: str = "PUT", headers: str = "") -> Request:
    names = {"origin": origin, "access-control-request-method": method}
    asked = {"access-control-request-headers": headers} if headers else {}
    return Request("OPTIONS", "/", headers=tuple({**names, **asked}.items()))


@pytest.mark.parametrize("headers", ["", "Content-Type", "content-type, X-Own"])
def test_an_allowed_preflight_says_what_is_allowed(headers: str) -> None:
    assert preflight(asking(headers=headers), CORS) == (
        *ALLOWED,
        ("access-control-allow-methods", "GET,PUT"),
        ("access-control-allow-headers", "content-type,x-*"),
        ("access-control-max-age", "300"),
    )


@pytest.mark.parametrize(
    "request_",
    [
        asking(origin="https://evil.example"),
        asking(method="DELETE"),
        asking(headers="authorization"),
    ],
)
def test_a_refused_preflight_allows_nothing(request_: Request) -> None:
    assert preflight(request_, CORS) == ()


def test_a_wildcard_stands_as_it_is() -> None:
    assert preflight(asking(headers="authorization"), OPEN) == (
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "*"),
        ("access-control-allow-headers", "*"),
    )


def test_only_options_with_both_headers_is_a_preflight() -> None:
    assert is_preflight(asking())
    assert not is_preflight(Request("OPTIONS", "/", headers=(("origin", ORIGIN),)))
    assert not is_preflight(Request("GET", "/", headers=asking().headers))


@pytest.mark.parametrize(
    ("origin", "added"),
    [
        (ORIGIN, (*ALLOWED, ("access-control-expose-headers", "etag"))),
        ("https://evil.example", ()),
        ("", ()),
    ],
)
def test_the_handlers_own_headers_are_replaced(
    origin: str, added: tuple[tuple[str, str], ...]
) -> None:
    own = Response(200, (("access-control-allow-origin", "*"), ("x-a", "1")))
    request = Request("GET", "/", headers=(("origin", origin),) if origin else ())

    assert replaced(own, request, CORS).headers == (("x-a", "1"), *added)
