"""A function's log: what people see, and what the log group keeps."""

from __future__ import annotations

import json

import pytest

from framework.local.events import Event, Feed, Logged, LogStream
from framework.local.logs import FunctionLog, LogLine, Measures, Platform
from framework.local.model import read
from tests.support.plans import PlanBuilder

NESTED = '{"timestamp": "", "a": ' + "[" * 100_000


def log_of(log_format: str) -> tuple[FunctionLog, list[Event]]:
    builder = PlanBuilder().function("f", "app.f", loggingConfig={"logFormat": log_format})
    events: list[Event] = []
    return FunctionLog(read(builder.plan()).functions[0], "stream", Feed(events.append)), events


def logged(events: list[Event]) -> list[LogLine]:
    return [event for event in events if isinstance(event, (Logged, Platform))]


def test_the_lines_in_text() -> None:
    log, events = log_of("Text")
    log.start("r-1")
    log.line("printed")
    log.end(Measures(0.01234, 30, 0.05))

    lines = [
        "START RequestId: r-1 Version: $LATEST",
        "printed",
        "END RequestId: r-1",
        "REPORT RequestId: r-1\tDuration: 12.34 ms\tBilled Duration: 63 ms\tMemory Size: 256 MB"
        "\tMax Memory Used: 30 MB\tInit Duration: 50.00 ms",
    ]
    assert [text for event in logged(events) for text in event.texts] == lines
    assert [message for event in logged(events) for message in event.messages] == lines
    documents = [document for event in events for document in event.documents()]
    assert [each["platform"] for each in documents] == [True, False, True, True]
    assert [each["text"] for each in documents] == lines
    assert [line for event in events for line in event.lines] == [
        f"functions.f | {line}" for line in lines
    ]
    stream = LogStream("functions.f", "eu-west-1", "/aws/lambda/notes-dev-f", "stream")
    assert {(e.stream, e.request_id) for e in logged(events)} == {(stream, "r-1")}
    assert log.tail.text() == "".join(f"{line}\n" for line in lines).encode()


def test_the_lines_in_json() -> None:
    log, events = log_of("JSON")
    log.start("r-1")
    log.end(Measures(2, 30, status="timeout"))

    start, done, report = (
        json.loads(message) for event in logged(events) for message in event.messages
    )
    assert (start["type"], start["record"]) == (
        "platform.start",
        {"requestId": "r-1", "version": "$LATEST"},
    )
    assert (done["type"], done["record"]) == (
        "platform.runtimeDone",
        {"requestId": "r-1", "status": "timeout"},
    )
    assert report["record"] == {
        "requestId": "r-1",
        "status": "timeout",
        "metrics": {
            "durationMs": 2000,
            "billedDurationMs": 2000,
            "memorySizeMB": 256,
            "maxMemoryUsedMB": 30,
        },
    }
    assert logged(events)[-1].texts[-1].endswith("\tMax Memory Used: 30 MB\tStatus: timeout")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain", ["plain"]),
        ("", [""]),
        ('{"timestamp": "t", "level": "INFO", "message": "m"}', ["[INFO] m"]),
        ('{"timestamp": "t", "level": "INFO", "message": "a\\nb"}', ["[INFO] a", "b"]),
        (
            '{"timestamp": "t", "level": "ERROR", "message": "m", "stackTrace": ["  a\\n    b"]}',
            ["[ERROR] m", "  a", "    b"],
        ),
        ('{"timestamp": "cut', ['{"timestamp": "cut']),
        ('{"timestamp": "' + "[" * 9, ['{"timestamp": "' + "[" * 9]),
        (NESTED, [NESTED]),
        (
            '{"timestamp": "t", "level": "INFO", "message": "m", "stackTrace": 5}',
            ["[INFO] m"],
        ),
        ('{"timestamp": "t", "level": 1}', ['{"timestamp": "t", "level": 1}']),
    ],
)
def test_a_line_of_logging_is_shown_as_people_read_it(line: str, shown: list[str]) -> None:
    log, events = log_of("JSON")
    log.line(line)

    assert [text for event in logged(events) for text in event.texts] == shown
    assert "".join(m for event in logged(events) for m in event.messages) == line
    assert [line for event in events for line in event.lines] == [
        f"functions.f | {s}" for s in shown
    ]


@pytest.mark.parametrize(
    ("log_format", "trace", "stored"),
    [
        ("Text", [], "[ERROR] ValueError: no"),
        (
            "Text",
            ["  a\n", "  b\n"],
            "[ERROR] ValueError: no\nTraceback (most recent call last):\n  a\n  b\n",
        ),
    ],
)
def test_a_failure_is_in_the_log_group_alone(
    log_format: str, trace: list[str], stored: str
) -> None:
    log, events = log_of(log_format)
    log.failed({"errorType": "ValueError", "errorMessage": "no", "stackTrace": trace})

    assert [event.messages for event in logged(events)] == [(stored,)]
    assert [event.lines for event in events] == [()]


def test_a_failure_in_json() -> None:
    log, events = log_of("JSON")
    log.failed({"errorType": "ValueError", "errorMessage": "no"})

    (record,) = (json.loads(m) for event in logged(events) for m in event.messages)
    assert record.pop("timestamp").endswith("Z")
    assert record == {"log_level": "ERROR", "errorType": "ValueError", "errorMessage": "no"}


def test_the_tail_is_bounded() -> None:
    log, _ = log_of("Text")
    log.start("r-1")
    log.line("x" * 10_000)
    for number in range(10_000):
        log.line(f"line {number}")

    assert len(log.tail.text()) <= 4096
    assert log.tail.text().endswith(b"line 9999\n")
    log.start("r-2")
    assert log.tail.text() == b"START RequestId: r-2 Version: $LATEST\n"
