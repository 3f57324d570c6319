"""The functions' log groups, read with boto3 by the person at this machine."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from framework.local import log_groups
from framework.local.cloud import Cloud, CloudGone
from framework.local.events import Logged, LogStream
from framework.local.http_messages import Request, Response
from framework.local.log_groups import LogGroups
from tests.support.running import Running, run

TEXT = """
    service: notes
    regions: [eu-west-1]
    alarms: {enabled: false, reason: a test}
    functions:
      say: {handler: app.say}
    routes:
      GET /say: {function: say, auth: none}
"""
HANDLERS = """
    import logging

    def say(event, context):
        print("printed")
        logging.info("logged")
        raise ValueError("no")
"""


def logs_of(up: Running) -> Any:
    """Any: the stubs of the client of CloudWatch Logs are not installed."""
    developer = up.service.grounds.developer
    session = boto3.Session(developer.access_key, developer.secret_key, region_name="eu-west-1")
    make: Any = session.client
    return make("logs", endpoint_url=up.service.gate_url)


def test_what_a_function_logs_can_be_read(tmp_path: Path) -> None:
    with run(tmp_path, TEXT, HANDLERS) as up:
        up.client.get("/say")
        assert not up.service.grounds.cloud.up
        logs = logs_of(up)
        (group,) = logs.describe_log_groups()["logGroups"]
        found = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
        up.client.get("/say")
        again = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]

    assert group["logGroupName"] == "/aws/lambda/notes-local-say"
    start, printed, record, failure, done, report = (event["message"] for event in found)
    assert printed == "printed"
    assert json.loads(record)["message"] == "logged"
    assert json.loads(failure)["errorMessage"] == "no"
    assert [json.loads(line)["type"] for line in (start, done, report)] == [
        "platform.start",
        "platform.runtimeDone",
        "platform.report",
    ]
    assert json.loads(report)["record"]["status"] == "error"
    assert len(again) == 12


class StandIn(Cloud):
    """A cloud that keeps the calls; `status` answers them."""

    def __init__(self) -> None:
        super().__init__(print)
        self.status = 200
        self.called: list[tuple[str, dict[str, Any]]] = []

    @property
    def up(self) -> bool:
        """It always is."""
        return True

    async def send(self, request: Request) -> Response:
        """Keep the call."""
        operation = request.joined["x-amz-target"].partition(".")[2]
        self.called.append((operation, json.loads(request.body)))
        return Response(self.status, body=b"why")


def line(text: str, stream: str = "s") -> Logged:
    return Logged(LogStream("functions.f", "eu-west-1", "/g", stream), text, text)


def test_the_cloud_holds_a_bounded_amount(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_groups, "LARGEST", 100)
    cloud = StandIn()
    groups = LogGroups(cloud)
    for _ in range(3):
        groups.hear(line("x" * 60))
        asyncio.run(groups.bring())

    assert [operation for operation, _ in cloud.called] == [
        "CreateLogGroup",
        "CreateLogStream",
        "PutLogEvents",
        "PutLogEvents",
        "DeleteLogGroup",
        "CreateLogGroup",
        "CreateLogStream",
        "PutLogEvents",
    ]


def test_what_waits_is_bounded_and_goes_in_parts() -> None:
    cloud = StandIn()
    groups = LogGroups(cloud)
    for number in range(log_groups.MOST_WAITING + 5):
        groups.hear(line(f"{number}", stream=f"s{number % 2}"))
    groups.hear(Logged(LogStream("functions.f"), "shown alone"))
    asyncio.run(groups.bring())

    puts = [body for operation, body in cloud.called if operation == "PutLogEvents"]
    assert [len(body["logEvents"]) for body in puts] == [1000] * 2
    assert puts[0]["logEvents"][0]["message"] == "6"
    assert not groups.waiting


def test_the_characters_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_groups, "MOST_WAITING_CHARACTERS", 100)
    cloud = StandIn()
    groups = LogGroups(cloud)
    for letter in "xyzabcd":
        groups.hear(line(letter * (40 if letter in "abcd" else 1)))
    asyncio.run(groups.bring())

    (put,) = (body for operation, body in cloud.called if operation == "PutLogEvents")
    assert [event["message"] for event in put["logEvents"]] == ["c" * 40, "d" * 40]
    assert (len(groups.waiting), groups.characters) == (0, 0)


def test_a_cloud_that_is_up_gets_every_line() -> None:
    cloud = StandIn()
    groups = LogGroups(cloud)
    asyncio.run(groups.bring())
    for number in range(3 * log_groups.MOST_WAITING):
        groups.hear(line(f"{number}"))
    asyncio.run(groups.bring())

    puts = [body for operation, body in cloud.called if operation == "PutLogEvents"]
    assert sum(len(body["logEvents"]) for body in puts) == 3 * log_groups.MOST_WAITING


def test_lines_that_are_gone_count_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_groups, "MOST_WAITING_CHARACTERS", 3 * log_groups.MOST_WAITING)
    groups = LogGroups(StandIn())
    for _ in range(5 * log_groups.MOST_WAITING):
        groups.hear(line("xx"))

    assert len(groups.waiting) == log_groups.MOST_WAITING


def test_a_cloud_that_refuses_is_told() -> None:
    cloud = StandIn()
    cloud.status = 500
    groups = LogGroups(cloud)
    groups.hear(line("x"))

    with pytest.raises(CloudGone, match="CreateLogGroup: why"):
        asyncio.run(groups.bring())
