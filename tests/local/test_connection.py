"""The HTTP server against callers who are slow, many, greedy, or speak no HTTP."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import pytest

from framework.local import connection, server
from framework.local.connection import _target
from framework.local.http_messages import Request, Response
from framework.local.loop import new_loop
from framework.local.server import HttpServer, bind
from tests.support.local import wait_until


class Served:
    """A server that answers with what it got, in a thread of its own."""

    def __init__(self, listener: socket.socket) -> None:
        self.requests: list[Request] = []
        self.gate = threading.Event()
        self.gate.set()
        self.loop = new_loop()
        self.port: int = listener.getsockname()[1]
        self.server = HttpServer(listener, self.handle, 1_000)
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.server.start(), self.loop).result()

    async def handle(self, request: Request) -> Response:
        self.requests.append(request)
        if request.path == "/wait":
            await asyncio.to_thread(self.gate.wait, 20)
        if request.path == "/broken":
            raise RuntimeError("a bug")
        if request.path == "/large":
            return Response(200, (), b"x" * 20_000_000)
        if request.path == "/none":
            return Response(204)
        body = f"{request.method} {request.path} {request.query} {request.body.decode()}"
        return Response(200, (("content-type", "text/plain"),), body.encode())

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def end(self) -> None:
        self.gate.set()
        asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop).result()
        asyncio.run_coroutine_threadsafe(self.loop.shutdown_default_executor(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@contextmanager
def serving(listener: socket.socket | None = None) -> Iterator[Served]:
    served = Served(listener or bind("127.0.0.1", 0))
    try:
        yield served
    finally:
        served.end()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as one:
        yield one


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    parts = []
    while part := connection.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)


def exchange(served: Served, data: bytes) -> bytes:
    """What comes back for `data` until the server closes, whose end of sending is not told."""
    with served.connect() as connection:
        connection.sendall(data)
        return everything(connection)


def statuses(answer: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+) ", answer)]


CLOSE = b"host: h\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"GET /a?b=c HTTP/1.1\r\n" + CLOSE, b"GET /a b=c "),
        (b"GET /a?b=c#d HTTP/1.1\r\n" + CLOSE, b"GET /a b=c "),
        (b"GET http://host/a?b HTTP/1.1\r\n" + CLOSE, b"GET /a b "),
        (b"POST /a HTTP/1.1\r\ncontent-length: 3\r\n" + CLOSE + b"xyz", b"POST /a  xyz"),
        (
            b"POST /a HTTP/1.1\r\ntransfer-encoding: chunked\r\n"
            + CLOSE
            + b"2\r\nxy\r\n1\r\nz\r\n0\r\n\r\n",
            b"POST /a  xyz",
        ),
        (b"GET /a HTTP/1.0\r\n\r\n", b"GET /a  "),
        (b"GET /a HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", b"GET /a  "),
    ],
)
def test_requests_arrive_as_they_were_sent(served: Served, data: bytes, body: bytes) -> None:
    answer = exchange(served, data)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\ndate: ")
    assert answer.endswith(b"\r\nconnection: close\r\n\r\n" + body)
    assert f"\r\ncontent-length: {len(body)}\r\n".encode() in answer


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/a://b", "/a://b"),
        ("http://host", "/"),
        ("http://host/", "/"),
        ("/a?x=http://b", "/a?x=http://b"),
        ("*", "*"),
    ],
)
def test_targets(target: str, expected: str) -> None:
    assert _target(target) == expected


def test_requests_of_one_connection_are_answered_in_order(served: Served) -> None:
    data = b"".join(b"GET /%d HTTP/1.1\r\nhost: h\r\n\r\n" % number for number in range(100))
    answer = exchange(served, data + b"GET /last HTTP/1.1\r\n" + CLOSE)

    found = re.findall(rb"GET /(\w+) ", answer)
    assert found == [*(b"%d" % number for number in range(100)), b"last"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        ("GET /é HTTP/1.1\r\nhost: h\r\n\r\n".encode(), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 11_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 11_000, 431),
        (b"GET /" + b"y" * 11_000, 431),
        (b"POST / HTTP/1.1\r\ncontent-length: 2000\r\n\r\n" + b"x" * 2000, 413),
        (b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2000\r\n\r\n", 413),
        (
            b"POST / HTTP/1.1\r\nexpect: 100-continue\r\nx: " + b"y" * 11_000 + b"\r\n\r\n",
            431,
        ),
    ],
)
def test_what_is_refused_is_answered_and_closed(served: Served, data: bytes, status: int) -> None:
    before = len(served.requests)
    answer = exchange(served, data)

    assert statuses(answer) == [status]
    assert b"\r\nconnection: close\r\n" in answer
    assert len(served.requests) == before


def test_a_refusal_comes_after_the_answers_before_it(served: Served) -> None:
    answer = exchange(served, b"GET /a HTTP/1.1\r\nhost: h\r\n\r\nnonsense\r\n\r\n")

    assert statuses(answer) == [200, 400]


def test_a_caller_who_asks_may_send(served: Served) -> None:
    with served.connect() as connection:
        head = b"POST /a HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 3\r\n"
        connection.sendall(head + CLOSE)
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"xyz")
        assert everything(connection).endswith(b"POST /a  xyz")


def test_an_endless_body_is_cut(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_DISCARDED", 10_000)
    answer = exchange(served, b"POST / HTTP/1.1\r\ncontent-length: 90000\r\n\r\n" + b"x" * 20_000)

    assert statuses(answer) == [413]


@pytest.mark.parametrize(
    ("data", "length"),
    [
        (b"HEAD /a HTTP/1.1\r\n", b"\r\ncontent-length: 9\r\n"),
        (b"GET /none HTTP/1.1\r\n", b"\r\nconnection: close\r\n"),
    ],
)
def test_some_answers_have_no_body(served: Served, data: bytes, length: bytes) -> None:
    answer = exchange(served, data + CLOSE)

    assert length in answer
    assert answer.endswith(b"\r\n\r\n")


def test_a_mistake_of_our_own_is_500_and_told(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = exchange(served, b"GET /broken HTTP/1.1\r\nhost: h\r\n\r\n")

    assert statuses(answer) == [500]
    assert "RuntimeError: a bug" in capsys.readouterr().err


def test_a_caller_who_has_said_all_still_hears(served: Served) -> None:
    served.gate.clear()
    with served.connect() as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\nhost: h\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        served.gate.set()
        assert statuses(everything(connection)) == [200]


def test_a_caller_who_leaves_does_no_harm(served: Served) -> None:
    served.gate.clear()
    before = len(served.requests)
    connections = set(served.server.connections)
    with served.connect() as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\nhost: h\r\n\r\n" * 3)
        wait_until(lambda: len(served.requests) > before)
    served.gate.set()
    wait_until(lambda: served.server.connections <= connections)

    assert statuses(exchange(served, b"GET /a HTTP/1.1\r\n" + CLOSE)) == [200]


def test_two_hundred_at_once_are_all_answered(served: Served) -> None:
    with ThreadPoolExecutor(200) as threads:
        data = b"GET /a HTTP/1.1\r\n" + CLOSE
        answers = list(threads.map(lambda _: exchange(served, data), range(200)))

    assert [statuses(answer) for answer in answers] == [[200]] * 200


def test_too_many_connections_are_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", len(served.server.connections) + 1)
    with served.connect() as first:
        first.sendall(b"GET /a HTTP/1.1\r\nhost: h\r\n\r\n")
        assert statuses(first.recv(1000)) == [200]
        with served.connect() as second:
            assert statuses(everything(second)) == [503]


def test_bodies_that_are_too_much_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_HELD", 0)
    head = b"POST /a HTTP/1.1\r\nhost: h\r\ncontent-length: 1000\r\n\r\n"
    with serving() as served, ExitStack() as callers:
        for number in range(1, 5):
            callers.enter_context(served.connect()).sendall(head + b"x" * 900)
            wait_until(partial(is_held, served, 900 * number))
        last = callers.enter_context(served.connect())
        last.sendall(head + b"x" * 1000)
        assert statuses(everything(last)) == [503]
        assert held_by(served) == 3_600


def is_held(served: Served, size: int) -> bool:
    return held_by(served) == size


def held_by(served: Served) -> int:
    return sum(each.held for each in list(served.server.connections))


def test_who_has_not_read_for_the_longest_time_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_HELD", 20_000_000)
    ask = b"GET /large HTTP/1.1\r\n" + CLOSE
    with serving() as served, served.connect() as first, served.connect() as second:
        first.sendall(ask)
        wait_until(lambda: held_by(served) > 0)
        second.sendall(ask)
        wait_until(lambda: len(served.server.connections) == 1)
        assert len(everything(second)) > 20_000_000
        with suppress(ConnectionResetError):
            assert len(everything(first)) < 20_000_000


def test_nothing_more_is_done_for_a_caller_who_left(served: Served) -> None:
    served.gate.clear()
    before = len(served.requests)
    connections = set(served.server.connections)
    with served.connect() as caller:
        caller.sendall(b"GET /wait HTTP/1.1\r\nhost: h\r\n\r\n" * 3)
        wait_until(lambda: len(served.requests) == before + 1)
        # Leave with a reset: who only ends his own side may still be listening.
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_until(lambda: served.server.connections <= connections)
    served.gate.set()

    assert statuses(exchange(served, b"GET /a HTTP/1.1\r\n" + CLOSE)) == [200]
    assert [request.path for request in served.requests[before:]] == ["/wait", "/a"]


@pytest.mark.parametrize(
    ("limit", "data"),
    [
        ("HEAD_SECONDS", b""),
        ("HEAD_SECONDS", b"GET / HTTP/1.1\r\nx: y"),
        ("BODY_SECONDS", b"POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nab"),
        ("KEEP_ALIVE_SECONDS", b"GET /a HTTP/1.1\r\nhost: h\r\n\r\n"),
    ],
)
def test_slow_callers_are_turned_away(
    monkeypatch: pytest.MonkeyPatch, limit: str, data: bytes
) -> None:
    monkeypatch.setattr(connection, limit, 0.01)
    monkeypatch.setattr(server, "LOOK_SECONDS", 0.01)
    with serving() as served, served.connect() as caller:
        caller.sendall(data)
        with suppress(ConnectionResetError):
            everything(caller)


@pytest.mark.parametrize("again", [b"", b"GET /a HTTP/1.1\r\nhost: h\r\n\r\n"])
def test_who_does_not_read_is_cut_off_and_gains_no_time_by_asking_again(
    monkeypatch: pytest.MonkeyPatch, again: bytes
) -> None:
    monkeypatch.setattr(connection, "WRITE_SECONDS", 0.3)
    monkeypatch.setattr(server, "LOOK_SECONDS", 0.01)
    with serving() as served, served.connect() as caller:
        caller.sendall(b"GET /large HTTP/1.1\r\nhost: h\r\n\r\n")
        wait_until(lambda: held_by(served) > 0)
        caller.sendall(again)
        wait_until(lambda: not served.server.connections)


def test_a_function_at_work_is_no_slow_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("HEAD_SECONDS", "BODY_SECONDS", "KEEP_ALIVE_SECONDS"):
        monkeypatch.setattr(connection, limit, 0.05)
    monkeypatch.setattr(server, "LOOK_SECONDS", 0.001)
    with serving() as served, served.connect() as caller:
        served.gate.clear()
        caller.sendall(b"GET /wait HTTP/1.1\r\nhost: h\r\n\r\nGET /begun")
        wait_until(
            lambda: any(each.deadline < served.loop.time() for each in served.server.connections)
        )
        served.gate.set()
        assert statuses(caller.recv(1000)) == [200]


def test_the_end_waits_for_answers_under_way() -> None:
    with serving() as served, served.connect() as caller, served.connect() as idle:
        served.gate.clear()
        caller.sendall(b"GET /wait HTTP/1.1\r\nhost: h\r\n\r\n")
        wait_until(lambda: len(served.requests) == 1)
        wait_until(lambda: len(served.server.connections) == 2)
        stopping = asyncio.run_coroutine_threadsafe(served.server.stop(), served.loop)
        assert everything(idle) == b""
        served.gate.set()
        assert statuses(everything(caller)) == [200]
        stopping.result()


class Exhausted(socket.socket):
    """A socket that the system has no file for, two times."""

    refused = 0

    def accept(self) -> tuple[socket.socket, object]:
        if self.refused < 2:
            self.refused += 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


def test_callers_wait_while_the_system_has_no_more_files(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(server, "EXHAUSTED_SECONDS", 0.01)
    listener = Exhausted(fileno=bind("127.0.0.1", 0).detach())
    with serving(listener) as served:
        assert statuses(exchange(served, b"GET /a HTTP/1.1\r\n" + CLOSE)) == [200]

    said = "no more connections at the moment: Too many open files\n"
    assert capsys.readouterr().err == said * 2


def test_a_caller_who_leaves_before_being_let_in_is_no_matter() -> None:
    with serving() as served:
        served.loop.call_soon_threadsafe(served.server._accept)
        assert statuses(exchange(served, b"GET /a HTTP/1.1\r\n" + CLOSE)) == [200]


def test_the_head_after_a_large_body_in_one_piece_is_not_too_large() -> None:
    with serving() as roomy:
        # Before anybody is let in, who would have the smaller limit.
        roomy.server.largest_body = 100_000
        with roomy.connect() as caller:
            body = b"x" * 30_000
            head = f"POST /a HTTP/1.1\r\nhost: h\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            caller.sendall(head + body + b"GET /b HTTP/1.1\r\n")
            assert statuses(caller.recv(100)) == [200]
            caller.sendall(CLOSE)
            assert everything(caller).endswith(b"GET /b  ")


def test_a_caller_who_resets_with_the_last_words_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "LOOK_SECONDS", 0.01)
    busy, go_on = threading.Event(), threading.Event()

    def be_busy() -> None:
        busy.set()
        go_on.wait(20)

    with serving() as served:
        caller = served.connect()
        caller.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert caller.recv(1000)
        served.loop.call_soon_threadsafe(be_busy)
        assert busy.wait(20)
        # Both are there when the server looks.
        caller.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf")
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        caller.close()
        go_on.set()
        wait_until(lambda: not served.server.connections)


def test_a_server_that_is_stopped_lets_nobody_in_again() -> None:
    with serving() as served:
        pass

    # As after a pause for want of files, which may end when the server has.
    served.server._listen()
    assert served.server.listener.fileno() == -1
