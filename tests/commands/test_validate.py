"""`services validate --format`: one file with eight mistakes, and what every format says of it.

What is printed is recorded in tests/formats; `pytest tests/commands --update` records it again.
"""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from framework.commands import main
from framework.commands.output import repository_path
from framework.language.formats import FORMATS
from tests.support.golden import matches
from tests.support.projects import ROOT, project
from tests.support.sarif import SARIF

EIGHT = ROOT / "tests" / "formats"
ENDINGS = {"json": "json", "sarif": "sarif"}

GOOD = "service: x\nfunctions: {a: {handler: app.main}}\nalarms: {enabled: false, reason: a test}\n"
WARNED = GOOD.replace("app.main", "app.main, runtime: python3.99")


@dataclass(frozen=True)
class Validated:
    """How a run of `services validate` ended and what it printed."""

    code: object
    out: str
    err: str


@pytest.fixture
def validate(capsys: pytest.CaptureFixture[str]) -> Validate:
    return Validate(capsys)


class Validate:
    """Runs `services validate WORDS` in the present folder."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> Validated:
        with pytest.raises(SystemExit) as ended:
            main(["validate", *words])
        printed = self._capsys.readouterr()
        return Validated(ended.value.code, printed.out, printed.err)


@pytest.fixture
def eight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The present folder is that with the eight mistakes, in a git work tree."""
    (tmp_path / ".git").mkdir()
    folder = shutil.copytree(EIGHT, tmp_path / "tests" / "formats")
    monkeypatch.chdir(folder)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.usefixtures("eight")
def test_eight_mistakes(form: str, update: bool, validate: Validate) -> None:
    ran = validate("--format", form)
    matches(ran.out, EIGHT / f"{form}.{ENDINGS.get(form, 'txt')}", update)
    assert (ran.code, ran.err) == (1, "")
    assert "13371337" not in ran.out


def test_the_formats_agree() -> None:
    found = json.loads((EIGHT / "json.json").read_text("utf-8"))["problems"]
    lines = (EIGHT / "concise.txt").read_text("utf-8").splitlines()
    log = json.loads((EIGHT / "sarif.sarif").read_text("utf-8"))
    Draft7Validator(SARIF).validate(log)
    results = log["runs"][0]["results"]
    commands = (EIGHT / "github.txt").read_text("utf-8").splitlines()
    assert len(found) == len(lines) == len(results) == 8
    assert [each["level"] for each in results] == [each["severity"] for each in found]
    assert commands[8:] == lines
    assert sum(command.startswith("::warning ") for command in commands) == 1


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("service: [x\n", "syntax"),
        ("service: x\nservice: y\n", "duplicate-key"),
        ("service: \udcff\n", "encoding"),
        (None, "unreadable"),
        ("service: x\nregions: []\n", "too-short"),
    ],
)
@pytest.mark.parametrize("form", FORMATS)
def test_whatever_is_wrong_is_said_in_the_format(
    form: str,
    text: str | None,
    rule: str,
    validate: Validate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "services.yaml").write_text(text, "utf-8", errors="surrogateescape")
    ran = validate("--format", form)
    assert (ran.code, ran.err) == (1, "")
    assert_said(ran.out, form, rule)


def assert_said(out: str, form: str, rule: str) -> None:
    match form:
        case "json":
            assert [each["rule"] for each in json.loads(out)["problems"]] == [rule]
        case "sarif":
            log = json.loads(out)
            Draft7Validator(SARIF).validate(log)
            assert [each["ruleId"] for each in log["runs"][0]["results"]] == [rule]
        case "github":
            assert out.startswith("::error file=services.yaml,line=")
            assert f",title=services ({rule})::" in out
        case "full":
            assert out.startswith("services.yaml:")
            assert out.endswith("\nFound 1 problem.\n")
        case _:
            assert out.startswith("services.yaml:")
            assert out.count("\n") == 1


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_wrong(
    form: str, validate: Validate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    project(tmp_path, GOOD)
    ran = validate("--format", form)
    assert (ran.code, ran.err) == (0, "")
    if form == "json":
        assert json.loads(ran.out) == {"version": 1, "problems": []}
    elif form == "sarif":
        assert json.loads(ran.out)["runs"][0]["results"] == []
    else:
        assert ran.out == "services.yaml: fine, 1 function\n"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("concise", "the newest that is known is python3.14\nservices.yaml: fine, 1 function\n"),
        ("full", "\nFound 1 warning.\nservices.yaml: fine, 1 function\n"),
        ("github", "::warning file=services.yaml,line=2,endLine=2,col=45,endColumn=55,"),
        ("json", '"severity": "warning"'),
        ("sarif", '"level": "warning"'),
    ],
)
def test_warnings_are_said_in_the_format_and_are_no_failure(
    form: str, said: str, validate: Validate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    project(tmp_path, WARNED)
    ran = validate("--format", form)
    assert ran.code == 0
    assert said in ran.out


def test_environments_are_counted(
    validate: Validate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    project(tmp_path, GOOD + "environments: {dev: {}, test: {}}\n")
    assert validate().out == "services.yaml: fine, 1 function, 2 environments\n"


def test_an_unknown_format_is_wrong_use(validate: Validate) -> None:
    ran = validate("--format", "xml")
    assert (ran.code, ran.out) == (2, "")
    assert "'xml' is not one of 'concise', 'full', 'json', 'github', 'sarif'" in ran.err


@pytest.mark.parametrize("git", ["folder", "file"])
def test_paths_are_those_of_the_work_tree(
    git: str, validate: Validate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if git == "folder":
        (tmp_path / ".git").mkdir()
    else:
        (tmp_path / ".git").write_text("gitdir: elsewhere\n", "utf-8")
    (tmp_path / "apps" / "my app").mkdir(parents=True)
    project(tmp_path / "apps" / "my app", GOOD.replace("main", "mian"))
    monkeypatch.chdir(tmp_path / "apps")
    file = "../apps/my app/services.yaml"
    assert "::error file=apps/my app/services.yaml," in validate(file, "--format", "github").out
    assert '"uri": "apps/my%20app/services.yaml"' in validate(file, "--format", "sarif").out
    assert f'"file": "{file}"' in validate(file, "--format", "json").out


def test_outside_of_a_work_tree_there_is_no_such_path(tmp_path: Path) -> None:
    assert repository_path(str(tmp_path / "services.yaml")) is None


def on_a_terminal(folder: Path, *words: str, **more: str) -> str:
    """What `services validate` prints on a terminal of 60 columns."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    ran = subprocess.Popen(
        [sys.executable, "-m", "framework", "validate", *words],
        cwd=folder, stdout=theirs, stderr=theirs,
        env={**environment, "PYTHONPATH": str(ROOT), "COLUMNS": "60", **more},
    )  # fmt: skip
    os.close(theirs)
    ran.wait()
    printed = os.read(ours, 100_000).decode().replace("\r\n", "\n")
    os.close(ours)
    return printed


def test_a_terminal_gets_colour_and_its_own_width(tmp_path: Path) -> None:
    project(tmp_path, GOOD.replace("app.main}", f"app.mian, description: {'x' * 200}}}"))
    lines = on_a_terminal(tmp_path).splitlines()
    assert lines[1].startswith("\x1b[2m  2 | \x1b[0mfunctions: {a: {handler: app.mian")
    assert lines[1].endswith("…")
    assert len(lines[1].replace("\x1b[2m", "").replace("\x1b[0m", "")) <= 60
    assert lines[2].endswith("\x1b[31m^^^^^^^^\x1b[0m")
    assert lines[3] == "Found 1 problem."


@pytest.mark.parametrize(
    ("words", "variables"),
    [((), {"NO_COLOR": "1"}), (("--format", "concise"), {}), (("--format", "json"), {})],
)
def test_no_colour_where_none_is_wanted(
    words: tuple[str, ...], variables: dict[str, str], tmp_path: Path
) -> None:
    project(tmp_path, GOOD.replace("main", "mian"))
    printed = on_a_terminal(tmp_path, *words, **variables)
    assert "has no function mian" in printed
    assert "\x1b" not in printed


PAGE = (ROOT / "docs" / "validating.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The page's blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", ["services.yaml", "concise.txt", "full.txt"])
def test_the_page_shows_what_is_recorded(name: str) -> None:
    recorded = (EIGHT / name).read_text("utf-8")
    assert recorded in blocks("yaml") + blocks("text")


def test_the_page_shows_parts_of_what_is_recorded() -> None:
    recorded = {
        path.suffix: re.sub(r"^ +", "", path.read_text("utf-8"), flags=re.MULTILINE)
        for path in (EIGHT / "json.json", EIGHT / "sarif.sarif", EIGHT / "github.txt")
    }
    shown = [re.sub(r"^ +", "", each, flags=re.MULTILINE) for each in blocks("json")]
    assert shown[0].strip() in recorded[".json"]
    assert shown[1].strip() in recorded[".sarif"]
    assert blocks("text")[2] in recorded[".txt"]


def test_the_page_names_every_format_and_field() -> None:
    fields = json.loads((EIGHT / "json.json").read_text("utf-8"))["problems"][0]
    assert all(f"\n### {form}\n" in PAGE and f"| `{form}` |" in PAGE for form in FORMATS)
    assert all(f"`{field}`" in PAGE for field in fields)


def test_the_pre_commit_hook_is_the_verb() -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert f"- id: {hook['id']}\n" in PAGE
    assert hook["entry"].split() == ["services", "validate"]
    assert hook["language"] == "python"
    files = ["services.yaml", "services.yml", "apps/services.yaml", "services.yaml.txt"]
    assert [file for file in files if re.search(hook["files"], file)] == files[:2]


def test_the_page_is_a_page_of_yaml_that_can_be_read() -> None:
    assert all(yaml.safe_load(block) for block in blocks("yaml"))
