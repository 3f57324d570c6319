"""A function's log: what its handler prints, and the lines that Lambda adds around it.

In: lines and the measures of an invocation. Out: `Logged` events for the first, `Platform` events
for the others; `texts` is what people see of them, `messages` what the log group has. Source:
Lambda developer guide, "Sending Lambda function logs to CloudWatch Logs" and "Lambda JSON log
format"; since August 2025 the init phase is billed too.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

from framework.local.events import Document, Feed, Logged, LogStream
from framework.local.model import Function

TAIL = 4_096
"""Bytes of the last lines that an invocation gives back (Invoke API, LogType Tail)."""

_JSON_LINE = '{"timestamp": "'


class Measures(NamedTuple):
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


class Platform(NamedTuple):
    """What Lambda adds to a log: START, or with measures END and REPORT; an event of its own.

    Its words are made when it is read: most never are. `seconds` is when it was, since 1970.
    """

    stream: LogStream
    function: Function
    request_id: str
    seconds: float
    measures: Measures | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """START, or END and REPORT."""
        if self.measures is None:
            return (f"START RequestId: {self.request_id} Version: $LATEST",)
        report = _report(self.request_id, self.function.memory, self.measures)
        return (f"END RequestId: {self.request_id}", "\t".join(report))

    @property
    def messages(self) -> tuple[str, ...]:
        """The same, or one JSON object for each where the function logs in JSON."""
        if self.function.log_format != "JSON":
            return self.texts
        return tuple(
            json.dumps({"time": _time(self.seconds), "type": kind, "record": record})
            for kind, record in self._records()
        )

    @property
    def lines(self) -> tuple[str, ...]:
        """Under the function's name."""
        return self.stream.lines(self.texts)

    def documents(self) -> tuple[Document, ...]:
        """As a program reads it."""
        return tuple(self.stream.document(self.request_id, True, m) for m in self.messages)

    def _records(self) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Type and record of each JSON object."""
        if self.measures is None:
            yield "platform.start", {"requestId": self.request_id, "version": "$LATEST"}
            return
        status = self.measures.status
        yield "platform.runtimeDone", {"requestId": self.request_id, "status": status}
        report = _report_record(self.request_id, self.function.memory, self.measures)
        yield "platform.report", report


LogLine: TypeAlias = Logged | Platform


class Tail:
    """The last lines of an invocation."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.size = 0

    def keep(self, line: Logged) -> None:
        """Keep the last lines; Lambda's own are few and short, and do not count."""
        self.lines.append(line)
        self.size += len(line.stored)
        while self.size > TAIL and len(self.lines) > 1:
            first = self.lines.pop(0)
            self.size -= len(first.stored) if isinstance(first, Logged) else 0

    def text(self) -> bytes:
        """The end of them, at most `TAIL` bytes."""
        return "".join(f"{m}\n" for line in self.lines for m in line.messages).encode()[-TAIL:]


class FunctionLog:
    """The log stream of one worker; `tail` is the end of what its latest invocation logged."""

    def __init__(self, function: Function, stream: str, feed: Feed) -> None:
        self.function = function
        self.stream = LogStream(
            function.entry, function.arn.split(":")[3], function.log_group, stream
        )
        self.feed = feed
        self.request_id = ""
        self.tail = Tail()

    def start(self, request_id: str) -> None:
        """An invocation begins."""
        self.request_id = request_id
        self.tail = Tail()
        self._platform(None)

    def end(self, measures: Measures) -> None:
        """The invocation is over."""
        self._platform(measures)
        self.request_id = ""

    def line(self, text: str) -> None:
        """A line that the handler printed or logged."""
        for number, shown in enumerate(_shown(text)):
            self._printed(shown, text if number == 0 else "")

    def failed(self, document: Mapping[str, object]) -> None:
        """The error document of the invocation, which the terminal has in other words."""
        if self.function.log_format == "JSON":
            record = {"timestamp": _time(time.time()), "log_level": "ERROR", **document}
            self._printed("", json.dumps(record))
            return
        trace = document.get("stackTrace")
        entries = [str(entry) for entry in trace] if isinstance(trace, list) else []
        text = f"[ERROR] {document.get('errorType')}: {document.get('errorMessage')}"
        if entries:
            text += "\nTraceback (most recent call last):\n" + "".join(entries)
        self._printed("", text)

    def _printed(self, text: str, stored: str) -> None:
        line = Logged(self.stream, text, stored, self.request_id, time.time())
        if stored:
            self.tail.keep(line)
        self.feed.publish(line)

    def _platform(self, measures: Measures | None) -> None:
        line = Platform(self.stream, self.function, self.request_id, time.time(), measures)
        self.tail.lines.append(line)
        self.feed.publish(line)


def _time(seconds: float) -> str:
    """`2026-01-31T10:00:00.123Z`"""
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
    except (ValueError, RecursionError):
        return [text]
    if not isinstance(record.get("level"), str) or "message" not in record:
        return [text]
    trace = record.get("stackTrace")
    entries = trace if isinstance(trace, list) else ()
    lines = [line for entry in entries for line in str(entry).splitlines()]
    return [*f"[{record['level']}] {record['message']}".splitlines(), *lines]
