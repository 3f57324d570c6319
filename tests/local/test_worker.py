"""The frames of a worker: whole, in order, and none that is too long."""

from __future__ import annotations

import asyncio

import pytest

from framework.local import worker
from framework.local.worker import Frames


def framed(*payloads: bytes) -> bytes:
    return b"".join(len(each).to_bytes(4, "big") + each for each in payloads)


def test_frames_come_in_order_however_they_are_cut() -> None:
    async def read() -> list[bytes]:
        frames = Frames()
        for byte in framed(b"one", b"", b"three"):
            frames.data_received(bytes([byte]))
        return [await frames.next(1) for _ in range(3)]

    assert asyncio.run(read()) == [b"one", b"", b"three"]


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
    async def read() -> None:
        await Frames().next(0)

    with pytest.raises(TimeoutError):
        asyncio.run(read())


def test_a_shorter_wait_after_a_longer_one_ends_in_its_own_time() -> None:
    async def read() -> None:
        frames = Frames()
        first = asyncio.ensure_future(frames.next(1_000))
        await asyncio.sleep(0)
        frames.data_received(framed(b"one"))
        assert await first == b"one"
        await frames.next(0)

    with pytest.raises(TimeoutError):
        asyncio.run(read())


def test_a_longer_wait_after_a_shorter_one_is_not_cut_short() -> None:
    async def read() -> bytes:
        frames = Frames()
        first = asyncio.ensure_future(frames.next(0.001))
        await asyncio.sleep(0)
        frames.data_received(framed(b"one"))
        assert await first == b"one"
        armed = frames.timer
        second = asyncio.ensure_future(frames.next(1_000))
        while frames.timer is armed:
            await asyncio.sleep(0.001)
        assert not second.done()
        frames.data_received(framed(b"two"))
        return await second

    assert asyncio.run(read()) == b"two"


def test_a_worker_that_is_gone_leaves_no_timer() -> None:
    async def read() -> bool:
        frames = Frames()
        waiting = asyncio.ensure_future(frames.next(1_000))
        await asyncio.sleep(0)
        frames.connection_lost(None)
        with pytest.raises(EOFError):
            await waiting
        return frames.timer is not None and frames.timer.cancelled()

    assert asyncio.run(read())


def test_a_timer_that_nobody_waits_for_ends() -> None:
    async def read() -> None:
        frames = Frames()
        first = asyncio.ensure_future(frames.next(0.001))
        await asyncio.sleep(0)
        frames.data_received(framed(b"one"))
        await first
        while frames.timer is not None:
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(read(), 20))
