"""The errors of this room that are the user's to mend: lines for the terminal, no traceback."""

from __future__ import annotations

from collections.abc import Iterable


class LocalError(Exception):
    """Local mode cannot run as asked; the text is one clear line that says what to do."""


class Mistakes(Exception):
    """services.yaml cannot be followed as it is now: `lines` say where and why."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))
