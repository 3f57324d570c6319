"""An HTTP server on a socket that is already bound: uvicorn with httptools, bounded on every side.

In: a socket, a function from `Request` to `Response`, the largest body in bytes. Out: `HttpServer`.
The request line and headers together may take 10,240 bytes (API Gateway quota "Total combined size
of request line and header values").
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from framework.local.errors import LocalError
from framework.local.http_messages import Request, Response, message

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

LARGEST_HEAD = 10_240
KEEP_ALIVE_SECONDS = 30
GRACE_SECONDS = 2

MOST_DISCARDED = 50_000_000
"""Bytes beyond the limit that are read and dropped: a caller who is still sending when the
connection closes never sees the answer."""

Handle = Callable[[Request], Awaitable[Response]]

_CLOSE = ("connection", "close")
BODY_TOO_LARGE = message(413, "Request Entity Too Large", _CLOSE)
HEAD_TOO_LARGE = message(431, "Request Header Fields Too Large", _CLOSE)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `LocalError` with what to do when the port is in use."""
    # asyncio turns Nagle's algorithm off only on sockets that say TCP: 44 ms a request otherwise.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise LocalError(_refusal(host, port, error)) from None
    listener.setblocking(False)
    return listener


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use; try --port {port + 1 if port < 65535 else 8000}"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"


class HttpServer:
    """One server. It is up after `start` and holds no socket after `stop`."""

    def __init__(self, listener: socket.socket, handle: Handle, largest_body: int) -> None:
        config = uvicorn.Config(
            _Application(handle, largest_body),
            http=_Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self.listener = listener
        self.server = _Server(config)

    async def start(self) -> None:
        """Answer requests from now on."""
        self.task = asyncio.ensure_future(self.server.serve(sockets=[self.listener]))
        while not self.server.started and not self.task.done():
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """End every connection and close the socket."""
        self.server.should_exit = True
        await self.task
        self.listener.close()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: two servers run in one process, and the service ends both."""
        yield


class _Protocol(HttpToolsProtocol):
    """Ends a connection whose request head never ends."""

    in_head = False
    head = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.in_head:
            self.head += len(data)
            if self.head > LARGEST_HEAD and not self.transport.is_closing():
                self.transport.write(_raw(HEAD_TOO_LARGE))
                self.transport.close()

    def on_message_begin(self) -> None:
        self.in_head, self.head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.in_head = False
        super().on_headers_complete()


def _raw(response: Response) -> bytes:
    head = f"HTTP/1.1 {response.status} Refused\r\ncontent-length: {len(response.body)}\r\n"
    lines = "".join(f"{name}: {value}\r\n" for name, value in response.headers)
    return f"{head}{lines}\r\n".encode() + response.body


class _Application:
    """The ASGI application around `handle`."""

    def __init__(self, handle: Handle, largest_body: int) -> None:
        self.handle = handle
        self.largest_body = largest_body

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        response = await self._answer(scope, receive)
        if response is None:
            return
        headers = [(name.encode(), value.encode()) for name, value in response.headers]
        if response.status not in (204, 304) and not _has_length(response):
            headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body, "more_body": False})

    async def _answer(self, scope: HTTPScope, receive: ASGIReceiveCallable) -> Response | None:
        if _head(scope) > LARGEST_HEAD:
            return HEAD_TOO_LARGE
        body = await self._body(scope, receive)
        if body is None or isinstance(body, Response):
            return body
        return await self.handle(_request(scope, body))

    async def _body(
        self, scope: HTTPScope, receive: ASGIReceiveCallable
    ) -> bytes | Response | None:
        """The body; None when the caller is gone, 413 when it is too large."""
        if _waits_for_consent(scope) and _announced(scope) > self.largest_body:
            return BODY_TOO_LARGE
        parts: list[bytes] = []
        size = 0
        while True:
            event = await receive()
            if event["type"] != "http.request":
                return None
            size += len(event["body"])
            if size <= self.largest_body:
                parts.append(event["body"])
            else:
                parts.clear()
            if size > self.largest_body + MOST_DISCARDED:
                return BODY_TOO_LARGE
            if not event["more_body"]:
                return b"".join(parts) if size <= self.largest_body else BODY_TOO_LARGE


def _waits_for_consent(scope: HTTPScope) -> bool:
    """Whether the caller sends its body only after `100 Continue`."""
    return any(name == b"expect" for name, _ in scope["headers"])


def _announced(scope: HTTPScope) -> int:
    """The content-length, which the parser has already checked."""
    lengths = [int(value) for name, value in scope["headers"] if name == b"content-length"]
    return max(lengths, default=0)


def _has_length(response: Response) -> bool:
    return any(name == "content-length" for name, _ in response.headers)


def _head(scope: HTTPScope) -> int:
    """Bytes of the request line and the headers."""
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return headers + len(scope["method"]) + len(scope["raw_path"]) + len(scope["query_string"])


def _request(scope: HTTPScope, body: bytes) -> Request:
    client, server = scope["client"], scope["server"]
    return Request(
        method=scope["method"],
        path=scope["raw_path"].decode("ascii"),
        query=scope["query_string"].decode("latin-1"),
        headers=tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]),
        body=body,
        source=client[0] if client else "",
        port=(server[1] if server else None) or 0,
        protocol=f"HTTP/{scope['http_version']}",
    )
