"""One worker: its frames, whole, in order and in time; when it is used again; what it printed."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import cast

import pytest

from framework.local import worker
from framework.local.environment import Credentials, WorkerEnvironment
from framework.local.events import Event, Feed, Logged
from framework.local.logs import Platform
from framework.local.model import read
from framework.local.processes import Process, Processes, Template
from framework.local.worker import Frames, Launch, Worker
from framework.local.workers import Outcome, Pool
from tests.support.plans import PlanBuilder


def framed(*payloads: bytes) -> bytes:
    return b"".join(len(each).to_bytes(4, "big") + each for each in payloads)


class Clock:
    """Stands in for the event loop: a test says what time it is."""

    def __init__(self) -> None:
        self.real = asyncio.get_running_loop()
        self.now = 0.0
        self.timers: list[tuple[asyncio.TimerHandle, Callable[[], object]]] = []

    def time(self) -> float:
        return self.now

    def create_future(self) -> asyncio.Future[None]:
        return self.real.create_future()

    def call_at(self, when: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, (), self.real)
        self.timers.append((timer, callback))
        return timer

    @property
    def armed(self) -> list[float]:
        """When the timers fire that are neither over nor cancelled."""
        return [timer.when() for timer, _ in self.timers if not timer.cancelled()]

    def go_to(self, now: float) -> None:
        """Let it be that time."""
        self.now = now
        due = [each for each in self.timers if each[0].when() <= now]
        self.timers = [each for each in self.timers if each not in due]
        for timer, callback in due:
            if not timer.cancelled():
                callback()


def frames_by(clock: Clock) -> Frames:
    frames = Frames()
    frames.loop = cast(asyncio.AbstractEventLoop, clock)
    return frames


async def waiting_for(frames: Frames, seconds: float) -> asyncio.Future[bytes]:
    """Who waits so long for the next frame."""
    waiting = asyncio.ensure_future(frames.next(seconds))
    await asyncio.sleep(0)
    return waiting


async def done(waiting: asyncio.Future[bytes]) -> bool:
    """Whether the wait is over, which its task learns a turn later."""
    await asyncio.sleep(0)
    return waiting.done()


async def take_one(frames: Frames, seconds: float) -> None:
    """Wait so long for a frame that comes at once."""
    waiting = await waiting_for(frames, seconds)
    frames.data_received(framed(b"one"))
    assert await done(waiting)
    assert await waiting == b"one"


def test_frames_come_in_order_however_they_are_cut() -> None:
    async def read() -> list[bytes]:
        frames = Frames()
        for byte in framed(b"one", b"", b"three"):
            frames.data_received(bytes([byte]))
        return [await frames.next(1) for _ in range(3)]

    assert asyncio.run(read()) == [b"one", b"", b"three"]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([framed(b"one")], [b"one"], id="one whole"),
        pytest.param([framed(b"")], [b""], id="one that is empty"),
        pytest.param([framed(b"one", b"two")], [b"one", b"two"], id="two in one piece"),
        pytest.param(
            [framed(b"one") + framed(b"two")[:5], framed(b"two")[5:]],
            [b"one", b"two"],
            id="one and a half",
        ),
        pytest.param(
            [framed(b"ab" + framed(b"in"))[:6], framed(b"in")],
            [b"ab" + framed(b"in")],
            id="a rest that looks like a frame",
        ),
        pytest.param(
            [framed(b"ab" + framed(b"in"))[:6], framed(b"in") + framed(b"one"), framed(b"two")],
            [b"ab" + framed(b"in"), b"one", b"two"],
            id="whole ones after a rest",
        ),
    ],
)
def test_frames_are_told_from_pieces(pieces: list[bytes], expected: list[bytes]) -> None:
    async def read() -> list[bytes]:
        frames = Frames()
        for piece in pieces:
            frames.data_received(piece)
        return list(frames.arrived)

    assert asyncio.run(read()) == expected


def test_a_frame_in_one_piece_wakes_who_waits() -> None:
    async def read() -> None:
        await take_one(frames_by(Clock()), 1)

    asyncio.run(read())


@pytest.mark.parametrize(
    ("size", "arrived", "ended"), [(10, [b"x" * 10], False), (11, [], True)], ids=["10", "11"]
)
@pytest.mark.parametrize("cut", [4, 14, 15])
def test_a_frame_that_is_too_long_ends_the_frames_however_it_is_cut(
    monkeypatch: pytest.MonkeyPatch, cut: int, size: int, arrived: list[bytes], ended: bool
) -> None:
    monkeypatch.setattr(worker, "LONGEST_FRAME", 10)

    async def read() -> tuple[list[bytes], bool]:
        frames, sent = Frames(), framed(b"x" * size)
        for piece in (sent[:cut], sent[cut:]):
            frames.data_received(piece)
        return list(frames.arrived), frames.ended

    assert asyncio.run(read()) == (arrived, ended)


def test_after_a_frame_that_is_too_long_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LONGEST_FRAME", 10)

    async def read() -> int:
        frames = Frames()
        frames.data_received(framed(b"x" * 11))
        frames.data_received(b"x" * 1_000)
        with pytest.raises(EOFError):
            await frames.next(1)
        return len(frames.buffer)

    assert asyncio.run(read()) == 15


def test_a_frame_that_does_not_come_in_time_is_late() -> None:
    async def read() -> bytes:
        clock = Clock()
        waiting = await waiting_for(frames_by(clock), 5)
        clock.go_to(4.9)
        assert not await done(waiting)
        clock.go_to(5)
        assert await done(waiting)
        return await waiting

    with pytest.raises(TimeoutError):
        asyncio.run(read())


def test_waits_of_the_same_length_share_a_timer() -> None:
    async def read() -> list[float]:
        clock = Clock()
        frames = frames_by(clock)
        for now in range(3):
            clock.go_to(now)
            await take_one(frames, 100)
        return clock.armed

    assert asyncio.run(read()) == [100]


def test_a_shorter_wait_after_a_longer_one_ends_in_its_own_time() -> None:
    async def read() -> bytes:
        clock = Clock()
        frames = frames_by(clock)
        await take_one(frames, 1_000)
        waiting = await waiting_for(frames, 1)
        assert clock.armed == [1]
        clock.go_to(1)
        assert await done(waiting)
        return await waiting

    with pytest.raises(TimeoutError):
        asyncio.run(read())


def test_a_longer_wait_after_a_shorter_one_is_not_cut_short() -> None:
    async def read() -> bytes:
        clock = Clock()
        frames = frames_by(clock)
        await take_one(frames, 1)
        waiting = await waiting_for(frames, 1_000)
        clock.go_to(1)
        assert not await done(waiting)
        assert clock.armed == [1_000]
        frames.data_received(framed(b"two"))
        return await waiting

    assert asyncio.run(read()) == b"two"


def test_a_longer_wait_after_a_shorter_one_ends_in_its_own_time() -> None:
    async def read() -> bytes:
        clock = Clock()
        frames = frames_by(clock)
        await take_one(frames, 1)
        waiting = await waiting_for(frames, 1_000)
        for now in (1, 999, 1_000):
            assert not await done(waiting)
            clock.go_to(now)
        assert await done(waiting)
        return await waiting

    with pytest.raises(TimeoutError):
        asyncio.run(read())


def test_a_shorter_wait_after_a_timer_was_armed_again_ends_in_its_own_time() -> None:
    async def read() -> bytes:
        clock = Clock()
        frames = frames_by(clock)
        await take_one(frames, 1)
        waiting = await waiting_for(frames, 1_000)
        clock.go_to(1)
        frames.data_received(framed(b"two"))
        assert await waiting == b"two"
        waiting = await waiting_for(frames, 10)
        assert clock.armed == [11]
        clock.go_to(11)
        assert await done(waiting)
        return await waiting

    with pytest.raises(TimeoutError):
        asyncio.run(read())


def test_a_worker_that_is_gone_leaves_no_timer() -> None:
    async def read() -> list[float]:
        clock = Clock()
        frames = frames_by(clock)
        waiting = await waiting_for(frames, 1_000)
        assert clock.armed == [1_000]
        frames.connection_lost(None)
        with pytest.raises(EOFError):
            await waiting
        return clock.armed

    assert asyncio.run(read()) == []


def test_a_timer_that_nobody_waits_for_ends() -> None:
    async def read() -> list[float]:
        clock = Clock()
        frames = frames_by(clock)
        await take_one(frames, 1)
        assert clock.armed == [1]
        clock.go_to(1)
        return clock.armed

    assert asyncio.run(read()) == []


def test_a_wait_after_a_timer_that_nobody_waited_for_ends_in_its_own_time() -> None:
    async def read() -> bytes:
        clock = Clock()
        frames = frames_by(clock)
        await take_one(frames, 1)
        clock.go_to(1)
        waiting = await waiting_for(frames, 1)
        assert clock.armed == [2]
        clock.go_to(2)
        assert await done(waiting)
        return await waiting

    with pytest.raises(TimeoutError):
        asyncio.run(read())


class Played(Template):
    """Forks nothing: a test plays its worker, at the other ends of the pipes."""

    def __init__(self) -> None:
        self.ends: list[int] = []

    def fork(self, descriptors: Iterable[int]) -> int:
        self.ends = [os.dup(descriptor) for descriptor in descriptors]
        return 0

    def end(self, number: int) -> int:
        return 0

    def said(self) -> bytes:
        return b""

    def let_go(self) -> None:
        """Close the worker's ends."""
        while self.ends:
            os.close(self.ends.pop())


class Stock(Processes):
    """Gives away processes whose workers a test plays; each but the first says `says` at once."""

    def __init__(self, says: bytes = b"") -> None:
        self.says = says
        self.taken: list[Played] = []

    def take(self, interpreter: Path, environment: Mapping[str, str]) -> Process:
        played = Played()
        self.taken.append(played)
        process = Process(played)
        if len(self.taken) > 1:
            os.write(played.ends[1], self.says)
        return process


def launch_in(folder: Path) -> Launch:
    model = read(PlanBuilder().function("f", "app.f").plan())
    (function,) = model.functions
    environment = WorkerEnvironment(
        function, model.region, Credentials.new(), "http://localhost", folder
    )
    return Launch(function, Path(sys.executable), (folder,), {}, environment)


async def invoked(
    folder: Path, feed: Feed, stock: Stock, meanwhile: Callable[[Worker], None]
) -> Outcome:
    """The outcome of an invocation while a warm worker waits, to whom `meanwhile` has happened.

    No turn of the event loop passes between the two.
    """
    pool = Pool(launch_in(folder), feed, stock, lambda: 0)
    warm = Worker(pool.launch, 0, feed)
    warm.start(stock)
    warm.ready = True
    pool.workers.add(warm)
    pool.idle.append(warm)
    meanwhile(warm)
    try:
        return await pool.invoke(b"{}")
    finally:
        pool.close()
        await asyncio.sleep(0)
        for played in stock.taken:
            played.let_go()


def answer(result: bytes, unread: int) -> bytes:
    """The frame of a value: its kind, memory, whether output waits to be read."""
    return framed(b"V" + bytes(4) + bytes([unread]) + result)


@pytest.mark.parametrize(
    ("unread", "expected"),
    [
        pytest.param(1, ["START", "one", "two", "END", "REPORT"], id="the worker says so"),
        pytest.param(0, ["START", "END", "REPORT"], id="the worker denies it, nobody looks"),
    ],
)
def test_output_that_the_loop_has_not_seen_is_logged_before_the_end(
    tmp_path: Path, unread: int, expected: list[str]
) -> None:
    logged: list[str] = []

    def hear(event: Event) -> None:
        assert isinstance(event, Logged | Platform)
        logged.extend(text.split(" ")[0] for text in event.texts)

    async def invoke() -> Outcome:
        stock = Stock()

        def print_and_answer(warm: Worker) -> None:
            os.write(stock.taken[0].ends[2], b"one\ntwo")
            warm.frames.data_received(answer(b"1", unread))

        return await invoked(tmp_path, Feed(hear), stock, print_and_answer)

    assert asyncio.run(invoke()).payload == b"1"
    assert logged == expected


def test_a_worker_whose_pipes_are_closing_is_not_used_again(tmp_path: Path) -> None:
    """As they are for a turn after its end has been read."""
    seen: list[tuple[bool, bool, bool]] = []

    def close(warm: Worker) -> None:
        warm.pipes.close()
        seen.append((warm.pipes.closing, warm.frames.ended, warm.usable))

    async def invoke() -> tuple[Outcome, int]:
        stock = Stock(framed(b"R") + answer(b'"another"', 0))
        return await invoked(tmp_path, Feed(), stock, close), len(stock.taken)

    outcome, taken = asyncio.run(invoke())

    assert seen == [(True, False, False)]
    assert (outcome.payload, outcome.failed, taken) == (b'"another"', False, 2)
