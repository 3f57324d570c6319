"""JWT authorizers: who may call a route, judged as API Gateway judges a token.

In: an `Authorizer` of the plan, where its keys come from, a request. Out: the claims for the event,
or `Refused` with the response. Source: API Gateway developer guide, "Control access to HTTP APIs
with JWT authorizers": RSA signatures only; `iss`, `aud` (or `client_id` where `aud` is missing),
`exp`, `nbf`, `iat`; one of the route's scopes in `scope` or `scp`, else 403.
Keys are kept for two hours; fetching them may take 1.5 seconds and 150,000 bytes (quotas "Timeout
for" and "Response size from JSON Web Key Set endpoint").
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from framework.local.errors import LocalError
from framework.local.http_messages import Request, Response, message
from framework.local.model import Authorizer

if TYPE_CHECKING:
    from urllib.request import HTTPRedirectHandler

    from jwt import PyJWK

ALGORITHMS = ("RS256", "RS384", "RS512")
FETCH_SECONDS = 1.5
KEEP_SECONDS = 7200.0
ASK_AGAIN_SECONDS = 60.0
MAXIMUM_DOCUMENT = 150_000

Claims = Mapping[str, object]
KeySource = Callable[[str], Awaitable[Mapping[str, object]]]


class Refused(Exception):
    """A request without the right to the route: `response` says so to the caller."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class KeysUnavailable(Exception):
    """The issuer's keys cannot be had; the text says why, for the terminal."""


def unauthorized(reason: str = "") -> Refused:
    """401 with the challenge that API Gateway sends."""
    challenge = "Bearer"
    if reason:
        challenge += f' scope="" error="invalid_token" error_description="{reason}"'
    return Refused(message(401, "Unauthorized", ("www-authenticate", challenge)))


class JwtAuthorizer:
    """One authorizer of the API. `say` writes a line on the terminal."""

    def __init__(self, authorizer: Authorizer, keys: KeySource, say: Callable[[str], None]) -> None:
        self.authorizer = authorizer
        self.fetch = keys
        self.say = say
        self.keys: dict[str, PyJWK] = {}
        self.fetched = -KEEP_SECONDS
        self.failed = -KEEP_SECONDS
        self.lock = asyncio.Lock()

    async def authorize(self, request: Request, scopes: Sequence[str]) -> dict[str, object]:
        """What the event's `requestContext.authorizer` holds. Raises `Refused`."""
        token = find_token(request, self.authorizer.sources)
        if not token:
            raise unauthorized()
        claims = await self._verified(token)
        granted = _scopes(claims)
        if scopes and not set(granted) & set(scopes):
            raise Refused(message(403, "Forbidden"))
        present = {name: value for name, value in claims.items() if value is not None}
        texts = {name: claim_text(value) for name, value in present.items()}
        # As measured on AWS: all of the token's scopes, but only on a route that asks for one.
        return {"jwt": {"claims": texts, "scopes": granted if scopes else None}}

    async def _verified(self, token: str) -> Claims:
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise unauthorized(f"signing method {_word(header.get('alg'))} is invalid")
            key = await self._key(header.get("kid"))
            claims: Claims = jwt.decode(
                token,
                key.key,
                algorithms=list(ALGORITHMS),
                issuer=self.authorizer.issuer,
                options={"verify_aud": False, "require": ["exp", "iss"]},
            )
        except jwt.ExpiredSignatureError:
            raise unauthorized("the token has expired") from None
        except jwt.InvalidTokenError as error:
            raise unauthorized(_REASONS.get(type(error).__name__, "the token is invalid")) from None
        if not _audiences(claims) & set(self.authorizer.audiences):
            raise unauthorized("the token does not have a valid audience")
        return claims

    async def _key(self, kid: str | None) -> PyJWK:
        asked = time.monotonic()
        async with self.lock:
            age = time.monotonic() - self.fetched
            unknown = kid not in self.keys if kid else not self.keys
            if age >= KEEP_SECONDS or (unknown and age >= ASK_AGAIN_SECONDS):
                await self._refresh(asked)
        found = self.keys.get(kid) if kid else next(iter(self.keys.values()), None)
        if found is None:
            raise unauthorized("the key of the token is not among the issuer's")
        return found

    async def _refresh(self, asked: float) -> None:
        """Fetch the keys; a fetch that failed since somebody `asked` has failed for them too."""
        if asked < self.failed:
            raise unauthorized(_UNREACHABLE)
        try:
            document = await self.fetch(self.authorizer.issuer)
            self.keys = signing_keys(document)
        except KeysUnavailable as error:
            self.failed = time.monotonic()
            self.say(
                f"api.authorizers.{self.authorizer.name}: {error}: every token is refused;"
                " --jwks FILE gives the keys without the network"
            )
            raise unauthorized(_UNREACHABLE) from None
        self.fetched = time.monotonic()


_UNREACHABLE = "OIDC discovery endpoint communication error"

_REASONS = {
    "InvalidIssuerError": "the token does not have a valid issuer",
    "ImmatureSignatureError": "the token is not valid yet",
    "InvalidSignatureError": "the signature is invalid",
    "MissingRequiredClaimError": "the token misses a required claim",
}


def _word(value: object) -> str:
    """A word of a stranger's, fit for a header."""
    text = str(value)
    return text if text.isascii() and text.isalnum() and len(text) <= 16 else "unknown"


def find_token(request: Request, sources: Sequence[str]) -> str:
    """The token at the first identity source that has one, without its `Bearer`."""
    for source in sources:
        value = _identity(request, source).strip()
        scheme, _, rest = value.partition(" ")
        if value:
            return rest.strip() if scheme.lower() == "bearer" else value
    return ""


def _identity(request: Request, source: str) -> str:
    """`$request.header.Authorization`, `$request.querystring.token`."""
    _, _, place = source.partition(".")
    kind, _, name = place.partition(".")
    if kind == "querystring":
        return parse_qs(request.query).get(name, [""])[0]
    if kind == "header":
        return request.joined.get(name.lower(), "")
    return ""


def _audiences(claims: Claims) -> set[str]:
    audience = claims.get("aud", claims.get("client_id"))
    values = audience if isinstance(audience, list) else [audience]
    return {value for value in values if isinstance(value, str)}


def _scopes(claims: Claims) -> list[str]:
    value = claims.get("scope", claims.get("scp"))
    if isinstance(value, str):
        return value.split()
    return [scope for scope in value if isinstance(scope, str)] if isinstance(value, list) else []


def claim_text(value: object) -> str:
    """A claim as the event holds it: always text, a list as `[a b]`."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(claim_text(item) for item in value)}]"
    return json.dumps(value)


def signing_keys(document: Mapping[str, object]) -> dict[str, PyJWK]:
    """The RSA keys of a JWKS document by their ids. Raises `KeysUnavailable`."""
    import jwt

    keys = document.get("keys")
    if not isinstance(keys, list):
        raise KeysUnavailable("the key set has no list of keys")
    found: dict[str, PyJWK] = {}
    for key in keys:
        if isinstance(key, dict) and key.get("kty") == "RSA":
            try:
                found[str(key.get("kid", ""))] = jwt.PyJWK.from_dict(key)
            except jwt.PyJWTError:
                continue
    return found


def keys_of_file(path: Path) -> KeySource:
    """The keys of a local JWKS file, for every issuer. Raises `LocalError` now, not later."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LocalError(f"--jwks {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise LocalError(f"--jwks {path}: not a JSON document") from None
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise LocalError(f'--jwks {path}: not a key set: an object with a list "keys" is expected')

    async def keys(issuer: str) -> Mapping[str, object]:
        return document

    return keys


async def keys_of_issuer(issuer: str) -> Mapping[str, object]:
    """The keys that the issuer publishes (OpenID Connect Discovery). Raises `KeysUnavailable`."""
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    configuration = await asyncio.to_thread(_fetch, address)
    keys = configuration.get("jwks_uri")
    if not isinstance(keys, str):
        raise KeysUnavailable(f"{address} names no jwks_uri")
    return await asyncio.to_thread(_fetch, keys)


_ALLOWED = re.compile(r"https://|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?/")
"""Keys come over TLS; plain HTTP is for an issuer on this machine."""


def _no_redirects() -> HTTPRedirectHandler:
    from urllib.request import HTTPRedirectHandler

    class NoRedirects(HTTPRedirectHandler):
        """An issuer's keys are where it says, not where an answer points to."""

        def redirect_request(self, *_: object) -> None:
            return None

    return NoRedirects()


def _fetch(address: str) -> Mapping[str, object]:
    import http.client
    from urllib.request import build_opener

    if not _ALLOWED.match(address):
        raise KeysUnavailable(f"{address} is no https address")
    try:
        with build_opener(_no_redirects()).open(address, timeout=FETCH_SECONDS) as answer:
            text = answer.read(MAXIMUM_DOCUMENT + 1)
        if len(text) > MAXIMUM_DOCUMENT:
            raise KeysUnavailable(f"{address} has more than {MAXIMUM_DOCUMENT:,} bytes")
        document = json.loads(text)
    except (OSError, ValueError, RecursionError, http.client.HTTPException) as error:
        raise KeysUnavailable(f"{address} cannot be read ({error})") from None
    if not isinstance(document, dict):
        raise KeysUnavailable(f"{address} is no JSON object")
    return document
