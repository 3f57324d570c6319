"""`services local` for tests: a project in a folder, run by the command's own reading of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import httpx

from framework.commands.local import Project
from framework.local.events import Event, Feed
from framework.local.service import Service, Settings, running
from framework.local.terminal import text_lines
from tests.support.local import Lines, write_handlers


@dataclass
class Running:
    """A running project, a client of it, what it said, and every event."""

    folder: Path
    service: Service
    client: httpx.Client
    lines: Lines
    events: list[Event] = field(default_factory=list)

    def write(self, text: str) -> None:
        """Write services.yaml anew."""
        write_services(self.folder, text)


def write_services(folder: Path, text: str) -> Path:
    """Write services.yaml; the file."""
    file = folder / "services.yaml"
    file.write_text(dedent(text), "utf-8")
    return file


@contextmanager
def run(
    folder: Path,
    text: str,
    handlers: str,
    *,
    state: Path | None = None,
    console: bool = False,
) -> Iterator[Running]:
    """Run services.yaml with this text and handlers/app.py with that one."""
    file = write_services(folder, text)
    write_handlers(folder, handlers)
    lines = Lines()
    events: list[Event] = []
    feed = Feed(text_lines(lines, quiet=True), events.append)
    settings = Settings(port=0, state=state, console=console)
    with (
        running(Project(file), settings, feed) as service,
        httpx.Client(base_url=service.url, timeout=30, trust_env=False) as client,
    ):
        yield Running(folder, service, client, lines, events)
