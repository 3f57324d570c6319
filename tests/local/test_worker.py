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
