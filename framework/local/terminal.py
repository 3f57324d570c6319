"""What a terminal or a program shows of the events: lines of text, or one JSON object a line.

In: a function that writes one line. Out: listeners for a `Feed`.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from framework.local.events import Event, Listener, Logged, Requested


def text_lines(write: Callable[[str], None], quiet: bool = False) -> Listener:
    """Writes every line; `quiet` leaves out requests and what Lambda adds to a function's log."""

    def show(event: Event) -> None:
        routine = isinstance(event, Requested) or (isinstance(event, Logged) and event.platform)
        if not (quiet and routine):
            for line in event.lines:
                write(line)

    return show


def json_lines(write: Callable[[str], None]) -> Listener:
    """Writes every event as one JSON object; `event` says which kind it is."""

    def show(event: Event) -> None:
        if not isinstance(event, Logged) or event.stored:
            write(json.dumps(event.document(), ensure_ascii=False))

    return show
