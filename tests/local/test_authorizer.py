"""JWT authorizers, with keys made here: by a local key set and by an issuer over HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from framework.local.authorizer import (
    JwtAuthorizer,
    KeysUnavailable,
    Refused,
    claim_text,
    find_token,
    keys_of_file,
    signing_keys,
)
from framework.local.errors import LocalError
from framework.local.http_messages import Request
from framework.local.model import Authorizer
from framework.plan.resource import Attr
from tests.support.local import Local, local, write_handlers
from tests.support.plans import PlanBuilder
from tests.support.tokens import DISCOVERY, ISSUER, issuer, key_set, token

HANDLERS = """
    def claims(event, context):
        return event["requestContext"]["authorizer"]["jwt"]
"""


def builder_of(issuer: str = ISSUER) -> PlanBuilder:
    authorizer = Attr("api.authorizers.main", "id")
    return (
        PlanBuilder()
        .function("claims", "app.claims")
        .authorizer("main", issuer, "notes", "others")
        .route("GET /me", "claims", authorizationType="JWT", authorizerId=authorizer)
        .route(
            "GET /scoped",
            "claims",
            authorizationType="JWT",
            authorizerId=authorizer,
            authorizationScopes=["notes/read", "notes/write"],
        )
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    folder = tmp_path_factory.mktemp("authorizer")
    write_handlers(folder, HANDLERS)
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps(key_set("main", "second")))
    with local(builder_of(), folder, jwks=jwks) as running:
        yield running


def call(served: Local, path: str, bearer: str) -> httpx.Response:
    return served.client.get(path, headers={"authorization": f"Bearer {bearer}"})


def test_claims_reach_the_handler_as_texts(served: Local) -> None:
    answer = call(served, "/me", token(n=5, ok=True, groups=["a", "b"], iat=None, exp=9999999999))

    assert answer.json() == {
        "claims": {
            "iss": ISSUER,
            "aud": "notes",
            "sub": "ada",
            "n": "5",
            "ok": "true",
            "groups": "[a b]",
            "exp": "9999999999",
        },
        "scopes": None,
    }


@pytest.mark.parametrize(
    "bearer",
    [
        token(),
        token(aud=["x", "others"]),
        token(aud=None, client_id="notes"),
        token(algorithm="RS512"),
        token(kid="second", signed_by="second"),
        token(kid=None),
    ],
)
def test_a_good_token_passes(served: Local, bearer: str) -> None:
    assert call(served, "/me", bearer).status_code == 200


def test_the_word_bearer_may_be_missing(served: Local) -> None:
    assert served.client.get("/me", headers={"authorization": token()}).status_code == 200


NOW = int(time.time())


@pytest.mark.parametrize(
    ("bearer", "reason"),
    [
        (token(exp=NOW - 60), "the token has expired"),
        (token(nbf=NOW + 600), "the token is not valid yet"),
        (token(iat=NOW + 600), "the token is not valid yet"),
        (token(iss="https://evil.example/"), "the token does not have a valid issuer"),
        (token(aud="elsewhere"), "the token does not have a valid audience"),
        (token(aud=None), "the token does not have a valid audience"),
        (token(aud=None, client_id=5), "the token does not have a valid audience"),
        (token(exp=None), "the token misses a required claim"),
        (token(signed_by="second"), "the signature is invalid"),
        (token(kid="unknown"), "the key of the token is not among the issuer's"),
        (token(kid="broken"), "the key of the token is not among the issuer's"),
        (token(algorithm="HS256"), "signing method HS256 is invalid"),
        ("no.token.at-all", "the token is invalid"),
        ("x", "the token is invalid"),
    ],
)
def test_a_bad_token_is_401_with_the_reason(served: Local, bearer: str, reason: str) -> None:
    answer = call(served, "/me", bearer)

    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    assert answer.headers["www-authenticate"] == (
        f'Bearer scope="" error="invalid_token" error_description="{reason}"'
    )


def test_no_token_is_401(served: Local) -> None:
    answer = served.client.get("/me")

    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("scope", "scp", "status", "scopes"),
    [
        ("notes/read other", None, 200, ["notes/read", "other"]),
        (None, ["notes/write", 5], 200, ["notes/write"]),
        ("notes/read notes/write", None, 200, ["notes/read", "notes/write"]),
        ("notes", None, 403, None),
        (5, None, 403, None),
        (None, None, 403, None),
    ],
)
def test_one_of_the_routes_scopes_is_needed(
    served: Local, scope: object, scp: object, status: int, scopes: list[str] | None
) -> None:
    answer = call(served, "/scoped", token(scope=scope, scp=scp))

    assert answer.status_code == status
    if status == 200:
        assert answer.json()["scopes"] == scopes
    else:
        assert answer.json() == {"message": "Forbidden"}


def test_the_issuer_is_asked_once_for_its_keys(tmp_path: Path) -> None:
    write_handlers(tmp_path, HANDLERS)
    with issuer() as published, local(builder_of(published.url), tmp_path) as running:
        published.documents = {
            DISCOVERY: {"jwks_uri": f"{published.url}/keys"},
            "/keys": key_set("main"),
        }
        answers = [call(running, "/me", token(iss=published.url)) for _ in range(2)]
        unknown = call(running, "/me", token(iss=published.url, kid="unknown"))

    assert [answer.status_code for answer in answers] == [200, 200]
    assert unknown.status_code == 401
    assert published.asked == [DISCOVERY, "/keys"]


@pytest.mark.parametrize(
    ("documents", "complaint"),
    [
        ({}, "/.well-known/openid-configuration cannot be read (HTTP Error 404: Not Found)"),
        ({DISCOVERY: {}}, "/.well-known/openid-configuration names no jwks_uri"),
        ({DISCOVERY: []}, "/.well-known/openid-configuration is no JSON object"),
        ({DISCOVERY: b"{"}, "/.well-known/openid-configuration cannot be read (Expecting"),
        ({DISCOVERY: b"[" * 100_000}, "/.well-known/openid-configuration cannot be read (maximum"),
        ({DISCOVERY: {"jwks_uri": "file:///etc/passwd"}}, "file:///etc/passwd is no https address"),
        ({DISCOVERY: {"x": "x" * 150_000}}, "openid-configuration has more than 150,000 bytes"),
    ],
)
def test_an_issuer_without_keys_is_401_and_said(
    tmp_path: Path, documents: dict[str, object], complaint: str
) -> None:
    with issuer() as published, local(builder_of(published.url), tmp_path) as running:
        published.documents = documents
        answer = call(running, "/me", token(iss=published.url))

    assert answer.status_code == 401
    assert "OIDC discovery endpoint communication error" in answer.headers["www-authenticate"]
    line = running.lines.wait_for(complaint)
    assert line.startswith("api.authorizers.main: ")
    assert line.endswith("every token is refused; --jwks FILE gives the keys without the network")


def test_callers_who_wait_for_keys_that_do_not_come_are_refused_together() -> None:
    fetched: list[str] = []
    said: list[str] = []

    async def no_keys(issuer: str) -> Mapping[str, object]:
        fetched.append(issuer)
        await asyncio.sleep(0)
        raise KeysUnavailable("it is away")

    async def ask() -> list[object]:
        plan = Authorizer("main", ISSUER, ("notes",), ("$request.header.Authorization",))
        judge = JwtAuthorizer(plan, no_keys, said.append)
        request = Request("GET", "/me", headers=(("authorization", f"Bearer {token()}"),))
        asked = [judge.authorize(request, ()) for _ in range(5)]
        together: list[object] = list(await asyncio.gather(*asked, return_exceptions=True))
        with pytest.raises(Refused) as later:
            await judge.authorize(request, ())
        return [*together, later.value]

    answers = asyncio.run(ask())

    statuses = [each.response.status for each in answers if isinstance(each, Refused)]
    assert (statuses, len(fetched), len(said)) == ([401] * 6, 2, 2)


@pytest.mark.parametrize("document", [{}, {"keys": {}}])
def test_a_key_set_without_a_list_is_none(document: dict[str, object]) -> None:
    with pytest.raises(KeysUnavailable, match="the key set has no list of keys"):
        signing_keys(document)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "No such file or directory"),
        ("{", "not a JSON document"),
        ("[" * 100_000, "not a JSON document"),
        ("[]", 'not a key set: an object with a list "keys" is expected'),
        ('{"keys": 1}', 'not a key set: an object with a list "keys" is expected'),
    ],
)
def test_a_bad_jwks_file_is_one_line(tmp_path: Path, text: str | None, complaint: str) -> None:
    path = tmp_path / "jwks.json"
    if text is not None:
        path.write_text(text)

    with pytest.raises(LocalError) as caught:
        keys_of_file(path)

    assert str(caught.value) == f"--jwks {path}: {complaint}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("$request.header.Authorization", "one"),
        ("$request.header.X-Token", "two"),
        ("$request.querystring.token", "three"),
        ("$request.querystring.other", ""),
        ("$context.something", ""),
    ],
)
def test_where_a_token_is_looked_for(source: str, found: str) -> None:
    headers = (("authorization", "bearer one"), ("x-token", "two"))

    assert find_token(Request("GET", "/", "token=three", headers), [source]) == found


def test_claims_of_every_kind_have_a_text() -> None:
    assert claim_text(None) == "null"
    assert claim_text(1.5) == "1.5"
    assert claim_text(["a", 1, True]) == "[a 1 true]"
    assert claim_text({"a": 1}) == '{"a": 1}'
