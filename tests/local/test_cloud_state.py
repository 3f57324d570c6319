"""What buckets and parameters hold, kept from one start to the next."""

from __future__ import annotations

import re
import signal
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from framework.commands.local import Project
from framework.local import cloud_state
from framework.local.errors import LocalError
from framework.local.events import Feed
from framework.local.service import Service, Settings
from tests.support.local import wait_until, write_handlers
from tests.support.projects import ROOT
from tests.support.running import run, write_services

TEXT = """
    service: notes
    regions: [eu-west-1]
    alarms: {enabled: false, reason: a test}
    functions:
      write:
        handler: app.write
        uses: {buckets.notes: [read, list, write, delete], parameters.title: write}
      read:
        handler: app.read
        uses: {buckets.notes: [read, list], parameters.title: read, parameters.key: read}
    routes:
      PUT /: {function: write, auth: none}
      GET /: {function: read, auth: none}
    buckets: {notes: {}}
    parameters:
      title: {secret: false, value: Notes}
      key: {}
"""
HANDLERS = """
    import os
    import boto3

    def write(event, context):
        s3, bucket = boto3.client("s3"), os.environ["NOTES_BUCKET"]
        s3.put_object(Bucket=bucket, Key="a", Body=b"old", ContentType="text/x-old")
        s3.put_object(
            Bucket=bucket, Key="a", Body=b"new", ContentType="text/x-new", Metadata={"by": "me"}
        )
        s3.put_object(Bucket=bucket, Key="gone", Body=b"gone")
        s3.delete_object(Bucket=bucket, Key="gone")
        boto3.client("ssm").put_parameter(
            Name=os.environ["TITLE_PARAMETER"], Value="written", Overwrite=True
        )

    def read(event, context):
        s3, bucket = boto3.client("s3"), os.environ["NOTES_BUCKET"]
        ssm = boto3.client("ssm")
        listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        found = {"keys": [each["Key"] for each in listed]}
        for each in found["keys"]:
            got = s3.get_object(Bucket=bucket, Key=each)
            found[each] = [got["Body"].read().decode(), got["ContentType"], got["Metadata"]]
        for name in ("TITLE", "KEY"):
            answer = ssm.get_parameter(Name=os.environ[f"{name}_PARAMETER"], WithDecryption=True)
            found[name] = answer["Parameter"]["Value"]
        return found
"""


def test_contents_outlive_the_service_and_services_yaml_wins(tmp_path: Path) -> None:
    state = tmp_path / "state" / "cloud.zip"
    with run(tmp_path, TEXT, HANDLERS, state=state) as up:
        key = up.client.get("/").json()["KEY"]
        assert up.client.put("/").status_code == 200

    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    with run(tmp_path, TEXT, HANDLERS, state=state) as up:
        assert up.client.get("/").json() == {
            "keys": ["a"],
            "a": ["new", "text/x-new", {"by": "me"}],
            "TITLE": "written",
            "KEY": key,
        }
        up.write(TEXT.replace("value: Notes", "value: Others"))
        assert up.client.get("/").json()["TITLE"] == "Others"
    with zipfile.ZipFile(state) as archive:
        assert sorted(archive.namelist()) == [
            "manifest.json",
            "objects/0",
            "objects/1",
            "objects/2",
        ]
        assert [archive.read(f"objects/{number}") for number in range(3)] == [
            b"old",
            b"new",
            b"gone",
        ]


@pytest.mark.skipif(sys.platform != "linux", reason="waits for a process that is no child")
def test_contents_outlive_a_process_that_is_killed(tmp_path: Path) -> None:
    file = write_services(tmp_path, TEXT)
    write_handlers(tmp_path, HANDLERS)
    words = ["local", str(file), "--port", "0", "--persist", "--quiet"]
    command = [sys.executable, "-c", "from framework.commands import main; main()", *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        assert httpx.put(found[0], timeout=30).status_code == 200
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
    finally:
        process.kill()

    state = tmp_path / ".services" / "local" / "cloud.zip"
    wait_until(state.exists)
    with run(tmp_path, TEXT, HANDLERS, state=state) as up:
        assert up.client.get("/").json()["keys"] == ["a"]


def start(folder: Path, state: Path) -> Service:
    file = write_services(folder, TEXT)
    write_handlers(folder, HANDLERS)
    return Service(Project(file), Settings(port=0, state=state), Feed())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "File is not a zip file"),
        (b"PK nonsense", "File is not a zip file"),
        (None, "it is of another format"),
    ],
)
def test_a_damaged_state_is_one_line(tmp_path: Path, content: bytes | None, reason: str) -> None:
    state = tmp_path / "cloud.zip"
    if content is None:
        with zipfile.ZipFile(state, "w") as archive:
            archive.writestr("manifest.json", '{"format": 99}')
    else:
        state.write_bytes(content)

    for _ in range(2):
        with pytest.raises(LocalError) as caught:
            start(tmp_path, state)
        assert str(caught.value) == (
            f"{state} cannot be read ({reason}): move it away, or leave --persist out"
        )


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    state = tmp_path / "cloud.zip"
    with zipfile.ZipFile(state, "w") as archive:
        archive.writestr("manifest.json", '{"format": 1, "buckets": [], "parameters": []}')
        archive.writestr("objects/0", b"x" * 1000)
    state.write_bytes(state.read_bytes().replace(b"x" * 1000, b"x" * 999 + b"y"))

    with pytest.raises(cloud_state.Unreadable, match="objects/0 is damaged"):
        cloud_state.check(state)


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(LocalError, match="file cannot be used: "):
        start(tmp_path, tmp_path / "file" / "cloud.zip")


def test_two_at_once_do_not_share_a_state(tmp_path: Path) -> None:
    state = tmp_path / "cloud.zip"
    first = start(tmp_path, state)
    try:
        with pytest.raises(LocalError) as caught:
            start(tmp_path, state)
    finally:
        first.close()

    assert str(caught.value) == "another services local of this project runs with --persist"
    start(tmp_path, state).close()


def test_a_state_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with run(tmp_path, TEXT, HANDLERS, state=folder / "cloud.zip") as up:
        up.client.put("/")
        folder.rename(tmp_path / "elsewhere")

    up.lines.wait_for("what the buckets and parameters held was not kept in ")
