"""The request that somebody wrote into the form, ready for the API.

In: the form's document, where the API is. Out: a `Request` as if it had come over the wire, signed
with the developer's key where that is wished: the key never reaches the page. What cannot be sent
raises `NotSent`, one line for the form. Source: RFC 9110, sections 5.1 and 5.5, for names and
values of headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from framework.local.environment import Credentials
from framework.local.http_messages import LARGEST_HEAD, Request

Headers = tuple[tuple[str, str], ...]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_COUNTED = ("connection", "content-length", "transfer-encoding")
_SAFE = "/%:@!$&'()*+,;=-._~?"


class NotSent(Exception):
    """What is wrong with the form, in one line."""


@dataclass(frozen=True, slots=True)
class Written:
    """What the form says, in text; `headers` are lines."""

    method: str
    path: str
    headers: str
    body: str
    sign: bool

    @classmethod
    def of(cls, document: Mapping[str, object]) -> Written:
        """The form as the page sends it. Raises `NotSent`."""
        texts = [document.get(name, "") for name in ("method", "path", "headers", "body")]
        sign = document.get("sign", False)
        method, path, headers, body = (text if isinstance(text, str) else None for text in texts)
        if method is None or path is None or headers is None or body is None:
            raise NotSent("method, path, headers and body are text")
        return cls(method, path, headers, body, sign is True)


def request_of(written: Written, host: str, port: int) -> Request:
    """The request, not signed yet. Raises `NotSent`."""
    if written.method not in METHODS:
        raise NotSent(f"the method is one of {', '.join(METHODS)}")
    path, query = _target(written.path)
    body = written.body.encode(errors="replace")
    headers = tuple(_headers(written.headers))
    named = {name for name, _ in headers}
    added = [("host", host), ("user-agent", "services-local-page"), ("accept", "*/*")]
    made = tuple((name, value) for name, value in added if name not in named)
    if body:
        made += (("content-length", str(len(body))),)
    request = Request(written.method, path, query, (*made, *headers), body, port=port)
    if _head(request) > LARGEST_HEAD:
        raise NotSent(f"path and headers have more than {LARGEST_HEAD:,} bytes")
    return request


def signed(request: Request, region: str, credentials: Credentials) -> Request:
    """The request with the developer's signature (Signature Version 4)."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as BotocoreCredentials

    query = f"?{request.query}" if request.query else ""
    url = f"http://{request.joined['host']}{request.path}{query}"
    sent = {name: value for name, value in request.joined.items() if name != "authorization"}
    prepared = AWSRequest(request.method, url, sent, request.body)
    own = BotocoreCredentials(credentials.access_key, credentials.secret_key)
    SigV4Auth(own, "execute-api", region).add_auth(prepared)
    headers = tuple((name.lower(), str(value)) for name, value in prepared.headers.items())
    return Request(
        request.method, request.path, request.query, headers, request.body, port=request.port
    )


def _target(written: str) -> tuple[str, str]:
    """Path and query, percent-encoded where they have to be."""
    if not written.startswith("/"):
        raise NotSent("the path begins with /")
    try:
        path, _, query = quote(written, safe=_SAFE).partition("?")
    except UnicodeEncodeError:
        raise NotSent("the path has half a letter (a lone surrogate)") from None
    return path, query


def _head(request: Request) -> int:
    """Bytes of the request line and the headers, as the server counts those that arrive."""
    target = len(request.method) + len(request.path) + len(request.query)
    return target + sum(len(name) + len(value) for name, value in request.headers)


def _headers(lines: str) -> Iterator[tuple[str, str]]:
    for line in filter(str.strip, lines.splitlines()):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not _NAME.fullmatch(name):
            raise NotSent(f"a header is  name: value, not {line.strip()!r}")
        if not _VALUE.fullmatch(value):
            raise NotSent(f"the value of {name} has letters that no header may have")
        if name.lower() in _COUNTED:
            raise NotSent(f"{name} is not yours to say: it follows from the body")
        yield name.lower(), value
