"""Requests from the form: as if they had come over the wire, or one line on what is wrong."""

from __future__ import annotations

import asyncio

import pytest

from framework.local.authorizer import Refused
from framework.local.console.sending import NotSent, Written, request_of, signed
from framework.local.environment import Credentials
from framework.local.http_messages import Request
from framework.local.model import read
from framework.local.signatures import IamAuthorizer, Signer
from tests.support.plans import PlanBuilder

HOST = "127.0.0.1:8000"


def written(
    method: str = "GET", path: str = "/notes", headers: str = "", body: str = ""
) -> Request:
    return request_of(Written(method, path, headers, body, sign=False), HOST, 8000)


def test_a_plain_request_has_what_clients_send() -> None:
    assert written() == Request(
        "GET",
        "/notes",
        headers=(("host", HOST), ("user-agent", "services-local-page"), ("accept", "*/*")),
        port=8000,
    )


def test_headers_and_body_are_those_of_the_form() -> None:
    headers = "Content-Type: application/json\n\n  X-Note:  a: b \nAccept: text/html"
    request = written("PUT", "/notes/1?a=b&c=%20d", headers, '{"text": "ä"}')

    assert request.headers == (
        ("host", HOST),
        ("user-agent", "services-local-page"),
        ("content-length", "14"),
        ("content-type", "application/json"),
        ("x-note", "a: b"),
        ("accept", "text/html"),
    )
    assert (request.path, request.query) == ("/notes/1", "a=b&c=%20d")
    assert request.body == '{"text": "ä"}'.encode()


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/a b", "/a%20b"),
        ("/ä", "/%C3%A4"),
        ("/%C3%A4", "/%C3%A4"),
        ("/a#b", "/a%23b"),
        ("/a\r\nx: y", "/a%0D%0Ax:%20y"),
    ],
)
def test_paths_are_made_fit_for_the_wire(path: str, sent: str) -> None:
    assert written(path=path).path == sent


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        (
            {"method": "BREW"},
            "the method is one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
        ),
        ({"path": "notes"}, "the path begins with /"),
        ({"path": "http://elsewhere/"}, "the path begins with /"),
        ({"path": "/\ud800"}, "the path has half a letter (a lone surrogate)"),
        ({"path": f"/{'a' * 10_240}"}, "path and headers have more than 10,240 bytes"),
        ({"headers": f"a: {'b' * 10_240}"}, "path and headers have more than 10,240 bytes"),
        ({"headers": "no colon"}, "a header is  name: value, not 'no colon'"),
        ({"headers": "a b: c"}, "a header is  name: value, not 'a b: c'"),
        ({"headers": "a: \u0416"}, "the value of a has letters that no header may have"),
        ({"headers": "a: b\x00c"}, "the value of a has letters that no header may have"),
        (
            {"headers": "Content-Length: 3"},
            "Content-Length is not yours to say: it follows from the body",
        ),
        ({"body": 1}, "method, path, headers and body are text"),
        ({"headers": None}, "method, path, headers and body are text"),
    ],
)
def test_what_cannot_be_sent_is_one_line(form: dict[str, object], reason: str) -> None:
    with pytest.raises(NotSent) as caught:
        request_of(Written.of({"method": "GET", "path": "/", **form}), HOST, 8000)

    assert str(caught.value) == reason


def test_the_form_as_it_comes() -> None:
    assert Written.of({"method": "GET", "path": "/a", "sign": True}) == Written(
        "GET", "/a", "", "", sign=True
    )
    assert Written.of({"method": "GET", "path": "/a", "sign": "yes"}).sign is False


@pytest.mark.parametrize("path", ["/signed", "/signed?b=2&a=%20x", "/sign%20ed/ä"])
def test_the_developers_signature_fits(path: str) -> None:
    builder = PlanBuilder().function("f", "app.f")
    model = read(builder.route("ANY /signed", "f", authorizationType="AWS_IAM").plan())
    developer = Credentials.of_a_person()
    said: list[str] = []
    judge = IamAuthorizer(model, {developer.access_key: Signer(developer, None)}, said.append)
    plain = written("POST", path, "authorization: mine\nx-own: 1", "a body")

    ready = signed(plain, model.region, developer)

    identity = asyncio.run(judge.authorize(ready, model.routes[0]))
    assert isinstance(identity["iam"], dict)
    assert identity["iam"]["userId"] == "developer"
    assert (ready.method, ready.path, ready.query) == (plain.method, plain.path, plain.query)
    assert (ready.body, ready.port, ready.joined["x-own"]) == (b"a body", 8000, "1")
    with pytest.raises(Refused):
        asyncio.run(judge.authorize(plain, model.routes[0]))
    assert len(said) == 1
