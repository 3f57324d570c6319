"""What handlers print, as whole lines.

In: a function that takes one line. Out: `Output`, who owns the stream of a worker's descriptors
1 and 2: it cuts long lines and stops taking a flood.
"""

from __future__ import annotations

from collections.abc import Callable

from framework.local.stream import Owner

LONGEST_LINE = 8_192
"""Bytes of a printed line that are shown."""

MOST_OUTPUT = 262_144
"""Bytes of one invocation's output that are shown."""


class Output(Owner):
    """The other end of a worker's descriptors 1 and 2."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.rest = b""
        self.shown = 0
        self.cutting = False

    @property
    def full(self) -> bool:
        """Whether nothing more is taken of this invocation's output."""
        return self.shown > MOST_OUTPUT

    def begin_invocation(self) -> None:
        """Show output again, whatever came before."""
        self.shown = 0

    def data_received(self, data: bytes) -> None:
        """Show every line that is complete."""
        if self.full:
            self.rest = b""
            return
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self.rest) > LONGEST_LINE:
            self._line(self.rest)
            self.rest, self.cutting = b"", True

    def connection_lost(self, error: Exception | None) -> None:
        """The worker is gone."""
        self.end_line()

    def end_line(self) -> None:
        """Show what was printed last, though its line never ended."""
        if self.rest:
            self._line(self.rest)
            self.rest = b""

    def _line(self, line: bytes) -> None:
        if self.cutting:
            self.cutting = False
            return
        if self.full:
            return
        cut = line[:LONGEST_LINE]
        self.say(f"{cut.decode(errors='replace')}{' ...' if cut != line else ''}")
        self.shown += len(cut) + 1
        if self.full:
            self.say("... the rest of this invocation's output is not shown")
