"""The SDK's debug lines: not sent, unless somebody asks for them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pulumi import log
from pulumi.runtime import settings
from pulumi.runtime.proto import engine_pb2

from framework.deploy.quiet import QuietEngine, without_debug_lines


class Engine:
    """Keeps what it is told."""

    version = "3"

    def __init__(self) -> None:
        self.told: list[tuple[int, str]] = []

    def Log(self, request: engine_pb2.LogRequest) -> None:
        """Keep a line."""
        self.told.append((request.severity, request.message))


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    found = Engine()
    monkeypatch.setattr(settings, "SETTINGS", SimpleNamespace(engine=found))
    return found


def say_everything() -> None:
    log.debug("a")
    log.info("b")
    log.warn("c")
    log.error("d")


@pytest.mark.parametrize("environment", [{}, {"PULUMI_OPTION_DEBUG": "false"}])
def test_debug_lines_are_not_sent(engine: Engine, environment: dict[str, str]) -> None:
    without_debug_lines(environment)
    say_everything()

    assert engine.told == [
        (engine_pb2.INFO, "b"),
        (engine_pb2.WARNING, "c"),
        (engine_pb2.ERROR, "d"),
    ]


@pytest.mark.parametrize("value", ["true", "1", "True"])
def test_who_asks_for_debug_lines_gets_them(engine: Engine, value: str) -> None:
    without_debug_lines({"PULUMI_OPTION_DEBUG": value})
    say_everything()

    assert engine.told[0] == (engine_pb2.DEBUG, "a")
    assert len(engine.told) == 4


def test_everything_else_is_the_engines_own(engine: Engine) -> None:
    assert QuietEngine(engine).version == "3"


def test_without_an_engine_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = SimpleNamespace(engine=None)
    monkeypatch.setattr(settings, "SETTINGS", alone)
    without_debug_lines({})

    assert alone.engine is None
