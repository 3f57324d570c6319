"""One connection of the HTTP server: httptools on a stream, bounded on every side.

In: bytes. Out: bytes, in between `Request` and `Response`. The request line and headers together
may take 10,240 bytes (API Gateway quota "Total combined size of request line and header values").
Who sends too much, or no HTTP, is told so and turned away.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache

import httptools

from framework.local.http_messages import LARGEST_HEAD, Request, Response, message
from framework.local.stream import Owner, Stream

MOST_DISCARDED = 50_000_000
"""Bytes beyond the limit that are read and dropped: a caller who is still sending when the
connection closes never sees the answer."""

MOST_CONNECTIONS = 500
MOST_PIPELINED = 16

MOST_HELD = 100_000_000
"""Bytes that a server's connections hold together: of requests not yet answered, of answers not yet
read. Above it (or above four bodies, where that is more) requests are refused, and who has not read
for the longest time is cut off."""

HEAD_SECONDS = 10.0
"""From the connection, or the first byte of a later request, to the end of its headers."""

BODY_SECONDS = 120.0
"""From the end of the headers to the end of the body."""

KEEP_ALIVE_SECONDS = 30.0
WRITE_SECONDS = 60.0

FOREVER = float("inf")

Handle = Callable[[Request], Awaitable[Response]]

_CLOSE = ("connection", "close")
NO_HTTP = message(400, "Bad Request", _CLOSE)
BODY_TOO_LARGE = message(413, "Request Entity Too Large", _CLOSE)
HEAD_TOO_LARGE = message(431, "Request Header Fields Too Large", _CLOSE)
BROKEN = message(500, "Internal Server Error", _CLOSE)
TOO_MANY = message(503, "Service Unavailable", _CLOSE)

_REASONS = {200: "OK", 201: "Created", 204: "No Content", 304: "Not Modified", 404: "Not Found"}
"""Words after the status, which nobody reads; the commonest are as everywhere."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(slots=True)
class _Message:
    """A request as it arrives; `size` counts the body, also what was dropped of it.

    `head` are the bytes of the request line and the headers.
    """

    url: bytes = b""
    head: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    size: int = 0
    method: str = ""
    version: str = "1.1"
    keep_alive: bool = True
    asks_before: bool = False
    refusal: Response | None = None

    def values(self, name: bytes) -> list[bytes]:
        """The values of the headers of that lower-case name."""
        return [value for header, value in self.headers if header == name]


_NONE = _Message()
"""Where there is no request; nobody changes it."""


class Connection(Owner):
    """One connection: requests are parsed as they come and answered one after the other.

    `source` is the caller's address, `port` where it has connected.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        others: set[Connection],
        handle: Handle,
        largest_body: int,
        source: str,
        port: int,
    ) -> None:
        self.loop = loop
        self.others = others
        self.handle = handle
        self.largest_body = largest_body
        self.most_held = max(MOST_HELD, 4 * largest_body)
        self.source = source
        self.port = port
        self.parser = httptools.HttpRequestParser(self)
        self.arriving = _NONE
        self.complete: deque[_Message] = deque()
        self.answered = _NONE
        self.task: asyncio.Task[None] | None = None
        self.in_head = False
        self.head = 0
        self.closing = False
        self.writable: asyncio.Future[None] | None = None
        self.deadline = FOREVER
        # Seconds for what has begun to arrive, where that is news.
        self.granted = 0.0

    def begin(self, connected: socket.socket) -> None:
        """Begin, unless there are too many."""
        self.stream = Stream(self.loop, self, connected)
        self.others.add(self)
        if len(self.others) > MOST_CONNECTIONS:
            self._refuse(TOO_MANY)
            return
        self._expect(HEAD_SECONDS)
        self.stream.begin()

    # What the stream calls.

    def connection_lost(self, error: Exception | None) -> None:
        """The caller is gone; a function that runs for it runs on."""
        self.closing = True
        self.others.discard(self)
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self.closing:
            return
        self.head += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Nothing is upgraded here: what follows is no request.
            self.closing = True
        except httptools.HttpParserError:
            self._refuse(NO_HTTP)
            return
        if self.in_head and self.head > LARGEST_HEAD:
            self._refuse(HEAD_TOO_LARGE)
        if self.granted:
            self._expect(self.granted)
            self.granted = 0.0
        if len(self.complete) > MOST_PIPELINED:
            self.stream.pause_reading()

    def eof_received(self) -> bool:
        """The caller sends no more; who still waits for an answer gets it."""
        self.closing = True
        return self.task is not None

    def pause_writing(self) -> None:
        """The caller reads slowly."""
        self._expect(WRITE_SECONDS)
        self.writable = self.loop.create_future()
        if self._crowded():
            slow = (each for each in self.others if each.writable is not None)
            min(slow, key=lambda each: each.deadline).abort()

    def resume_writing(self) -> None:
        """The caller has read."""
        if self.writable is not None:
            self.writable.set_result(None)
            self.writable = None
            self.deadline = FOREVER

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A request begins."""
        self.arriving = _Message()
        self.in_head = True
        self.granted = HEAD_SECONDS

    def on_url(self, url: bytes) -> None:
        """Its target, perhaps in parts."""
        self.arriving.url += url
        self.arriving.head += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        arriving, name = self.arriving, name.lower()
        arriving.headers.append((name, value))
        arriving.head += len(name) + len(value)
        if name == b"expect" and value.lower() == b"100-continue":
            arriving.asks_before = True

    def on_headers_complete(self) -> None:
        """Its headers are there: judge them before the body comes."""
        arriving, parser = self.arriving, self.parser
        self.in_head = False
        arriving.method = parser.get_method().decode()
        arriving.version = parser.get_http_version()
        arriving.keep_alive = parser.should_keep_alive()
        if arriving.head + len(arriving.method) > LARGEST_HEAD:
            arriving.refusal = HEAD_TOO_LARGE
        elif not arriving.url.isascii():
            arriving.refusal = NO_HTTP
        if arriving.asks_before:
            self._consent(arriving)
        self.granted = BODY_SECONDS

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        arriving, limit = self.arriving, self.largest_body
        arriving.size += len(body)
        if arriving.size <= limit and arriving.refusal is None:
            arriving.body += body
            if self._crowded():
                arriving.body.clear()
                arriving.refusal = TOO_MANY
            return
        arriving.body.clear()
        arriving.refusal = arriving.refusal or BODY_TOO_LARGE
        if arriving.size > limit + MOST_DISCARDED:
            self._refuse(BODY_TOO_LARGE)

    def on_message_complete(self) -> None:
        """It is whole: answer it when those before it are answered."""
        if self.closing:
            return
        self.complete.append(self.arriving)
        # What has come in the same piece after it counts for no head.
        self.head, self.granted = 0, 0.0
        if self.writable is None:
            self.deadline = FOREVER
        if self.task is None:
            self.task = self.loop.create_task(self._answer_all())

    # What the server calls.

    def finish(self) -> None:
        """Answer what is under way, then close."""
        self.closing = True
        if self.task is None:
            self.stream.close()

    def abort(self) -> None:
        """Close now."""
        self.closing = True
        self.stream.abort()

    def overdue(self, now: float) -> bool:
        """Whether the caller took too long to send, or to read."""
        return self.deadline < now and (self.task is None or self.writable is not None)

    @property
    def held(self) -> int:
        """Bytes that are kept for the caller."""
        waiting = sum(len(each.body) for each in (self.answered, *self.complete, self.arriving))
        return waiting + self.stream.get_write_buffer_size()

    def _crowded(self) -> bool:
        return sum(each.held for each in self.others) > self.most_held

    def _expect(self, seconds: float) -> None:
        """A caller who does not read has that deadline alone."""
        if self.writable is None:
            self.deadline = self.loop.time() + seconds

    def _consent(self, arriving: _Message) -> None:
        """Let a caller send who asks before; refuse one that would send too much."""
        lengths = [int(value) for value in arriving.values(b"content-length")]
        if arriving.refusal is None and max(lengths, default=0) <= self.largest_body:
            self.stream.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        else:
            self._refuse(arriving.refusal or BODY_TOO_LARGE)

    def _refuse(self, response: Response) -> None:
        """Answer what is not worth another word, and close."""
        self.closing = True
        if self.task is None:
            self.stream.write(_written(response, keep_alive=False, with_body=True))
            self.stream.close()
        else:
            self.complete.append(_Message(refusal=response))

    async def _answer_all(self) -> None:
        keep_alive = True
        while self.complete and keep_alive and not self.stream.is_closing():
            keep_alive = await self._answer_next()
            if self.writable is not None:
                await self.writable
        self.task = None
        if not keep_alive:
            self.stream.close()
        elif self.deadline == FOREVER:
            self._expect(KEEP_ALIVE_SECONDS)
        self.stream.resume_reading()

    async def _answer_next(self) -> bool:
        """Whether the connection goes on.

        Nothing here keeps the answer while the caller reads it: it is in the stream's buffer.
        """
        arrived = self.answered = self.complete.popleft()
        response = await self._answer(arrived)
        self.answered = _NONE
        last = self.closing and not self.complete
        keep_alive = arrived.keep_alive and not last and _CLOSE not in response.headers
        self._write(arrived, response, keep_alive)
        return keep_alive

    async def _answer(self, arrived: _Message) -> Response:
        if arrived.refusal is not None:
            return arrived.refusal
        try:
            return await self.handle(self._request(arrived))
        except Exception:
            # A mistake of this project's own: the caller gets what AWS would say, the person all.
            traceback.print_exc(file=sys.stderr)
            return BROKEN

    def _write(self, arrived: _Message, response: Response, keep_alive: bool) -> None:
        if self.stream.is_closing():
            return
        with_body = arrived.method != "HEAD" and response.status not in (204, 304)
        self.stream.write(_written(response, keep_alive, with_body))

    def _request(self, arrived: _Message) -> Request:
        path, _, query = _target(arrived.url.decode("ascii")).partition("?")
        return Request(
            method=arrived.method,
            path=path,
            query=query,
            headers=tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in arrived.headers),
            body=bytes(arrived.body),
            source=self.source,
            port=self.port,
            protocol=f"HTTP/{arrived.version}",
        )


def _target(target: str) -> str:
    """Path and query of a request's target; that of a proxy (`http://host/path`) has more."""
    target = target.partition("#")[0]
    if "://" in target.partition("?")[0] and not target.startswith("/"):
        _, slash, rest = target.partition("://")[2].partition("/")
        return slash + rest or "/"
    return target


def _written(response: Response, keep_alive: bool, with_body: bool) -> bytes:
    """The bytes of a response."""
    reason = _REASONS.get(response.status, "Response")
    lines = [f"HTTP/1.1 {response.status} {reason}\r\ndate: {_date(int(time.time()))}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    names = [name for name, _ in response.headers]
    if response.status not in (204, 304) and "content-length" not in names:
        lines.append(f"content-length: {len(response.body)}")
    if not keep_alive and "connection" not in names:
        lines.append("connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode()
    return head + response.body if with_body else head


@lru_cache(maxsize=1)
def _date(seconds: int) -> str:
    """`Sat, 31 Jan 2026 10:00:00 GMT`; in English whatever the locale."""
    t = time.gmtime(seconds)
    clock = f"{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02}"
    return f"{_DAYS[t.tm_wday]}, {t.tm_mday:02} {_MONTHS[t.tm_mon - 1]} {t.tm_year} {clock} GMT"
