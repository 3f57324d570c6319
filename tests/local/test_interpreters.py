"""Which Python runs a function."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from framework.local.interpreters import CURRENT, Interpreter, interpreter_for, look_for

OTHER = "3.99"


def program(folder: Path, text: str, name: str = f"python{OTHER}") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders that are the whole PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'first'}:{tmp_path / 'second'}:")
    return tmp_path


def test_the_current_python_needs_no_look() -> None:
    found = interpreter_for(f"python{CURRENT}")

    assert found == Interpreter(Path(sys.executable), CURRENT, CURRENT)
    assert found.note == ""


def test_the_first_that_runs_is_taken(path: Path) -> None:
    program(path / "first", "#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    good = program(path / "second", f"#!/bin/sh\necho {OTHER}\n")

    found = interpreter_for(f"python{OTHER}")

    assert (found.executable, found.version, found.note) == (good, OTHER, "")


@pytest.mark.parametrize("text", ["#!/bin/sh\necho 3.12\n", "#!/missing/shell\n"])
def test_what_is_another_version_or_no_program_is_passed_over(path: Path, text: str) -> None:
    program(path / "first", text)
    (path / "second" / f"python{OTHER}").mkdir(parents=True)

    found = interpreter_for(f"python{OTHER}")

    assert found == Interpreter(Path(sys.executable), CURRENT, OTHER)
    assert found.note == (
        f"python{OTHER} is not installed: its functions run on Python {CURRENT}, which may differ"
        " from Lambda"
    )


def test_pyenvs_own_pythons_are_taken_instead_of_its_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program_of = tmp_path / "versions" / f"{OTHER}.1" / "bin"
    program_of.mkdir(parents=True)
    good = program(program_of, f"#!/bin/sh\necho {OTHER}\n")
    program(tmp_path / "shims", "#!/bin/sh\nexit 127\n")
    monkeypatch.setenv("PATH", str(tmp_path / "shims"))

    assert interpreter_for(f"python{OTHER}").executable == good


def test_what_is_looked_for_early_is_found_once(path: Path) -> None:
    """The early look and the later question share one answer."""
    counter = path / "count"
    program(path / "first", f"#!/bin/sh\necho x >> {counter}\necho {OTHER}\n")

    look_for([f"python{OTHER}", f"python{OTHER}"])

    assert interpreter_for(f"python{OTHER}").version == OTHER
    assert counter.read_text() == "x\n"
