"""`services init`: what it writes passes everything at once, and nothing there is ever changed."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from pathspec import PathSpec

from framework.commands import scaffold
from tests.support.commands import Ran, Services, run_main
from tests.support.local import wait_until
from tests.support.projects import ROOT

FILES = [
    ".github/workflows/ci.yml",
    ".gitignore",
    ".idea/jsonSchemas.xml",
    ".pre-commit-config.yaml",
    ".vscode/extensions.json",
    ".vscode/settings.json",
    "Pulumi.yaml",
    "README.md",
    "__main__.py",
    "handlers/hello.py",
    "handlers/requirements.txt",
    "requirements-dev.txt",
    "requirements.txt",
    "schema/project.schema.json",
    "services.yaml",
    "tests/test_hello.py",
]

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


@pytest.fixture
def services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Services:
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Ran:
        return run_main(words, capsys)

    return run


@pytest.fixture
def made(tmp_path: Path, services: Services) -> Path:
    """A new project, notes."""
    assert services("init", "notes").code == 0
    return tmp_path / "notes"


def files_in(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def test_says_what_is_there_and_what_comes_next(services: Services, tmp_path: Path) -> None:
    ran = services("init", "notes")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[:4] == [
        "service notes: 16 files in notes",
        "",
        "Next:",
        "  cd notes",
    ]
    assert files_in(tmp_path / "notes") == FILES


def test_in_the_folder_itself(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "3 My Notes!").mkdir()
    monkeypatch.chdir(tmp_path / "3 My Notes!")
    (tmp_path / "3 My Notes!" / "other.txt").write_text("mine", "utf-8")
    ran = services("init", ".")
    assert ran.out.startswith("service my-notes: 16 files in .\n\nNext:\n  services validate")


def test_validates_and_plans_at_once(
    services: Services, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made)
    assert services("validate").out == "services.yaml: fine, 1 function, 1 route\n"
    planned = services("plan", "--account", "123456789012", "--region", "eu-west-1")
    assert planned.out.startswith("service notes, stack dev, account 123456789012, eu-west-1\n")
    assert services("schema", "--for", "services.yaml").out == (
        made / "schema" / "project.schema.json"
    ).read_text("utf-8")
    assert files_in(made) == FILES


def test_its_tests_pass_at_once(made: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=made, capture_output=True, text=True, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout


def test_it_answers_at_once(made: Path) -> None:
    with local(made) as address, httpx.Client(trust_env=False, timeout=30) as client:
        answer = client.get(f"{address}/hello")
    assert (answer.status_code, answer.json()) == (200, {"function": "hello"})


@contextmanager
def local(project: Path) -> Iterator[str]:
    """`services local` in a project, on a free port; its address."""
    said = project.parent / "said.txt"
    with said.open("w") as out:
        running = subprocess.Popen(
            [sys.executable, "-m", "framework", "local", "--port", "0"],
            cwd=project, stdout=out, stderr=out, env={**ENVIRONMENT, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip

    def up() -> bool:
        return " is up on " in said.read_text("utf-8")

    try:
        wait_until(lambda: up() or running.poll() is not None, 60)
        assert up(), said.read_text("utf-8")
        yield said.read_text("utf-8").partition(" is up on ")[2].partition(" ")[0]
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(30)


def test_its_files_are_what_their_readers_take(made: Path) -> None:
    def read(path: str) -> str:
        return (made / path).read_text("utf-8")

    assert not [path for path in FILES if re.search("@[A-Z]+@", read(path))]
    ci = yaml.safe_load(read(".github/workflows/ci.yml"))
    runs = [step.get("run") for step in ci["jobs"]["check"]["steps"]]
    assert runs[-3:] == [
        "pip install -r requirements-dev.txt",
        "services validate",
        "python -m pytest",
    ]
    assert ci["permissions"] == {"contents": "read"}
    hook = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"][0]["hooks"][0]
    assert (hook["entry"], hook["pass_filenames"]) == ("services validate", False)
    assert yaml.safe_load(read("Pulumi.yaml"))["name"] == "notes"
    settings = json.loads(read(".vscode/settings.json"))
    assert settings["yaml.schemas"] == {"./schema/project.schema.json": "services.yaml"}
    assert "redhat.vscode-yaml" in json.loads(read(".vscode/extensions.json"))["recommendations"]
    options = ElementTree.fromstring(read(".idea/jsonSchemas.xml")).iter("option")
    assert ("relativePathToSchema", "schema/project.schema.json") in [
        (option.get("name"), option.get("value")) for option in options
    ]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert read("requirements.txt") == f"pulumi-services[local]>={version}\n"
    assert read("__main__.py") == (ROOT / "__main__.py").read_text("utf-8")


def test_git_ignores_what_can_be_made_again_and_nothing_else(made: Path) -> None:
    spec = PathSpec.from_lines("gitignore", (made / ".gitignore").read_text().splitlines())
    assert not list(spec.match_files(FILES))
    remade = [".venv/a", ".services/a", "handlers/__pycache__/a.pyc", ".idea/workspace.xml"]
    assert sorted(spec.match_files(remade)) == sorted(remade)


def test_its_code_is_formatted_as_ours_is(made: Path) -> None:
    for words in (["check"], ["format", "--check"]):
        ran = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--config", ROOT / "pyproject.toml", made],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout


def test_no_template_is_python_that_our_own_tools_would_read() -> None:
    folder = ROOT / "framework" / "data" / "project"
    assert not list(folder.rglob("*.py"))
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("name", ["null", "true", "no", "n"])
def test_a_name_that_yaml_would_take_for_something_else(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert services("init", "other", "--name", name).code == 0
    monkeypatch.chdir(tmp_path / "other")
    assert services("validate").code == 0
    assert yaml.safe_load((tmp_path / "other" / "Pulumi.yaml").read_text())["name"] == name


@pytest.mark.parametrize("name", ["Notes", "a_b", "", "1st", "a" * 65, "a\x1b[31m"])
def test_a_wrong_name_is_refused(services: Services, tmp_path: Path, name: str) -> None:
    ran = services("init", "notes", "--name", name)
    assert ran.code == 2
    assert ran.err.endswith(
        "Error: a name is lower-case words joined by hyphens, at most 64 characters, "
        "such as list-notes\n"
    )
    assert not (tmp_path / "notes").exists()


@pytest.mark.parametrize(
    ("folder", "name"), [("42", "service"), ("__", "service"), ("Ü-é-Notes", "notes")]
)
def test_the_name_comes_from_the_folder(services: Services, folder: str, name: str) -> None:
    assert services("init", folder).out.startswith(f"service {name}: ")


def test_where_a_file_is_there_nothing_is_written(services: Services, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    (folder / "handlers").mkdir(parents=True)
    (folder / "README.md").symlink_to("nowhere")
    (folder / "handlers" / "hello.py").write_text("mine", "utf-8")
    ran = services("init", "notes")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "services: nothing written: notes already has README.md, handlers/hello.py\n"
    )
    assert files_in(folder) == ["README.md", "handlers/hello.py"]


def test_a_file_is_no_folder(services: Services, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("", "utf-8")
    assert services("init", "notes").err == "services: notes is no folder\n"


def test_what_cannot_all_be_written_is_not_written(services: Services, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "tests").write_text("a file", "utf-8")
    ran = services("init", "notes")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "services: cannot write notes/tests/test_hello.py: not a directory\n"
    assert files_in(tmp_path / "notes") == ["tests"]
    assert [path.name for path in (tmp_path / "notes").iterdir()] == ["tests"]


def test_a_link_that_leads_out_is_not_followed(services: Services, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "notes" / "tests").symlink_to(tmp_path / "elsewhere")
    ran = services("init", "notes")
    assert ran.err == "services: nothing written: notes/tests leads out of it\n"
    assert not list((tmp_path / "elsewhere").iterdir())


def test_on_a_terminal_the_name_may_be_changed(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "framework", "init", "notes"],
        cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, env=ENVIRONMENT,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, b"My Notes\nmy-notes\n")
    said = ""
    while "services add" not in said:
        said += os.read(ours, 10_000).decode()
    assert running.wait(30) == 0
    os.close(ours)
    assert "The service's name [notes]: " in said
    assert "a name is lower-case words" in said
    assert "service my-notes: 16 files in notes" in said


def test_the_handler_has_types_and_a_docstring(made: Path) -> None:
    tree = ast.parse((made / "handlers" / "hello.py").read_text("utf-8"))
    assert ast.get_docstring(tree) == "functions.hello of services.yaml."


def test_the_page_about_a_first_project(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands of docs/starting.md, one after the other, print what the page shows."""
    page = (ROOT / "docs" / "starting.md").read_text("utf-8")
    blocks = "".join(re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    ran = 0
    for step in re.split(r"^\$ ", blocks, flags=re.MULTILINE)[1:]:
        command, _, shown = step.partition("\n")
        words = shlex.split(command)
        if words[0] == "cd":
            monkeypatch.chdir(words[1])
        elif words[0] == "services":
            printed = services(*words[1:])
            assert printed.out + printed.err == shown, command
            ran += 1
    assert ran == 10
    (diff,) = re.findall(r"^```diff\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    before = (line[1:] for line in diff.splitlines() if not line.startswith("+"))
    made = scaffold.filled("services.yaml.txt", {})
    assert "\n".join(before) in made
    after = "".join(line[1:] + "\n" for line in diff.splitlines())
    services_yaml = (tmp_path / "notes" / "services.yaml").read_text("utf-8")
    assert after in services_yaml.replace("  POST /notes: {function: list-notes, auth: none}\n", "")


def test_writing_restores_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_bytes(b"old")
    (tmp_path / "old.txt").chmod(0o640)
    contents = {
        tmp_path / "old.txt": b"new",
        tmp_path / "a" / "b" / "new.txt": b"new",
        tmp_path / "old.txt" / "below": b"",
    }
    with pytest.raises(OSError, match=r"old\.txt"):
        scaffold.write_all(contents)
    assert files_in(tmp_path) == ["old.txt"]
    assert (tmp_path / "old.txt").read_bytes() == b"old"
    assert (tmp_path / "old.txt").stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["old.txt"]
