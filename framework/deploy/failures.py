"""What a person reads when AWS refuses something: the entry and its line, and no traceback.

In: the document and the plan. Out: a hook that Pulumi calls for a resource that failed, and a quiet
end for the program that the engine then interrupts.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from types import FrameType

import pulumi
from pulumi.resource_hooks import ErrorHook, ErrorHookArgs

from framework.language.document import Document
from framework.language.problems import Located, Problem
from framework.plan.resource import Plan

INTERRUPTED = 130
"""The exit code of a program that SIGINT ended (POSIX shells: 128 + 2)."""


def hook(document: Document, plan: Plan) -> ErrorHook:
    """Says of a failed resource which entry of services.yaml it belongs to, and never retries."""
    origins = {resource.key: resource.origin for resource in plan.resources}

    def failed(failure: ErrorHookArgs) -> bool:
        place = _place(document, origins, failure.name)
        doing = failure.failed_operation or "change"
        pulumi.log.error(
            f"{place.file}:{place.line}:{place.column}: {origins.get(failure.name)}: "
            f"could not {doing} {failure.name}; mend the cause and run pulumi up again"
        )
        return False

    return ErrorHook("services-yaml", failed)


def _place(document: Document, origins: Mapping[str, str], key: str) -> Located:
    section, _, name = origins.get(key, "").partition(".")
    return document.source.locate(Problem("", (section, name) if name else (section,), "key"))


def end_quietly_when_interrupted() -> None:
    """The engine ends a program with SIGINT once a resource has failed; Python's traceback of that
    would stand above the real message. Handlers can be set in the main thread only."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _end)


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)
