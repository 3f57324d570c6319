"""What a terminal or a program shows of the events: lines of text, or one JSON object a line.

In: a function that writes one line. Out: listeners for a `Feed`.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from framework.local.events import Event, Listener, Requested
from framework.local.logs import Platform


def text_lines(write: Callable[[str], None], quiet: bool = False) -> Listener:
    """Writes every line; `quiet` leaves out requests and what Lambda adds to a function's log."""

    def show(event: Event) -> None:
        if not (quiet and isinstance(event, (Requested, Platform))):
            for line in event.lines:
                write(line)

    return show


def json_lines(write: Callable[[str], None]) -> Listener:
    """Writes every event as JSON objects, mostly one; `event` says which kind it is."""

    def show(event: Event) -> None:
        for document in event.documents():
            write(json.dumps(document, ensure_ascii=False))

    return show
