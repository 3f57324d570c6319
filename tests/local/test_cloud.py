"""The process of the local cloud and its end."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber
from werkzeug.test import Client
from werkzeug.wrappers import Response as BaseResponse

from framework.local import cloud_contents, cloud_main
from framework.local.cloud import PROGRAM, Cloud, CloudGone
from framework.local.http_messages import Request
from tests.support.local import Lines


def cloud_of(lines: Lines) -> Cloud:
    return Cloud(lines)


def test_a_cloud_that_does_not_start_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("")
    monkeypatch.setattr("framework.local.cloud.PROGRAM", broken)
    lines = Lines()

    async def call() -> None:
        cloud = cloud_of(lines)
        try:
            with pytest.raises(CloudGone, match="its process ended at the start"):
                await cloud.send(Request("GET", "/"))
        finally:
            cloud.stop()

    asyncio.run(call())

    assert lines.said == ["the local cloud did not start: calls to S3 and SSM fail"]


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n"])
def test_an_answer_that_is_none_is_a_cloud_that_is_gone(answer: bytes) -> None:
    async def call() -> None:
        async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(reply, "127.0.0.1", 0)
        cloud = cloud_of(Lines())
        cloud.port = asyncio.get_running_loop().create_future()
        cloud.port.set_result(server.sockets[0].getsockname()[1])
        with pytest.raises(CloudGone):
            await cloud.send(Request("GET", "/"))
        cloud.stop()
        server.close()
        await server.wait_closed()

    asyncio.run(call())


def test_a_cloud_that_never_started_can_stop() -> None:
    cloud_of(Lines()).stop()


def test_a_process_that_does_not_hear_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = tmp_path / "deaf.py"
    deaf.write_text("import time\nwhile True: time.sleep(60)\n")
    monkeypatch.setattr("framework.local.cloud.PROGRAM", deaf)

    async def start_and_stop() -> int | None:
        cloud = cloud_of(Lines())
        cloud.start()
        cloud.start()
        await asyncio.sleep(0)
        cloud.stop()
        return cloud.process.returncode if cloud.process else None

    assert asyncio.run(start_and_stop()) == -9


def test_the_process_ends_with_its_input() -> None:
    done = subprocess.run(
        [sys.executable, "-P", PROGRAM], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_process_starts_for_nobody_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent may be gone before the port is known: no error, no process left."""
    reading, writing = os.pipe()
    seed = b'{"token": "t", "buckets": [], "parameters": []}\n'
    with subprocess.Popen(
        [sys.executable, "-P", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=writing,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(reading)
        os.close(writing)
        _, errors = process.communicate(seed)

    assert (process.returncode, errors) == (0, b"")


@pytest.mark.parametrize(
    ("token", "status", "text"),
    [
        ("secret", 200, "inside"),
        ("other", 403, "this is the inside of the local cloud: call the gate instead\n"),
        (None, 403, "this is the inside of the local cloud: call the gate instead\n"),
    ],
)
def test_only_who_knows_the_token_gets_in(token: str | None, status: int, text: str) -> None:
    client = Client(cloud_main.guarded(BaseResponse("inside"), "secret"))
    answer = client.get("/", headers={cloud_main.TOKEN_HEADER: token} if token else {})

    assert (answer.status_code, answer.text) == (status, text)


@pytest.mark.parametrize(
    ("region", "configuration"),
    [
        ("us-east-1", {}),
        ("eu-west-1", {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}),
    ],
)
def test_a_bucket_is_made_in_its_region(region: str, configuration: dict[str, object]) -> None:
    s3 = boto3.Session("x", "x", region_name=region).client("s3")
    with Stubber(s3) as stub:
        stub.add_response("create_bucket", {}, {"Bucket": "notes", **configuration})
        cloud_contents.make_bucket(
            s3, {"entry": "buckets.n", "region": region, "name": "notes", "versioned": False}
        )
        stub.assert_no_pending_responses()
