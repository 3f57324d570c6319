"""The command line as a person meets it: what is printed, where, and the exit code."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from framework.commands import VERBS, main
from tests.support.projects import ROOT, project

GOOD = "service: x\nfunctions: {a: {handler: app.main}}\nalarms: {enabled: false, reason: a test}\n"


class Ran:
    """One run of the command line in this process."""

    def __init__(self, code: object, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Services:
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    return Services(tmp_path, capsys)


class Services:
    """Runs `services WORDS` in a folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def __call__(self, *words: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main(words)
        printed = self._capsys.readouterr()
        return Ran(ended.value.code, printed.out, printed.err)


def test_validate_says_what_is_there(services: Services) -> None:
    project(services.folder, GOOD)
    ran = services("validate")
    assert (ran.code, ran.out, ran.err) == (0, "services.yaml: fine, 1 function\n", "")


def test_validate_of_an_empty_service(services: Services) -> None:
    project(services.folder, "service: x\n")
    assert services("validate").out == "services.yaml: fine, though there is nothing in it yet\n"


def test_validate_prints_warnings_and_is_content(services: Services) -> None:
    project(services.folder, GOOD.replace("app.main", "app.main, runtime: python3.99"))
    ran = services("validate")
    assert ran.code == 0
    assert ran.out == (
        "services.yaml:2:45: warning: functions.a.runtime: python3.99 is not known here; "
        "the newest that is known is python3.14\nservices.yaml: fine, 1 function\n"
    )


@pytest.mark.parametrize("words", [["sub/services.yaml"], ["--file", "sub/services.yaml"]])
def test_the_file_may_be_elsewhere_and_is_named_as_given(
    services: Services, words: list[str]
) -> None:
    (services.folder / "sub").mkdir()
    project(services.folder / "sub", GOOD.replace("app.main", "app.mian"))
    ran = services("validate", *words)
    assert ran.code == 1
    assert ran.out == (
        "sub/services.yaml:2:26: functions.a.handler: handlers/app.py has no function mian, "
        "did you mean 'main'?\n"
    )


def test_a_file_that_is_not_there(services: Services) -> None:
    ran = services("validate")
    assert ran.code == 1
    assert ran.out.startswith("services.yaml:1:1: does not exist")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["valdate"], "No such command 'valdate'"),
        (["validate", "a.yaml", "--file", "b.yaml"], "FILE and --file name different files"),
        (["validate", "--nonsense"], "No such option"),
        (["plan", "--account", "1234"], "--account takes the twelve digits of an AWS account"),
        (["plan", "--stack", "a b"], "--stack takes letters, digits, hyphens, dots"),
        (["plan", "--region", "Ireland"], "--region takes a region such as eu-west-1"),
    ],
)
def test_wrong_words_end_with_2(services: Services, words: list[str], said: str) -> None:
    project(services.folder, GOOD)
    ran = services(*words)
    assert ran.code == 2
    assert ran.out == ""
    assert said in ran.err


def test_a_bug_of_ours_ends_with_3_and_says_so(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(services.folder, GOOD)

    def broken(path: Path) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("framework.compiler.check", broken)
    ran = services("validate")
    assert ran.code == 3
    assert "RuntimeError: a bug" in ran.err
    assert "This is a bug in pulumi-services, not a mistake of yours." in ran.err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_worth_reading(services: Services, verb: str) -> None:
    ran = services(verb, "--help")
    assert ran.code == 0
    assert len(ran.out.splitlines()) > 8
    assert f"services {verb}" in ran.out


def test_the_overview_names_every_verb(services: Services) -> None:
    ran = services("--help")
    assert all(f"\n  {verb} " in ran.out for verb in VERBS)


def test_version(services: Services) -> None:
    assert services("--version").out == "services, version 0.1.0\n"


def test_plan_shows_entries_resources_and_names(services: Services) -> None:
    project(services.folder, GOOD)
    ran = services("plan", "--account", "123456789012", "--region", "eu-west-1")
    assert ran.code == 0
    assert ran.out == (
        "service x, stack dev, account 123456789012, eu-west-1\n"
        "\n"
        "functions.a\n"
        "  ·                    lambda.Function                            x-dev-a\n"
        "  logs                 cloudwatch.LogGroup                        /aws/lambda/x-dev-a\n"
        "  role                 iam.Role                                   x-dev-a-eu-west-1\n"
        "  policy               iam.RolePolicy                             function\n"
        "\n"
        "relaxed\n"
        "  alarms.enabled: nothing that goes wrong is noticed (because: a test)\n"
        "\n"
        "4 resources\n"
    )


def test_plan_says_what_it_assumes(services: Services) -> None:
    project(services.folder, GOOD)
    lines = services("plan").out.splitlines()
    assert lines[:3] == [
        "service x, stack dev, account 000000000000, us-east-1",
        "  (account 000000000000 stands for the stack's: --account says it)",
        "  (region us-east-1 stands for the stack's: --region says it)",
    ]


def test_plan_takes_the_region_of_the_stack(services: Services) -> None:
    project(services.folder, GOOD)
    settings = services.folder / "Pulumi.prod.yaml"
    settings.write_text("config:\n  aws:region: eu-north-1\n  x:a: {secure: b}\n", "utf-8")
    assert services("plan", "--stack", "prod").out.startswith(
        "service x, stack prod, account 000000000000, eu-north-1\n"
    )


def test_plan_takes_the_region_of_the_shell(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(services.folder, GOOD)
    monkeypatch.setenv("AWS_REGION", "eu-south-1")
    (services.folder / "Pulumi.dev.yaml").write_text("config: [", "utf-8")
    assert ", eu-south-1\n" in services("plan").out


def test_plan_takes_the_regions_of_the_file_first(services: Services) -> None:
    project(services.folder, "regions: [eu-west-1, us-east-1]\n" + GOOD)
    assert ", eu-west-1, us-east-1\n" in services("plan", "--region", "eu-north-1").out


def test_plan_as_json_is_the_whole_plan(services: Services) -> None:
    project(services.folder, GOOD)
    data = json.loads(services("plan", "--json").out)
    assert data["format"] == 1
    assert data["target"] == {"stack": "dev", "account": "000000000000", "regions": ["us-east-1"]}
    assert [each["key"] for each in data["resources"]] == [
        "functions.a/logs",
        "functions.a/role",
        "functions.a/policy",
        "functions.a",
    ]


def test_schema_prints_the_committed_one(services: Services) -> None:
    ran = services("schema")
    assert ran.out == (ROOT / "schema" / "services.schema.json").read_text("utf-8")


def test_the_reference_is_that_of_the_models(services: Services) -> None:
    ran = services("schema", "--reference")
    assert ran.out == (ROOT / "docs" / "services-yaml.md").read_text("utf-8"), "run make reference"


@pytest.mark.parametrize("words", [["schema", "--check"], ["schema", "--check", "old.json"]])
def test_schema_check_notices_an_old_one(services: Services, words: list[str]) -> None:
    (services.folder / "old.json").write_text("{}", "utf-8")
    ran = services(*words)
    assert ran.code == 1
    assert "is not this version's schema: run  services schema >" in ran.err


def test_schema_check_of_the_committed_one(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    ran = services("schema", "--check")
    assert (ran.code, ran.out) == (
        0,
        "schema/services.schema.json is this version's schema\n",
    )


def test_package_builds_copies_and_compares(services: Services) -> None:
    project(services.folder, GOOD)
    ran = services("package", "--out", "dist", "--check")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].startswith("a ")
    assert lines[1] == "1 package built twice, the same to the byte"
    assert (services.folder / "dist" / "a.zip").read_bytes()[:2] == b"PK"


def test_package_that_cannot_be_built(services: Services) -> None:
    project(services.folder, GOOD)
    (services.folder / "handlers" / "requirements.txt").write_text("-e .\n", "utf-8")
    ran = services("package")
    assert ran.code == 1
    assert ran.out.startswith("services.yaml:2:13: functions.a.source: ")


def test_package_into_what_is_no_folder(services: Services) -> None:
    project(services.folder, GOOD)
    (services.folder / "dist").write_text("a file", "utf-8")
    ran = services("package", "--out", "dist")
    assert (ran.code, ran.err) == (1, "services: cannot write to dist: file exists\n")


def test_python_m_framework_is_the_same_command() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "framework", "validate"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout == "services.yaml: fine, 4 functions, 4 routes, 1 bucket, 2 parameters\n"


def test_a_reader_that_goes_away_is_no_bug() -> None:
    ran = subprocess.run(
        f"{sys.executable} -m framework plan --json | head -c 1",
        cwd=ROOT, shell=True, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (ran.stdout, ran.stderr) == ("{", "")


def test_a_terminal_sees_the_line_and_a_caret(tmp_path: Path) -> None:
    project(tmp_path, GOOD.replace("app.main", "app.mian"))
    ours, theirs = pty.openpty()
    ran = subprocess.Popen(
        [sys.executable, "-m", "framework", "validate"],
        cwd=tmp_path, stdout=theirs, stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "TERM": "dumb"},
    )  # fmt: skip
    os.close(theirs)
    ran.wait()
    lines = os.read(ours, 10_000).decode().replace("\r\n", "\n")
    os.close(ours)
    assert "  2 | functions: {a: {handler: app.mian}}\n" in lines
    assert "\n" + " " * 31 + "^^^^^^^^\n" in lines
