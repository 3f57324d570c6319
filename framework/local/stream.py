"""A socket or pipes on an event loop: what arrives is handed over, what is written goes out.

In: what to read from and what to write to, and an `Owner`, who is told what happens. Out: `Stream`,
with the methods of asyncio's transports. Theirs take five turns of the loop from accepting a
connection to reading from it, here it is one; and theirs read into 256 KB of memory, which the
system maps, clears and unmaps for every request.
"""

from __future__ import annotations

import asyncio
import os
from typing import Protocol

LARGEST_READ = 65_536
HIGH_WATER, LOW_WATER = 65_536, 16_384
"""Bytes not yet sent: above the first the owner is asked to wait, from the second on to go on."""


class End(Protocol):
    """A socket or one end of a pipe."""

    def fileno(self) -> int:
        """Its descriptor."""
        ...

    def close(self) -> None:
        """Give it back."""
        ...


class Owner:
    """Who is told, in the words of asyncio's protocols; most need to hear of little."""

    def data_received(self, data: bytes) -> None:
        """Something has come."""

    def eof_received(self) -> bool:
        """The other side sends no more; whether the stream stays open to write."""
        return False

    def pause_writing(self) -> None:
        """The other side reads slowly."""

    def resume_writing(self) -> None:
        """The other side has read."""

    def connection_lost(self, error: Exception | None) -> None:
        """It is over, for the reason `error` where nobody here has closed it."""


class Stream:
    """One stream, whose ends are its own. Nothing is sent or read after its end.

    `outgoing` is what is written to where that is not `incoming`.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        owner: Owner,
        incoming: End,
        outgoing: End | None = None,
    ) -> None:
        self.loop = loop
        self.owner = owner
        self.ends = (incoming,) if outgoing is None else (incoming, outgoing)
        self.incoming, self.outgoing = incoming.fileno(), self.ends[-1].fileno()
        for end in self.ends:
            os.set_blocking(end.fileno(), False)
        self.unsent = bytearray()
        self.reading = False
        self.held = False
        self.full = False
        self.at_end = False
        self.closing = False
        self.lost = False

    def begin(self) -> None:
        """Take what has come already, and all that comes."""
        self._readable()
        # After what the owner does about it: the selector takes longer than many a request.
        self.loop.call_soon(self._read_on)

    def resume_reading(self) -> None:
        """Read again, if there can be anything to read."""
        self.held = False
        self._read_on()

    def _read_on(self) -> None:
        if not (self.reading or self.held or self.closing or self.at_end):
            self.reading = True
            self.loop.add_reader(self.incoming, self._readable)

    def listen_again(self) -> None:
        """Ask the system anew whether there is something to read.

        uvloop does not hear a socket any more that was reset together with the last that came.
        """
        if self.reading:
            self._read_no_more()
            self._read_on()

    def pause_reading(self) -> None:
        """Leave what comes to the kernel."""
        self.held = True
        self._read_no_more()

    def _read_no_more(self) -> None:
        if self.reading:
            self.reading = False
            self.loop.remove_reader(self.incoming)

    def write(self, data: bytes) -> None:
        """Send this, as soon as it can be."""
        if self.lost:
            return
        if self.unsent:
            self.unsent += data
        elif (sent := self._send(data)) < len(data) and not self.lost:
            self.unsent += memoryview(data)[sent:]
            self.loop.add_writer(self.outgoing, self._writable)
        if len(self.unsent) > HIGH_WATER and not self.full:
            self.full = True
            self.owner.pause_writing()

    def is_closing(self) -> bool:
        """Whether it has been closed, from here or from there."""
        return self.closing

    def get_write_buffer_size(self) -> int:
        """Bytes that are not sent yet."""
        return len(self.unsent)

    def close(self) -> None:
        """Send what was written, then end."""
        self.closing = True
        self._read_no_more()
        if not self.unsent:
            self._lose(None)

    def abort(self) -> None:
        """End now."""
        self._lose(None)

    def _readable(self) -> None:
        try:
            data = os.read(self.incoming, LARGEST_READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        if data:
            self.owner.data_received(data)
        elif self.owner.eof_received():
            self.at_end = True
            self._read_no_more()
        else:
            self.close()

    def _send(self, data: bytes | bytearray) -> int:
        """How much the kernel took."""
        try:
            return os.write(self.outgoing, data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self._lose(error)
            return 0

    def _writable(self) -> None:
        sent = self._send(self.unsent)
        if self.lost:
            return
        del self.unsent[:sent]
        if self.full and len(self.unsent) <= LOW_WATER:
            self.full = False
            self.owner.resume_writing()
        if not self.unsent:
            self.loop.remove_writer(self.outgoing)
            if self.closing:
                self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        """The end; the owner hears of it in the next turn, never amid what it does now."""
        if self.lost:
            return
        self.lost = self.closing = True
        self._read_no_more()
        if self.unsent:
            self.loop.remove_writer(self.outgoing)
            self.unsent.clear()
        self.loop.call_soon(self._end, error)

    def _end(self, error: Exception | None) -> None:
        for end in self.ends:
            end.close()
        self.owner.connection_lost(error)
