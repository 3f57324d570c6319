"""A stream over a socket pair: what arrives, what goes out, how it ends."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable

import pytest

from framework.local import stream
from framework.local.loop import new_loop
from framework.local.stream import HIGH_WATER, LOW_WATER, Stream

TURNS = 1000
PIPE = ("rb", "wb")


class Owner(stream.Owner):
    """Writes down what it is told; with `stays_open` it still writes after the other side's end."""

    def __init__(self, stays_open: bool = False) -> None:
        self.stays_open = stays_open
        self.told: list[str] = []
        self.received = b""
        self.errors: list[Exception | None] = []
        self.at_data: Callable[[], object] = list

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.at_data()

    def eof_received(self) -> bool:
        self.told.append("eof")
        return self.stays_open

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, error: Exception | None) -> None:
        self.told.append("lost")
        self.errors.append(error)


class Pair:
    """A stream, its owner, and the other side, which does not block."""

    def __init__(self, stays_open: bool = False) -> None:
        own, self.other = socket.socketpair()
        self.other.setblocking(False)
        self.owner = Owner(stays_open)
        self.stream = Stream(asyncio.get_running_loop(), self.owner, own)

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the loop turn until something is so."""
        for _ in range(TURNS):
            if condition():
                return
            await asyncio.sleep(0)
        raise AssertionError("it did not come to be")

    async def filled(self) -> None:
        """Write more than the kernel takes, so that something is left to send."""
        while not self.stream.get_write_buffer_size():
            self.stream.write(b"x" * HIGH_WATER)

    def read(self) -> bytes:
        """What has come on the other side, all of it."""
        parts = []
        try:
            while part := self.other.recv(1 << 20):
                parts.append(part)
        except BlockingIOError:
            pass
        return b"".join(parts)


Story = Callable[[], Awaitable[Pair]]


def told(story: Story) -> Pair:
    """What a story comes to; both sockets are closed after it."""

    async def run() -> Pair:
        pair = await story()
        pair.stream.abort()
        await asyncio.sleep(0)
        pair.other.close()
        return pair

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(run())


def test_what_has_come_before_is_read_at_once() -> None:
    async def story() -> Pair:
        pair = Pair()
        pair.other.send(b"early")
        pair.stream.begin()
        assert pair.owner.received == b"early"
        pair.other.send(b", late")
        await pair.until(lambda: pair.owner.received == b"early, late")
        return pair

    assert told(story).owner.told == ["lost"]


def test_nothing_is_read_while_reading_is_paused() -> None:
    async def story() -> Pair:
        pair = Pair()
        pair.stream.begin()
        pair.stream.pause_reading()
        pair.other.send(b"waits")
        for _ in range(10):
            await asyncio.sleep(0)
        assert pair.owner.received == b""
        pair.stream.resume_reading()
        await pair.until(lambda: pair.owner.received == b"waits")
        return pair

    told(story)


@pytest.mark.parametrize(("stays_open", "expected"), [(False, ["eof", "lost"]), (True, ["eof"])])
def test_the_owner_decides_what_the_other_sides_end_means(
    stays_open: bool, expected: list[str]
) -> None:
    seen: list[list[str]] = []

    async def story() -> Pair:
        pair = Pair(stays_open)
        pair.stream.begin()
        pair.other.shutdown(socket.SHUT_WR)
        await pair.until(lambda: pair.owner.told == expected)
        pair.stream.resume_reading()
        assert not pair.stream.reading
        pair.stream.write(b"still here")
        seen.append([*pair.owner.told])
        assert pair.read() == (b"still here" if stays_open else b"")
        return pair

    told(story)
    assert seen == [expected]


def test_what_the_kernel_does_not_take_is_sent_later_in_order() -> None:
    async def story() -> Pair:
        pair = Pair()
        pair.stream.begin()
        sent = b"".join(b"%07d," % number for number in range(200_000))
        pair.stream.write(sent[:1_000_000])
        pair.stream.write(sent[1_000_000:])
        received = b""

        def whole() -> bool:
            nonlocal received
            received += pair.read()
            return len(received) == len(sent)

        await pair.until(whole)
        assert received == sent
        assert pair.stream.get_write_buffer_size() == 0
        return pair

    assert told(story).owner.told == ["pause", "resume", "lost"]


def test_a_little_that_is_left_pauses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HIGH_WATER", 1 << 30)

    async def story() -> Pair:
        pair = Pair()
        pair.stream.begin()
        await pair.filled()
        await pair.until(lambda: pair.read() == b"" and not pair.stream.get_write_buffer_size())
        return pair

    assert told(story).owner.told == ["lost"]


def test_the_owner_goes_on_at_the_low_water(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []

    async def story() -> Pair:
        pair = Pair()
        monkeypatch.setattr(
            pair.owner, "resume_writing", lambda: left.append(len(pair.stream.unsent))
        )
        pair.stream.begin()
        while not pair.owner.told:
            await pair.filled()
            pair.stream.write(b"x" * HIGH_WATER)
        await pair.until(lambda: pair.read() == b"" and left)
        return pair

    told(story)
    assert len(left) == 1
    assert left[0] <= LOW_WATER


def test_closing_waits_for_what_was_written() -> None:
    async def story() -> Pair:
        pair = Pair()
        pair.stream.begin()
        await pair.filled()
        size = pair.stream.get_write_buffer_size()
        pair.stream.close()
        assert pair.stream.is_closing()
        assert pair.owner.told == (["pause"] if size > HIGH_WATER else [])
        await pair.until(lambda: pair.read() == b"" and pair.owner.told[-1:] == ["lost"])
        return pair

    assert told(story).owner.errors == [None]


def test_after_the_end_nothing_is_written_and_nothing_is_told_twice() -> None:
    async def story() -> Pair:
        pair = Pair()
        pair.stream.begin()
        await pair.filled()
        pair.stream.abort()
        pair.stream.write(b"too late")
        pair.stream.close()
        pair.stream.abort()
        assert "lost" not in pair.owner.told
        await pair.until(lambda: "lost" in pair.owner.told)
        return pair

    assert told(story).owner.told.count("lost") == 1


def test_what_is_written_after_the_end_goes_nowhere() -> None:
    async def story() -> Pair:
        pair = Pair()
        pair.stream.begin()
        pair.stream.write(b"in time")
        pair.stream.abort()
        pair.stream.write(b"too late")
        await pair.until(lambda: "lost" in pair.owner.told)
        assert pair.read() == b"in time"
        return pair

    told(story)


@pytest.mark.parametrize("write", [True, False])
def test_an_error_of_the_system_ends_it(write: bool) -> None:
    async def story() -> Pair:
        pair = Pair()
        pair.stream.resume_reading()
        # Closed with something unread, which the system calls a reset.
        pair.stream.write(b"unread")
        pair.other.close()
        if write:
            pair.stream.write(b"x")
        await pair.until(lambda: "lost" in pair.owner.told)
        return pair

    (error,) = told(story).owner.errors
    assert isinstance(error, OSError)


def test_two_pipes_are_a_stream_too() -> None:
    async def story() -> list[bytes]:
        owner = Owner()
        incoming, theirs = (
            os.fdopen(end, mode, 0) for end, mode in zip(os.pipe(), PIPE, strict=True)
        )
        received, outgoing = (
            os.fdopen(end, mode, 0) for end, mode in zip(os.pipe(), PIPE, strict=True)
        )
        with theirs, received:
            one = Stream(asyncio.get_running_loop(), owner, incoming, outgoing)
            one.begin()
            one.write(b"question")
            theirs.write(b"answer")
            while not owner.received:
                await asyncio.sleep(0)
            one.close()
            await asyncio.sleep(0)
            assert incoming.closed
            assert outgoing.closed
            return [owner.received, received.read()]

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(story()) == [b"answer", b"question"]


def test_an_owner_who_pauses_at_the_first_words_is_heard() -> None:
    async def story() -> Pair:
        pair = Pair()
        pair.owner.at_data = pair.stream.pause_reading
        pair.other.send(b"first")
        pair.stream.begin()
        pair.other.send(b", second")
        for _ in range(10):
            await asyncio.sleep(0)
        assert pair.owner.received == b"first"
        pair.stream.resume_reading()
        await pair.until(lambda: pair.owner.received == b"first, second")
        return pair

    told(story)
