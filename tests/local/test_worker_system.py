"""What a worker asks of the system, asked here."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from framework.local import worker_system
from framework.local.ids import trace_id
from framework.local.worker_system import Memory
from tests.support.kills import recording


def test_the_end_of_the_parent_is_the_end_of_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = recording(monkeypatch)
    reading, writing = os.pipe()
    os.close(writing)
    worker_system.end_with_parent(reading)
    os.close(reading)

    assert killed == [(0, signal.SIGKILL)]


def test_memory_is_asked_for_only_where_it_may_have_grown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faults = iter([5, 5, 6, 6])
    asked = iter([1000, 2000])
    monkeypatch.setattr(
        resource,
        "getrusage",
        lambda _: SimpleNamespace(ru_minflt=next(faults), ru_majflt=1),
    )
    monkeypatch.setattr(worker_system, "memory_used", lambda: next(asked))
    memory = Memory()

    assert [memory.used() for _ in range(4)] == [1000, 1000, 2000, 2000]


class Kernel:
    """What `ctypes.CDLL(None)` gives on Linux; `asked` is what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []

    def prctl(self, *values: int) -> int:
        self.asked.append(values)
        return 0


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    import ctypes

    kernel = Kernel()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: kernel)
    return kernel


@pytest.mark.skipif(sys.platform != "linux", reason="the signal is Linux's")
def test_linux_is_asked_for_a_signal(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    handled: list[tuple[int, object]] = []

    def note(number: int, handler: Callable[..., object]) -> None:
        handled.append((number, handler))

    monkeypatch.setattr(signal, "signal", note)
    ask = worker_system.signal_of_the_end()
    assert handled == [(signal.SIGRTMAX, worker_system.end_everything)]
    assert kernel.asked == []

    ask()
    assert kernel.asked == [(1, int(signal.SIGRTMAX), 0, 0, 0)]


def test_other_systems_are_not_asked(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    worker_system.signal_of_the_end()()

    assert kernel.asked == []


def test_a_kernel_that_cannot_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import ctypes

    def fail(name: None) -> None:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", fail)
    worker_system.signal_of_the_end()()


@pytest.mark.skipif(sys.platform != "linux", reason="what is kept is glibc's")
def test_trace_ids_have_one_place_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import ctypes

    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_void_p

    def place() -> int:
        found = getenv(b"_X_AMZN_TRACE_ID")
        assert ctypes.string_at(found) == os.environb[b"_X_AMZN_TRACE_ID"]
        assert isinstance(found, int)
        return found

    monkeypatch.setattr(os, "putenv", os.putenv)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "")
    worker_system.keep_one_trace_id()
    places = []
    for trace in [trace_id(), trace_id(), "of another form", trace_id()]:
        os.environ["_X_AMZN_TRACE_ID"] = trace
        child = subprocess.run(["printenv", "_X_AMZN_TRACE_ID"], capture_output=True, text=True)
        assert child.stdout == f"{trace}\n"
        places.append(place())

    assert places[0] == places[1] == places[3] != places[2]
    del os.environ["_X_AMZN_TRACE_ID"]
    assert getenv(b"_X_AMZN_TRACE_ID") is None


def test_other_systems_keep_their_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    usual = os.putenv
    worker_system.keep_one_trace_id()

    assert os.putenv is usual


def test_a_pipe_says_whether_something_waits_to_be_read() -> None:
    reads, writes = os.pipe()
    unread = worker_system.unread_of(writes)
    said = [unread()]
    os.write(writes, b"ab")
    said.append(unread())
    os.read(reads, 1)
    said.append(unread())
    os.read(reads, 1)
    said.append(unread())
    os.close(reads)
    os.close(writes)

    assert said == [sys.platform != "linux", True, True, sys.platform != "linux"]
    assert unread()


def test_where_a_pipe_cannot_be_asked_something_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    reads, writes = os.pipe()
    monkeypatch.setattr(sys, "platform", "darwin")

    assert worker_system.unread_of(writes)()
    os.close(reads)
    os.close(writes)
