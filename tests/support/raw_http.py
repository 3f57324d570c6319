"""HTTP requests for tests exactly as they are written down: no header is added or merged."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

Headers = Sequence[tuple[str, str]]

SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """A response; header names in lower case, in order."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """The values of the headers of that name."""
        return [value for header, value in self.headers if header == name]

    def header(self, name: str) -> str | None:
        """The value of a header that is there once at most."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} is there {len(values)} times"
        return values[0] if values else None

    def json(self) -> object:
        """The body as JSON says it."""
        return json.loads(self.body)


def ask(
    url: str,
    method: str,
    target: str,
    headers: Headers = (),
    body: bytes = b"",
) -> Answer:
    """The answer to one request; host and content-length are added where they are not given."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.netloc, timeout=SECONDS)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        given = {name.lower() for name, _ in headers}
        if "host" not in given:
            connection.putheader("host", place.netloc)
        for name, value in headers:
            connection.putheader(name, value)
        if body and "content-length" not in given:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        found = tuple((name.lower(), value) for name, value in answer.getheaders())
        return Answer(answer.status, found, answer.read())
    finally:
        connection.close()
