"""A service of local mode for tests: handlers written to a folder, real HTTP, lines kept."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import httpx

from framework.local.compiled import Compile, Compiled
from framework.local.events import Feed
from framework.local.service import Service, Settings, running
from framework.local.terminal import text_lines
from framework.plan.resource import Plan, Secret
from tests.support.plans import PlanBuilder

CURRENT_RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"

ECHO = """
    import json

    def echo(event, context):
        return event

    def hello(event, context):
        return {"statusCode": 200, "body": "hello"}
"""


@dataclass
class Lines:
    """What local mode said, line by line."""

    said: list[str] = field(default_factory=list)

    def __call__(self, line: str) -> None:
        self.said.append(line)

    def wait_for(self, part: str, seconds: float = 20) -> str:
        """The first line that holds `part`, waiting for it."""
        found: list[str] = []

        def there() -> bool:
            found[:] = [line for line in self.said if part in line]
            return bool(found)

        wait_until(there, seconds, lambda: f"no line holds {part!r} in {self.said}")
        return found[0]


def wait_until(
    condition: Callable[[], bool],
    seconds: float = 20,
    complaint: Callable[[], str] = lambda: "it did not happen",
) -> None:
    """Wait for a condition, at most `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(complaint())
        time.sleep(0.01)


def write_handlers(folder: Path, text: str, module: str = "app") -> Path:
    """Write `module.py` into the handlers' folder under `folder`; the folder."""
    handlers = folder / "handlers"
    handlers.mkdir(exist_ok=True)
    (handlers / f"{module}.py").write_text(dedent(text), encoding="utf-8")
    return handlers


def secret_value(secret: Secret) -> str:
    """The value of a secret in tests: its path."""
    return f"value-of-{'.'.join(secret.path)}"


def compile_of(plan: Plan, folder: Path) -> Compile:
    """What reads the same plan every time; its handlers lie in `folder`/handlers."""
    compiled = Compiled(plan, lambda code: [folder / code.source], secret_value)
    return lambda: compiled


@dataclass
class Local:
    """A running service, a client of it, and what it said."""

    service: Service
    client: httpx.Client
    lines: Lines


@contextmanager
def local(
    plan: Plan | PlanBuilder, folder: Path, *, jwks: Path | None = None, quiet: bool = True
) -> Iterator[Local]:
    """Run a plan whose handlers lie in `folder`/handlers."""
    lines = Lines()
    settings = Settings(port=0, jwks=jwks)
    with (
        running(
            compile_of(plan.plan() if isinstance(plan, PlanBuilder) else plan, folder),
            settings,
            Feed(text_lines(lines, quiet)),
        ) as service,
        httpx.Client(base_url=service.url, timeout=30, trust_env=False) as client,
    ):
        yield Local(service, client, lines)
