"""What a terminal or a program shows of the events: lines of text, or one JSON object a line.

In: a function that writes one line. Out: listeners for a `Feed`, and the kinds of events that they
are for.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from framework.local.events import Denied, Event, Listener, Logged, Problem, Ready, Reloaded

QUIET = (Ready, Logged, Denied, Reloaded, Problem)
"""What a quiet terminal shows: neither requests nor what Lambda adds to a function's log."""


def text_lines(write: Callable[[str], None]) -> Listener:
    """Writes every line."""

    def show(event: Event) -> None:
        for line in event.lines:
            write(line)

    return show


def json_lines(write: Callable[[str], None]) -> Listener:
    """Writes every event as JSON objects, mostly one; `event` says which kind it is."""

    def show(event: Event) -> None:
        for document in event.documents():
            write(json.dumps(document, ensure_ascii=False))

    return show
