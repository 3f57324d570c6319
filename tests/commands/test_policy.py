"""`services policy` as a person meets it, and the commands of its page."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from framework.commands import main
from tests.support.projects import ROOT, project

SERVICE = "service: x\nfunctions: {a: {handler: app.main}}\n"
REAL = ("--account", "123456789012", "--region", "eu-west-1")

Services = Callable[..., tuple[object, str, str]]


@pytest.fixture
def services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Services:
    """Runs `services WORDS` in a project of its own: (exit code, output, errors)."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    project(tmp_path, SERVICE)

    def run(*words: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(words)
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return run


def test_prints_json_and_nothing_else(services: Services) -> None:
    code, out, err = services("policy", *REAL)
    assert (code, err) == (0, "")
    printed = json.loads(out)
    assert list(printed) == ["policies"]
    assert [list(each) for each in printed["policies"]] == [["Version", "Statement"]]


def test_says_what_is_a_stand_in(services: Services) -> None:
    code, out, err = services("policy")
    assert code == 0
    assert "arn:aws:lambda:us-east-1:000000000000:function:x-dev-a" in out
    assert err == (
        "note: account 000000000000 stands for the stack's: --account says it\n"
        "note: region us-east-1 stands for the stack's: --region says it\n"
    )


def test_by_prefix_is_said(services: Services) -> None:
    _, out, err = services("policy", *REAL, "--by-prefix")
    assert "function:x-dev-*" in out
    assert "x-dev-a" not in out
    assert err == "note: names in cloudwatch, logs, lambda, iam are allowed by the prefix x-dev-\n"


def test_more_documents_than_a_role_takes_are_said(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framework.commands.policy.MOST_DOCUMENTS", 0)
    _, _, err = services("policy", *REAL)
    assert err == (
        "note: a role takes 0 managed policies unless AWS has raised that quota, and these are 1\n"
    )


@pytest.mark.parametrize(
    ("words", "subject"),
    [
        (["--github", "o/r"], "repo:o/r:ref:refs/heads/main"),
        (["--github", "o/r", "--branch", "release/1"], "repo:o/r:ref:refs/heads/release/1"),
        (["--github", "o/r", "--github-environment", "prod"], "repo:o/r:environment:prod"),
        (["--github", "o@1/r@2"], "repo:o@1/r@2:ref:refs/heads/main"),
    ],
)
def test_trust(services: Services, words: list[str], subject: str) -> None:
    code, out, _ = services("policy", *REAL, *words)
    assert code == 0
    statement = json.loads(out)["trust"]["Statement"][0]
    conditions = statement["Condition"]["StringEquals"]
    assert conditions["token.actions.githubusercontent.com:sub"] == subject


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--branch", "main"], "go with --github OWNER/REPO"),
        (["--github-environment", "prod"], "go with --github OWNER/REPO"),
        (["--github", "o/r", "--branch", "a", "--github-environment", "b"], "exclude each other"),
        (["--github", "o"], "--github takes OWNER/REPO"),
        (["--github", "o/*"], "--github takes OWNER/REPO"),
        (["--github", "o@1/r"], "--github takes OWNER/REPO"),
        (["--github", "o/r", "--branch", "ma*n"], "a branch or environment is letters"),
        (["--github", "o/r", "--github-environment", "${aws:x}"], "a branch or environment is"),
        (["--account", "1"], "--account takes the twelve digits"),
    ],
)
def test_wrong_words(services: Services, words: list[str], said: str) -> None:
    code, out, err = services("policy", *words)
    assert (code, out) == (2, "")
    assert said in err


def test_a_mistake_in_the_file(services: Services, tmp_path: Path) -> None:
    project(tmp_path, SERVICE.replace("app.main", "app.mian"))
    code, out, _ = services("policy")
    assert code == 1
    assert "handlers/app.py has no function mian" in out


def test_an_environment_brings_its_account_and_regions(services: Services, tmp_path: Path) -> None:
    environments = 'environments: {prod: {account: "123456789012", regions: [eu-west-1]}}\n'
    project(tmp_path, SERVICE + environments)
    code, out, err = services("policy", "--stack", "prod")
    assert (code, err) == (0, "")
    assert "arn:aws:lambda:eu-west-1:123456789012:function:x-prod-a" in out


AWS = """#!{python}
import json, pathlib, sys
for word in sys.argv[1:]:
    if word.startswith("file://"):
        json.loads(pathlib.Path(word.removeprefix("file://")).read_text())
with open("aws.log", "a") as log:
    print(*sys.argv[1:], file=log)
"""
"""Stands for the aws command: reads the documents it is given and writes down its words."""


@pytest.mark.skipif(not shutil.which("jq"), reason="the page's commands need jq, not on PATH here")
def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "deployer-policy.md").read_text("utf-8")
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "aws").write_text(AWS.format(python=sys.executable), "utf-8")
    (commands / "services").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m framework "$@"\n', "utf-8"
    )
    for each in commands.iterdir():
        each.chmod(0o755)
    project(tmp_path, SERVICE)
    path = f"{commands}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    done = (tmp_path / "aws.log").read_text("utf-8").splitlines()
    assert [line.split()[1] for line in done] == [
        "create-open-id-connect-provider",
        "create-role",
        "create-policy",
        "attach-role-policy",
    ]
