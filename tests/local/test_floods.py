"""`services local` as a process against floods: it stays up, and its memory stays bounded.

What is measured is the growth of the server's peak memory, whose bounds leave room for another
machine: what they guard against is several times as much.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.support.local import wait_until, write_handlers
from tests.support.process import Process, services_local
from tests.support.raw_http import ask
from tests.support.running import write_services

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to see memory")

SERVICES = """
    service: floods
    regions: [eu-west-1]
    alarms: {enabled: false, reason: a test}
    functions:
      size: {handler: app.size}
      prints: {handler: app.prints, timeout: 60}
      large: {handler: app.large}
      bad: {handler: app.bad, timeout: 1}
    routes:
      ANY /size: {function: size, auth: none}
      GET /prints: {function: prints, auth: none}
      GET /large: {function: large, auth: none}
      GET /bad/{how}: {function: bad, auth: none}
    api: {throttle: {rate: 10000, burst: 5000}}
"""
HANDLERS = """
    import os

    def size(event, context):
        return len(event.get("body") or "")

    def prints(event, context):
        line = "x" * 999
        for _ in range(300_000):
            print(line)
        return "printed"

    def large(event, context):
        return "x" * 5_000_000

    def bad(event, context):
        match event["pathParameters"]["how"]:
            case "loop":
                while True:
                    pass
            case "exit":
                os._exit(1)
            case "no-json":
                return {1, 2}
"""
REQUEST = b"HTTP/1.1\r\nhost: localhost\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("floods")
    write_services(folder, SERVICES)
    write_handlers(folder, HANDLERS)
    with services_local(folder) as process:
        assert ask(process.url, "GET", "/size").json() == 0
        yield process


@pytest.fixture
def growth(server: Process) -> Iterator[Callable[[], float]]:
    """Megabytes that the peak of memory has grown since the test began; at its end all is well."""
    before = server.forget_peak()
    yield lambda: server.memory("VmHWM") - before
    assert ask(server.url, "GET", "/size").json() == 0
    assert "Traceback" not in server.said.read_text("utf-8")


def connect(server: Process) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def told(server: Process, event: str, **parts: object) -> int:
    """How many events of that kind the server has told of."""
    lines = map(json.loads, server.said.read_text("utf-8").splitlines())
    return sum(line["event"] == event and parts.items() <= line.items() for line in lines)


def test_a_handler_that_prints_300_megabytes(server: Process, growth: Callable[[], float]) -> None:
    assert ask(server.url, "GET", "/prints").body == b"printed"
    assert growth() < 60
    assert server.said.stat().st_size < 5_000_000


def test_two_thousand_requests_with_large_bodies(
    server: Process, growth: Callable[[], float]
) -> None:
    body = b"x" * 100_000

    def post(_: int) -> set[bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        answers = set()
        for _ in range(250):
            connection.request("POST", "/size", body, {"content-type": "text/plain"})
            answers.add(connection.getresponse().read())
        connection.close()
        return answers

    with ThreadPoolExecutor(8) as threads:
        assert set().union(*threads.map(post, range(8))) == {b"100000"}
    assert growth() < 120


def test_callers_who_send_a_head_and_nothing_more(
    server: Process, growth: Callable[[], float]
) -> None:
    with ExitStack() as callers:
        for _ in range(50):
            caller = callers.enter_context(connect(server))
            caller.sendall(b"POST /size " + REQUEST + b"content-length: 9000000\r\n\r\n")
        assert ask(server.url, "GET", "/size").status == 200
        assert growth() < 30


def test_callers_who_send_all_of_a_body_but_its_end(
    server: Process, growth: Callable[[], float]
) -> None:
    """100 callers with 9 MB each are 900 MB: most are refused, and who comes later is served."""
    head = b"POST /size " + REQUEST + b"content-length: 9000000\r\n\r\n"
    with ExitStack() as callers:
        for _ in range(100):
            callers.enter_context(connect(server)).sendall(head + b"x" * 8_999_999)
        assert ask(server.url, "GET", "/size").status == 200
        assert growth() < 400


def test_callers_who_read_nothing(server: Process, growth: Callable[[], float]) -> None:
    """120 answers of 5 MB are 600 MB, but for what the kernel takes."""
    before = told(server, "request", path="/large")
    with ExitStack() as callers:
        for _ in range(120):
            callers.enter_context(connect(server)).sendall(b"GET /large " + REQUEST + b"\r\n")
        wait_until(lambda: told(server, "request", path="/large") == before + 120)
        assert ask(server.url, "GET", "/size").status == 200
        assert growth() < 400


def test_two_hundred_callers_at_once(server: Process, growth: Callable[[], float]) -> None:
    with ThreadPoolExecutor(200) as threads:
        answers = list(threads.map(lambda _: ask(server.url, "GET", "/size"), range(200)))

    assert [answer.status for answer in answers] == [200] * 200
    assert growth() < 60


def test_thousands_of_other_paths(server: Process, growth: Callable[[], float]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    statuses = set()
    for number in range(3_000):
        connection.request("GET", f"/none/{number}/{'x' * 1_000}")
        answer = connection.getresponse()
        answer.read()
        statuses.add(answer.status)
    connection.close()

    assert statuses == {404}
    assert growth() < 60


@pytest.mark.parametrize("how", ["loop", "exit", "no-json"])
def test_handlers_that_misbehave_are_500(
    server: Process, growth: Callable[[], float], how: str
) -> None:
    answer = ask(server.url, "GET", f"/bad/{how}")

    assert (answer.status, answer.json()) == (500, {"message": "Internal Server Error"})
    assert growth() < 60


NO_HTTP = [
    b"\x00" * 100_000,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 500,
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"POST /size HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
    b"POST /size HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
    b"POST /size HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n",
    b"POST /size HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"GET /size HTTP/1.1\r\nno colon\r\n\r\n",
]


@pytest.mark.parametrize("data", NO_HTTP)
def test_what_is_no_http(server: Process, growth: Callable[[], float], data: bytes) -> None:
    with connect(server) as caller:
        caller.sendall(data)
        assert caller.recv(65_536).startswith(b"HTTP/1.1 400 ")
    assert growth() < 30


def test_a_caller_who_sends_a_byte_at_a_time(server: Process, growth: Callable[[], float]) -> None:
    with connect(server) as caller:
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"POST /size " + REQUEST + b"content-length: 3\r\nconnection: close\r\n\r\nabc":
            caller.sendall(bytes([byte]))
        assert b"\r\n\r\n4" in caller.recv(65_536)
    assert growth() < 30
