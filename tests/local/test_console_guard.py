"""Who is refused the page, and in which words."""

from __future__ import annotations

import pytest

from framework.local.console.guard import refusal, refusal_of_data, refusal_of_document
from framework.local.http_messages import Request


def asked(method: str = "GET", source: str = "127.0.0.1", **headers: str) -> Request:
    """A request to port 8000; names of headers with _ for -."""
    given = {"host": "127.0.0.1:8000"} | {n.replace("_", "-"): v for n, v in headers.items()}
    pairs = tuple((name, value) for name, value in given.items() if value != "absent")
    return Request(method, "/_services", headers=pairs, source=source, port=8000)


@pytest.mark.parametrize(
    "request_",
    [
        asked(),
        asked(host="localhost:8000"),
        asked(host="LOCALHOST:8000"),
        asked(host="[::1]:8000", source="::1"),
        asked(origin="http://127.0.0.1:8000"),
        asked(host="localhost:8000", origin="http://localhost:8000"),
        asked(sec_fetch_site="none"),
        asked(sec_fetch_site="same-origin"),
        asked("POST", content_type="application/json"),
        asked("POST", content_type="Application/JSON; charset=utf-8"),
        Request("GET", "/_services", headers=(("host", "localhost"),), port=80),
    ],
)
def test_a_browser_on_this_machine_is_let_in(request_: Request) -> None:
    assert refusal(request_) is None


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (asked(source="192.0.2.7"), "192.0.2.7 is not this machine"),
        (
            asked(host="attacker.example:8000"),
            "Host is 'attacker.example:8000', not localhost or 127.0.0.1 with port 8000",
        ),
        (
            asked(host="localhost:8001"),
            "Host is 'localhost:8001', not localhost or 127.0.0.1 with port 8000",
        ),
        (
            asked(host="localhost"),
            "Host is 'localhost', not localhost or 127.0.0.1 with port 8000",
        ),
        (
            asked(host="localhost:8000,attacker.example"),
            "Host is 'localhost:8000,attacker.example', not localhost or 127.0.0.1 with port 8000",
        ),
        (asked(host="absent"), "Host is '', not localhost or 127.0.0.1 with port 8000"),
        (
            asked(origin="https://attacker.example"),
            "Origin is 'https://attacker.example', not the page's own",
        ),
        (asked(origin="null"), "Origin is 'null', not the page's own"),
        (
            asked(origin="http://localhost:8000"),
            "Origin is 'http://localhost:8000', not the page's own",
        ),
        (
            asked(sec_fetch_site="cross-site"),
            "it comes from elsewhere (Sec-Fetch-Site: cross-site): type the page's address",
        ),
        (
            asked(sec_fetch_site="same-site"),
            "it comes from elsewhere (Sec-Fetch-Site: same-site): type the page's address",
        ),
        (asked("POST"), "content-type is not application/json"),
        (
            asked("POST", content_type="text/plain"),
            "content-type is not application/json",
        ),
        (
            asked("POST", content_type="application/x-www-form-urlencoded"),
            "content-type is not application/json",
        ),
    ],
)
def test_everybody_else_is_refused(request_: Request, reason: str) -> None:
    assert refusal(request_) == reason


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({}, True),
        ({"sec_fetch_dest": "document", "sec_fetch_mode": "navigate"}, True),
        ({"sec_fetch_dest": "empty", "sec_fetch_mode": "cors"}, False),
        ({"sec_fetch_dest": "empty", "sec_fetch_mode": "same-origin"}, False),
        ({"sec_fetch_dest": "iframe", "sec_fetch_mode": "navigate"}, False),
    ],
)
def test_the_page_itself_is_for_windows_alone(headers: dict[str, str], let_in: bool) -> None:
    reason = refusal_of_document(asked(**headers))

    assert reason == (
        None if let_in else "the page is opened in a window of its own, not fetched by a script"
    )


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({"x_services_token": "the-token"}, True),
        ({"x_services_token": "another"}, False),
        ({"x_services_token": "the-t\xf6ken"}, False),
        ({}, False),
    ],
)
def test_data_takes_the_token_of_this_start(headers: dict[str, str], let_in: bool) -> None:
    reason = refusal_of_data(asked(**headers), "the-token")

    assert reason == (
        None if let_in else "the token is not that of this start: load the page again"
    )
