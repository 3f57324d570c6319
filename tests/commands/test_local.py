"""`services local` as a person and a script meet it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from framework.commands import main
from tests.support.local import write_handlers
from tests.support.projects import ROOT
from tests.support.running import write_services

TEXT = """
    service: notes
    regions: [eu-west-1, us-east-1]
    alarms: {enabled: false, reason: a test}
    functions:
      hello: {handler: app.hello, uses: {parameters.key: read}}
      look: {handler: app.look}
    routes:
      GET /hello: {function: hello, auth: none}
      GET /look: {function: look, auth: none}
    parameters: {key: {}}
"""
HANDLERS = """
    import os

    def hello(event, context):
        print("printed")
        return os.environ["AWS_REGION"]

    def look(event, context):
        import boto3
        boto3.client("ssm").get_parameter(Name="/notes/local/key")
"""


@contextmanager
def started(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`services local` on a free port, ended by SIGTERM; the process and its first line."""
    command = [sys.executable, "-c", "from framework.commands import main; main()", "local"]
    process = subprocess.Popen(
        [*command, str(folder / "services.yaml"), "--port", "0", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_services(tmp_path, TEXT)
    write_handlers(tmp_path, HANDLERS)
    return tmp_path


def test_a_script_reads_one_object_a_line(folder: Path) -> None:
    with started(folder, "--json") as (process, first):
        ready = json.loads(first)
        home, other = ready["urls"]["eu-west-1"], ready["urls"]["us-east-1"]
        assert [httpx.get(f"{url}/hello").text for url in (home, other)] == [
            "eu-west-1",
            "us-east-1",
        ]
        httpx.get(f"{home}/look", timeout=30)
        write_services(folder, TEXT.replace("/hello:", "/hullo:"))
        assert httpx.get(f"{home}/hullo").status_code == 200
        write_services(folder, TEXT.replace("/hello:", "/he llo:"))
        assert httpx.get(f"{home}/hullo").status_code == 200
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)

    assert ready["event"] == "ready"
    assert ready["url"] == home
    assert ready["routes"][0] == {
        "region": "eu-west-1",
        "route": "GET /hello",
        "function": "functions.hello",
    }
    events = [json.loads(line) for line in output.splitlines()]
    by_kind = {event["event"]: event for event in events}
    assert by_kind.keys() == {"log", "request", "denied", "problem", "reloaded"}
    assert by_kind["denied"]["action"] == "ssm:GetParameter"
    assert by_kind["reloaded"]["changes"][0] == "new routes.GET /hullo"
    request = next(event for event in events if event["event"] == "request")
    assert (request["route"], request["status"]) == ("GET /hello", 200)
    assert any(event.get("text") == "printed" for event in events)


def test_values_of_a_persons_own_reach_the_handler(folder: Path) -> None:
    own = folder / "services.local.yaml"
    own.write_text("parameters: {key: mine}\n")
    own.chmod(0o600)
    write_handlers(
        folder,
        """
        import boto3
        import os

        def hello(event, context):
            ssm = boto3.client("ssm")
            found = ssm.get_parameter(Name=os.environ["KEY_PARAMETER"], WithDecryption=True)
            return found["Parameter"]["Value"]

        look = hello
        """,
    )
    with started(folder, "--json") as (_, first):
        url = json.loads(first)["url"]
        assert httpx.get(f"{url}/hello", timeout=30).text == "mine"
        own.write_text("parameters: {key: other}\n")
        assert httpx.get(f"{url}/hello", timeout=30).text == "other"


def test_the_very_packages_run_and_follow_their_sources(folder: Path) -> None:
    with started(folder, "--json", "--packaged") as (_, first):
        url = json.loads(first)["url"]
        assert httpx.get(f"{url}/hello").text == "eu-west-1"
        write_handlers(folder, "def hello(e, c): return __file__\nlook = hello")
        found = httpx.get(f"{url}/hello").text

    assert Path(found).is_relative_to(folder / ".services" / "local" / "packages")


def test_a_mistake_in_the_own_values_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "services.local.yaml").write_text("parameters: {other: x}\n")
    with pytest.raises(SystemExit) as ended:
        main(["local", str(folder / "services.yaml"), "--port", "0"])

    assert ended.value.code == 1
    line = "services.local.yaml:1:14: parameters.other: services.yaml has no parameter 'other'"
    assert line in capsys.readouterr().err


@pytest.mark.parametrize(("words", "status"), [((), 200), (("--no-console",), 404)])
def test_there_is_a_page_to_look_at_unless_it_is_not_wanted(
    folder: Path, words: tuple[str, ...], status: int
) -> None:
    with started(folder, *words) as (process, first):
        assert process.stdout is not None
        url = first.split()[4]
        second = process.stdout.readline().strip()

        assert httpx.get(f"{url}/_services").status_code == status
        assert (second == f"look at it: {url}/_services") is (status == 200)


def test_the_end_is_silent(folder: Path) -> None:
    with started(folder) as (process, first):
        assert first.startswith("notes-local is up on http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        output = process.stdout.read()

    assert process.returncode == 0
    assert output.endswith("Press Ctrl-C to end.\n")
