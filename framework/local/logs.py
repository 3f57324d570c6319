"""A function's log: what its handler prints, and the lines that Lambda adds around it.

In: lines and the measures of an invocation. Out: `Logged` events, whose `stored` is the text as
the log group has it and whose `text` is for people. Source: Lambda developer guide, "Sending Lambda
function logs to CloudWatch Logs" and "Lambda JSON log format"; since August 2025 the init phase is
billed too.
"""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from framework.local.events import Feed, Logged
from framework.local.model import Function

TAIL = 4_096
"""Bytes of the last lines that an invocation gives back (Invoke API, LogType Tail)."""

_JSON_LINE = '{"timestamp": "'


@dataclass(frozen=True, slots=True)
class Measures:
    """What REPORT says: seconds, and megabytes; `init` is None where no init was needed.

    `status` is `success`, `error` or `timeout`.
    """

    duration: float
    memory: int
    init: float | None = None
    status: str = "success"

    @property
    def billed(self) -> int:
        """Whole milliseconds."""
        return max(1, math.ceil((self.duration + (self.init or 0)) * 1000))


class FunctionLog:
    """The log stream of one worker."""

    def __init__(self, function: Function, stream: str, feed: Feed) -> None:
        self.function = function
        self.stream = stream
        self.feed = feed
        self.region = function.arn.split(":")[3]
        self.request_id = ""
        self._tail: deque[str] = deque()
        self._kept = 0

    @property
    def tail(self) -> bytes:
        """The end of what the invocation logged, at most `TAIL` bytes."""
        return "".join(f"{line}\n" for line in self._tail).encode()[-TAIL:]

    def start(self, request_id: str) -> None:
        """An invocation begins."""
        self.request_id = request_id
        self._tail.clear()
        self._kept = 0
        self._platform(
            f"START RequestId: {request_id} Version: $LATEST",
            "platform.start",
            {"requestId": request_id, "version": "$LATEST"},
        )

    def end(self, measures: Measures) -> None:
        """The invocation is over."""
        text = f"END RequestId: {self.request_id}"
        done = {"requestId": self.request_id, "status": measures.status}
        self._platform(text, "platform.runtimeDone", done)
        self._platform(
            "\t".join(_report(self.request_id, self.function.memory, measures)),
            "platform.report",
            _report_record(self.request_id, self.function.memory, measures),
        )
        self.request_id = ""

    def line(self, text: str) -> None:
        """A line that the handler printed or logged."""
        for number, shown in enumerate(_shown(text)):
            self._publish(shown, text if number == 0 else "")

    def failed(self, document: Mapping[str, object]) -> None:
        """The error document of the invocation, which the terminal has in other words."""
        if self.function.log_format == "JSON":
            record = {"timestamp": _now(), "log_level": "ERROR", **document}
            self._publish("", json.dumps(record))
            return
        trace = document.get("stackTrace")
        entries = [str(entry) for entry in trace] if isinstance(trace, list) else []
        text = f"[ERROR] {document.get('errorType')}: {document.get('errorMessage')}"
        if entries:
            text += "\nTraceback (most recent call last):\n" + "".join(entries)
        self._publish("", text)

    def _platform(self, text: str, kind: str, record: Mapping[str, object]) -> None:
        stored = text
        if self.function.log_format == "JSON":
            stored = json.dumps({"time": _now(), "type": kind, "record": record})
        self._publish(text, stored, platform=True)

    def _publish(self, text: str, stored: str, platform: bool = False) -> None:
        function = self.function
        if stored:
            self._keep(stored)
        self.feed.publish(
            Logged(
                function.entry,
                text,
                self.request_id,
                platform,
                stored,
                self.region,
                function.log_group,
                self.stream,
            )
        )

    def _keep(self, line: str) -> None:
        self._tail.append(line)
        self._kept += len(line)
        while self._kept > TAIL and len(self._tail) > 1:
            self._kept -= len(self._tail.popleft())


def _now() -> str:
    seconds = time.time()
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds * 1000) % 1000:03}Z"


def _report(request_id: str, memory: int, measures: Measures) -> Iterator[str]:
    yield f"REPORT RequestId: {request_id}"
    yield f"Duration: {measures.duration * 1000:.2f} ms"
    yield f"Billed Duration: {measures.billed} ms"
    yield f"Memory Size: {memory} MB"
    yield f"Max Memory Used: {measures.memory} MB"
    if measures.init is not None:
        yield f"Init Duration: {measures.init * 1000:.2f} ms"
    if measures.status != "success":
        yield f"Status: {measures.status}"


def _report_record(request_id: str, memory: int, measures: Measures) -> Mapping[str, object]:
    metrics: dict[str, object] = {
        "durationMs": round(measures.duration * 1000, 3),
        "billedDurationMs": measures.billed,
        "memorySizeMB": memory,
        "maxMemoryUsedMB": measures.memory,
    }
    if measures.init is not None:
        metrics["initDurationMs"] = round(measures.init * 1000, 3)
    return {"requestId": request_id, "metrics": metrics, "status": measures.status}


def _shown(text: str) -> list[str]:
    """A line of logging in JSON as a person reads it; any other line as it is."""
    if not text.startswith(_JSON_LINE):
        return [text]
    try:
        record = json.loads(text)
    except ValueError:
        return [text]
    if not isinstance(record.get("level"), str) or "message" not in record:
        return [text]
    trace = record.get("stackTrace")
    lines = [line for entry in trace or () for line in str(entry).splitlines()]
    return [*f"[{record['level']}] {record['message']}".splitlines(), *lines]
