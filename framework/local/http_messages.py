"""One HTTP request and one HTTP response, as plain data: what a server hands in and takes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

LARGEST_HEAD = 10_240
"""Bytes of a request line and its headers: API Gateway quota "Total combined size of request line
and header values"."""


@dataclass(slots=True)
class Request:
    """A request as it came: `path` and `query` still percent-encoded, header names lower case.

    `source` is the caller's address, `port` where the request arrived. Nobody changes one.
    """

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    source: str = "127.0.0.1"
    port: int = 80
    protocol: str = "HTTP/1.1"
    joined: dict[str, str] = field(init=False, repr=False, compare=False)
    """The headers by name, values of one name joined by a comma."""

    def __post_init__(self) -> None:
        joined: dict[str, str] = {}
        for name, value in self.headers:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        self.joined = joined

    def all(self, name: str) -> Iterator[str]:
        """The values of every header of that lower-case name."""
        return (value for header, value in self.headers if header == name)


class Response(NamedTuple):
    """A response; header names lower case. The server adds content-length where it is absent."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def with_headers(self, *added: tuple[str, str]) -> Response:
        """The same response with more headers at its end."""
        return Response(self.status, (*self.headers, *added), self.body)


def message(status: int, text: str, *headers: tuple[str, str]) -> Response:
    """API Gateway's own answers: `{"message":"Not Found"}` and its like."""
    body = json.dumps({"message": text}, separators=(",", ":")).encode()
    return Response(status, (("content-type", "application/json"), *headers), body)
