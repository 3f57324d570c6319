"""`services invoke` as a person meets it: result, log, exit code, with and without a service up."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from framework.commands import main
from framework.commands.local import Project
from framework.local.events import Feed
from framework.local.service import Settings, running
from tests.support.local import write_handlers
from tests.support.running import write_services

TEXT = """
    service: notes
    regions: [eu-west-1]
    alarms: {enabled: false, reason: a test}
    functions:
      echo: {handler: app.echo}
      count: {handler: app.count}
      fail: {handler: app.fail}
    routes:
      GET /notes/{id}: {function: echo, auth: none}
"""
HANDLERS = """
    calls = 0

    def echo(event, context):
        print("printed")
        return event

    def count(event, context):
        global calls
        calls += 1
        return calls

    def fail(event, context):
        raise ValueError("no")
"""


class Ran:
    """One run of the command line in this process."""

    def __init__(self, code: object, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


class Services:
    """Runs `services WORDS` in a folder with a project."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def __call__(self, *words: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main(words)
        printed = self._capsys.readouterr()
        return Ran(ended.value.code, printed.out, printed.err)


@pytest.fixture
def services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Services:
    monkeypatch.chdir(tmp_path)
    write_services(tmp_path, TEXT)
    write_handlers(tmp_path, HANDLERS)
    return Services(tmp_path, capsys)


def test_the_result_is_printed_and_the_log_beside_it(services: Services) -> None:
    (services.folder / "event.json").write_text('{"a": "é"}', "utf-8")
    ran = services("invoke", "echo", "--event", "event.json")

    assert (ran.code, json.loads(ran.out)) == (0, {"a": "é"})
    start, printed, end, report = ran.err.splitlines()[-4:]
    assert start.startswith("functions.echo | START RequestId: ")
    assert printed == "functions.echo | printed"
    assert end.startswith("functions.echo | END RequestId: ")
    assert "\tMemory Size: 256 MB\t" in report
    assert "\tInit Duration: " in report


def test_the_event_may_come_from_standard_input(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"[1, 2]")))

    assert services("invoke", "functions.echo", "--event", "-").out == "[1, 2]\n"


def test_a_function_that_fails_is_awss_error_document_and_1(services: Services) -> None:
    ran = services("invoke", "fail")
    document = json.loads(ran.out)

    assert ran.code == 1
    assert (document["errorType"], document["errorMessage"]) == ("ValueError", "no")
    assert "in fail" in document["stackTrace"][0]
    assert "functions.fail: ValueError: no" in ran.err


def test_a_route_makes_the_event(services: Services) -> None:
    words = ["invoke", "--route", "GET /notes/{id}", "--path-parameter", "id=a=b", "--query", "x=1"]
    shown = services(*words, "--show-event")
    ran = services(*words)

    assert (shown.code, shown.err) == (0, "")
    event = json.loads(ran.out)
    assert event["pathParameters"] == {"id": "a=b"}
    assert event["queryStringParameters"] == {"x": "1"}
    assert json.loads(shown.out).keys() == event.keys()


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["ecko"], 1, "services: there is no function 'ecko', did you mean 'echo'?"),
        (
            ["--route", "GET /note/{id}"],
            1,
            "services: there is no route 'GET /note/{id}', did you mean 'GET /notes/{id}'?",
        ),
        (
            ["--route", "GET /notes/{id}"],
            1,
            "services: GET /notes/{id} needs  --path-parameter id=VALUE",
        ),
        ([], 2, "Error: name a FUNCTION, or a --route, whose function is known"),
        (
            ["echo", "--route", "GET /notes/{id}"],
            2,
            "Error: name a FUNCTION, or a --route, whose function is known",
        ),
        (["echo", "--query", "a=1"], 2, "Error: --path-parameter, --query and --body belong to"),
        (
            ["--route", "GET /notes/{id}", "--event", "-"],
            2,
            "Error: --event and --route both say what the event is",
        ),
        (
            ["--route", "GET /notes/{id}", "--path-parameter", "id"],
            2,
            "Error: --path-parameter takes NAME=VALUE",
        ),
        (["echo", "--event", "absent.json"], 2, "Error: --event absent.json: No such file or"),
        (["echo", "--event", "handlers/app.py"], 2, "Error: --event handlers/app.py: not JSON: "),
    ],
)
def test_mistakes_are_one_line(services: Services, words: list[str], code: int, line: str) -> None:
    ran = services("invoke", *words)

    assert (ran.code, ran.out) == (code, "")
    assert ran.err.splitlines()[-1].startswith(line)


def test_a_mistake_in_services_yaml_is_said_as_validate_does(services: Services) -> None:
    write_services(services.folder, TEXT.replace("app.fail", "app.fial"))
    ran = services("invoke", "echo")

    assert ran.code == 1
    assert "did you mean 'fail'?" in ran.out


def test_a_running_service_runs_the_function(services: Services) -> None:
    file = services.folder / ".services" / "local" / "running.json"
    settings = Settings(port=0, running=file)
    with running(Project(services.folder / "services.yaml"), settings, Feed()):
        assert file.stat().st_mode & 0o777 == 0o600
        counted = [services("invoke", "count").out for _ in range(2)]
        echoed = services("invoke", "echo")
        failed = services("invoke", "fail")
        own = services("invoke", "count", "--packaged").out

    assert counted == ["1\n", "2\n"]
    assert own == "1\n"
    assert "\nprinted\n" in echoed.err
    assert (failed.code, json.loads(failed.out)["errorType"]) == (1, "ValueError")
    assert not file.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"gates": {"eu-west-1": "http://127.0.0.1:1"}, "access_key": "a", "secret_key": "b"}',
    ],
)
def test_a_service_that_is_gone_is_not_asked(services: Services, text: str) -> None:
    file = services.folder / ".services" / "local" / "running.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)

    assert services("invoke", "count").out == "1\n"


def test_another_service_that_came_meanwhile_keeps_its_file(services: Services) -> None:
    file = services.folder / ".services" / "local" / "running.json"
    project = Project(services.folder / "services.yaml")
    with running(project, Settings(port=0, running=file), Feed()):
        file.write_text("{}")

    assert file.read_text() == "{}"
