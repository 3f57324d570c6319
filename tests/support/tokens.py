"""JWTs for tests: keys made here, tokens signed with them, and an issuer over HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

ISSUER = "https://login.example.com/"


@cache
def key(name: str) -> RSAPrivateKey:
    """A private key, made once under its name."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def key_set(*names: str) -> dict[str, object]:
    """The public keys of that name as a JWKS document, with what an issuer may add."""
    keys = []
    for name in names:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(key(name).public_key(), as_dict=True)
        keys.append({**public, "kid": name, "use": "sig"})
    return {"keys": [{"kty": "EC", "kid": "other"}, {"kty": "RSA", "kid": "broken"}, *keys]}


def token(
    *, kid: str | None = "main", signed_by: str = "main", algorithm: str = "RS256", **claims: object
) -> str:
    """A token that is right but for what is said otherwise; None leaves a claim out."""
    now = int(time.time())
    right: dict[str, object] = {
        "iss": ISSUER,
        "aud": "notes",
        "exp": now + 300,
        "iat": now - 10,
        "sub": "ada",
        **claims,
    }
    payload = {name: value for name, value in right.items() if value is not None}
    secret: RSAPrivateKey | str = key(signed_by) if algorithm.startswith("RS") else "x" * 32
    return jwt.encode(payload, secret, algorithm, headers={"kid": kid} if kid else None)


@dataclass
class Issuer:
    """A web server that publishes what `documents` holds, by path."""

    documents: dict[str, object] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def issuer() -> Iterator[Issuer]:
    published = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            published.asked.append(self.path)
            found = published.documents.get(self.path)
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        published.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield published
        finally:
            server.shutdown()
            thread.join()


DISCOVERY = "/.well-known/openid-configuration"
