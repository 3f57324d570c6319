"""The engine, spared the debug lines of Pulumi's SDK.

The SDK sends three of them for each resource, each a call that the program waits for, and the
engine throws them away unless it is asked to show them: of a preview of 100 functions, a third of
the time. Whoever wants them sets PULUMI_OPTION_DEBUG=true, which is also what `--debug` is called
where Pulumi is run by variables. In: the process's environment. Out: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pulumi.runtime import settings
from pulumi.runtime.proto import engine_pb2

ASKED = "PULUMI_OPTION_DEBUG"


class _Engine(Protocol):
    def Log(self, request: engine_pb2.LogRequest) -> object: ...


class QuietEngine:
    """An engine that hears everything but debug lines."""

    def __init__(self, engine: _Engine) -> None:
        self._engine = engine

    def Log(self, request: engine_pb2.LogRequest) -> object:
        """Pass a line on, if somebody will read it."""
        return None if request.severity == engine_pb2.DEBUG else self._engine.Log(request)

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)


def without_debug_lines(environment: Mapping[str, str]) -> None:
    """Send no debug lines from now on, unless they are asked for."""
    engine = settings.get_engine()
    if engine is not None and environment.get(ASKED, "").lower() not in ("1", "t", "true"):
        settings.SETTINGS.engine = QuietEngine(engine)
