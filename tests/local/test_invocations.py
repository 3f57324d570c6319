"""Lambda's Invoke API for the person at this machine, over real HTTP with real boto3."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from framework.local.events import Denied
from tests.support.local import wait_until
from tests.support.running import Running, run

TEXT = """
    service: notes
    regions: [eu-west-1]
    alarms: {enabled: false, reason: a test}
    functions:
      echo: {handler: app.echo}
      fail: {handler: app.fail}
      busy: {handler: app.echo, concurrency: 0}
      touch: {handler: app.touch}
      loud: {handler: app.loud}
      read: {handler: app.read}
    buckets: {notes: {}}
"""
HANDLERS = """
    import os
    from pathlib import Path

    def echo(event, context):
        print("hello from", context.aws_request_id)
        return event

    def fail(event, context):
        raise ValueError("no")

    def touch(event, context):
        Path(event["file"]).touch()

    def loud(event, context):
        for number in range(1000):
            print(f"line {number:04}")

    def read(event, context):
        import boto3
        boto3.client("s3").get_object(Bucket=event["bucket"], Key="x")
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with run(tmp_path_factory.mktemp("invocations"), TEXT, HANDLERS) as running:
        yield running


def invoke(up: Running, name: str, payload: str = "{}", **words: str) -> Mapping[str, Any]:
    """What boto3 makes of the answer. Any: the stubs of Lambda's client are not installed."""
    developer = up.service.grounds.developer
    session = boto3.Session(developer.access_key, developer.secret_key, region_name="eu-west-1")
    config = Config(retries={"total_max_attempts": 1})
    client: Any = session.client("lambda", endpoint_url=up.service.gate_url, config=config)
    answer: Mapping[str, Any] = client.invoke(FunctionName=name, Payload=payload, **words)
    return answer


@pytest.mark.parametrize(
    "name",
    [
        "echo",
        "functions.echo",
        "notes-local-echo",
        "arn:aws:lambda:eu-west-1:000000000000:function:notes-local-echo",
    ],
)
def test_a_function_is_run_by_any_of_its_names(up: Running, name: str) -> None:
    if name.startswith("functions."):
        answer = post(up, f"/2015-03-31/functions/{name}/invocations", b'{"a": 1}')
        assert (answer.status_code, answer.json()) == (200, {"a": 1})
        return
    found = invoke(up, name, '{"a": 1}')

    assert (found["StatusCode"], json.loads(found["Payload"].read())) == (200, {"a": 1})
    assert found["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in found


def test_a_function_that_fails_is_200_with_awss_error_document(up: Running) -> None:
    found = invoke(up, "fail")
    document = json.loads(found["Payload"].read())

    assert (found["StatusCode"], found["FunctionError"]) == (200, "Unhandled")
    assert document["errorMessage"] == "no"
    assert document["errorType"] == "ValueError"
    assert "in fail" in document["stackTrace"][0]


def test_the_end_of_the_log_comes_along(up: Running) -> None:
    found = invoke(up, "echo", LogType="Tail")
    start, printed, end, report = base64.b64decode(found["LogResult"]).decode().splitlines()

    request_id = json.loads(start)["record"]["requestId"]
    assert json.loads(start)["type"] == "platform.start"
    assert printed == f"hello from {request_id}"
    assert json.loads(end)["type"] == "platform.runtimeDone"
    record = json.loads(report)["record"]
    assert (record["requestId"], record["status"]) == (request_id, "success")
    assert record["metrics"]["memorySizeMB"] == 256
    assert record["metrics"]["maxMemoryUsedMB"] > 1


def test_a_long_log_comes_cut_at_its_begin(up: Running) -> None:
    found = invoke(up, "loud", LogType="Tail")
    tail = base64.b64decode(found["LogResult"])

    assert len(tail) <= 4096
    assert b"line 0999\n" in tail
    assert b"line 0001\n" not in tail


def test_nobody_waits_for_an_event(up: Running, tmp_path: Path) -> None:
    file = tmp_path / "touched"
    found = invoke(up, "touch", json.dumps({"file": str(file)}), InvocationType="Event")
    failing = invoke(up, "busy", InvocationType="Event")

    assert (found["StatusCode"], failing["StatusCode"]) == (202, 202)
    wait_until(file.exists)


def test_a_dry_run_runs_nothing(up: Running, tmp_path: Path) -> None:
    found = invoke(up, "touch", InvocationType="DryRun")

    assert found["StatusCode"] == 204


@pytest.mark.parametrize(
    ("path", "body", "status", "error_type", "text"),
    [
        (
            "/2015-03-31/functions/eco/invocations",
            b"{}",
            404,
            "ResourceNotFoundException",
            "Function not found: arn:aws:lambda:eu-west-1:000000000000:function:eco",
        ),
        (
            "/2015-03-31/functions/busy/invocations",
            b"{}",
            429,
            "TooManyRequestsException",
            "Rate Exceeded.",
        ),
        (
            "/2015-03-31/functions/echo/invocations",
            b'"' + b"x" * 6_291_556 + b'"',
            413,
            "RequestTooLargeException",
            "Request must be smaller than 6291556 bytes for InvokeFunction",
        ),
        (
            "/2015-03-31/functions/echo/invocations",
            b"{",
            400,
            "InvalidRequestContentException",
            "Could not parse request body into json: Expecting property name enclosed in double"
            " quotes: line 1 column 2 (char 1)",
        ),
        (
            "/2015-03-31/functions",
            b"{}",
            501,
            "NotImplemented",
            "local mode has Invoke alone of Lambda's API",
        ),
    ],
)
def test_refusals_have_awss_form(
    up: Running, path: str, body: bytes, status: int, error_type: str, text: str
) -> None:
    answer = post(up, path, body)

    assert answer.status_code == status
    assert answer.headers["x-amzn-errortype"] == error_type
    assert answer.json() == {"Type": "User", "Message": text}


def post(up: Running, path: str, body: bytes) -> httpx.Response:
    scope = f"{up.service.grounds.developer.access_key}/20260101/eu-west-1/lambda/aws4_request"
    headers = {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0"}
    return httpx.post(f"{up.service.gate_url}{path}", content=body, headers=headers)


def test_the_developer_may_do_everything_with_s3_and_ssm(up: Running) -> None:
    developer = up.service.grounds.developer
    session = boto3.Session(developer.access_key, developer.secret_key, region_name="eu-west-1")
    s3 = session.client("s3", endpoint_url=up.service.gate_url)
    bucket = up.service.deployment.models[0].buckets[0].name
    s3.put_object(Bucket=bucket, Key="by-hand", Body=b"x")

    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_other_services_are_refused_to_the_developer_too(up: Running) -> None:
    developer = up.service.grounds.developer
    session = boto3.Session(developer.access_key, developer.secret_key, region_name="eu-west-1")
    config = Config(retries={"total_max_attempts": 1})
    queues = session.client("sqs", endpoint_url=up.service.gate_url, config=config)

    with pytest.raises(queues.exceptions.ClientError, match="local mode does not have the service"):
        queues.list_queues()


def test_a_denial_is_an_event_with_its_parts(up: Running) -> None:
    bucket = up.service.deployment.models[0].buckets[0].name
    invoke(up, "read", json.dumps({"bucket": bucket}))

    (denied,) = [event for event in up.events if isinstance(event, Denied)]
    assert (denied.function, denied.action) == ("functions.read", "s3:GetObject")
    assert denied.resource == f"arn:aws:s3:::{bucket}/x"
    assert denied.text.endswith("add  uses: {buckets.notes: [read]}")
