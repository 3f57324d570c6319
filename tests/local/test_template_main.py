"""The program of a template, run here on a socket of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.local import template_main
from framework.local.template_main import Template, kill, load_worker_main

PROGRAM = "from framework.local.template_main import main; main()"


class Wire:
    """A template's socket and the server's end of it."""

    def __init__(self) -> None:
        self.server, self.theirs = socket.socketpair()
        self.server.settimeout(10)
        self.template = Template(self.theirs)

    def fork(self, number: int) -> int:
        """Ask for a worker; the descriptor that reads what it prints."""
        printed, prints = os.pipe()
        given = [prints, os.dup(prints), os.dup(prints), os.dup(prints)]
        socket.send_fds(self.server, [b"F" + number.to_bytes(4, "big")], given)
        for descriptor in given:
            os.close(descriptor)
        return printed

    def end(self, number: int) -> None:
        self.server.sendall(b"E" + number.to_bytes(4, "big"))

    def code(self) -> int:
        return int.from_bytes(self.server.recv(4), "big", signed=True)


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    with wire.server, wire.theirs:
        yield wire


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Processes that were killed; none is in truth. A process exits with a third of its id."""
    pids: list[int] = []

    def wait(pid: int, options: int) -> tuple[int, int]:
        return pid, (pid // 3) << 8

    monkeypatch.setattr(template_main, "kill", pids.append)
    monkeypatch.setattr(os, "waitpid", wait)
    return pids


def forks(monkeypatch: pytest.MonkeyPatch, *pids: int) -> None:
    left = list(pids)
    monkeypatch.setattr(os, "fork", lambda: left.pop(0))


def test_workers_are_ended_by_their_numbers(
    wire: Wire, killed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    forks(monkeypatch, 9, 12, 15)
    printed = [wire.fork(number) for number in (1, 2, 3)]
    wire.end(2)
    wire.end(1)
    wire.server.shutdown(socket.SHUT_WR)

    assert wire.template.serve() is None

    assert [wire.code(), wire.code()] == [4, 3]
    assert killed == [12, 9, 15]
    for descriptor in printed:
        # Nobody holds the other side any more.
        assert os.read(descriptor, 1) == b""
        os.close(descriptor)


def test_the_new_worker_gets_its_descriptors(
    wire: Wire, killed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    forks(monkeypatch, 9, 0)
    printed = [wire.fork(number) for number in (1, 2)]

    given = wire.template.serve()

    assert given is not None
    os.write(given[2], b"here")
    for descriptor in given:
        os.close(descriptor)
    assert [os.read(descriptor, 9) for descriptor in printed] == [b"", b"here"]
    assert killed == []
    for descriptor in printed:
        os.close(descriptor)


def test_a_fork_that_fails_is_told_where_the_worker_prints(
    wire: Wire, killed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", fail)
    printed = wire.fork(1)
    wire.end(1)
    wire.server.shutdown(socket.SHUT_WR)

    assert wire.template.serve() is None

    with os.fdopen(printed, "rb") as stream:
        told = stream.read()
    assert told == b"no worker can be forked: [Errno 11] Resource temporarily unavailable\n"
    assert wire.code() == 71
    assert killed == []


def test_a_server_that_is_gone_before_it_is_answered_ends_all(
    wire: Wire, killed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    forks(monkeypatch, 9, 12)
    printed = [wire.fork(number) for number in (1, 2)]
    wire.end(1)
    wire.server.close()

    assert wire.template.serve() is None

    assert killed == [9, 12]
    for descriptor in printed:
        os.close(descriptor)


def test_a_worker_is_killed_before_its_group_and_neither_need_be_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[tuple[str, int, int]] = []

    def alone(pid: int, number: int) -> None:
        sent.append(("process", pid, number))
        raise ProcessLookupError

    def group(pid: int, number: int) -> None:
        sent.append(("group", pid, number))
        raise PermissionError

    monkeypatch.setattr(os, "kill", alone)
    monkeypatch.setattr(os, "killpg", group)
    kill(7)

    assert sent == [("process", 7, signal.SIGKILL), ("group", 7, signal.SIGKILL)]


def test_the_workers_module_cannot_be_met_by_an_import() -> None:
    before, importers = dict(sys.modules), dict(sys.path_importer_cache)
    module = load_worker_main()

    assert callable(module.prepare)
    assert module not in sys.modules.values()
    assert {name: sys.modules[name] for name in before} == before
    assert not {name for name in set(sys.modules) - set(before) if name.startswith("framework")}
    assert set(sys.path_importer_cache) <= set(importers)


def test_the_whole_program(tmp_path: Path) -> None:
    """In a Python that measures coverage, so with the site packages in sight."""
    (tmp_path / "tm_main.py").write_text(
        "import sys\n"
        "def f(event, context):\n"
        "    print('hi')\n"
        "    return [event, sys.stdin.read()]\n"
    )
    names = ("function_name", "function_arn", "memory", "log_group", "log_stream")
    setup = {
        **dict.fromkeys(names, "x"),
        **{"source": str(tmp_path), "paths": [str(tmp_path)], "shown": "handlers", "runtime": {}},
        **{"handler": "tm_main.f", "environment": {"A": "b"}, "timeout": "5", "payload": "99"},
        **{"log_format": "JSON", "log_level": "INFO"},
    }
    frames = [json.dumps(setup).encode(), b"request-1 Root=1\n7"]
    server, theirs = socket.socketpair()
    with (
        server,
        theirs,
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            cwd=Path(__file__).parents[2],
            stdin=theirs.fileno(),
            start_new_session=True,
        ) as process,
    ):
        theirs.close()
        server.settimeout(20)
        (incoming, sends), (reads, outgoing), (prints, printed), (life, held) = (
            os.pipe() for _ in range(4)
        )
        socket.send_fds(server, [b"F\0\0\0\1"], [incoming, outgoing, printed, life])
        for descriptor in (incoming, outgoing, printed, life):
            os.close(descriptor)
        os.write(sends, b"".join(len(each).to_bytes(4, "big") + each for each in frames))
        os.close(sends)
        with os.fdopen(reads, "rb") as stream:
            answered = stream.read()
        with os.fdopen(prints, "rb") as stream:
            said = stream.read()
        server.sendall(b"E\0\0\0\1")
        code = int.from_bytes(server.recv(4), "big", signed=True)
        server.close()
        ended = process.wait(20)
    os.close(held)

    ready, value = answered[:5], answered[5:]
    assert ready == b"\0\0\0\1R"
    assert (value[4:5], value[10:]) == (b"V", b'[7, ""]')
    assert int.from_bytes(value[5:9], "big") > 1000
    assert value[9] == 1, "what it printed was not read before"
    assert said == b"hi\n"
    assert (code, ended) == (-signal.SIGKILL, 0)
