from __future__ import annotations

import sys
from pathlib import Path

import pytest

from framework.packaging import import_time
from framework.packaging.import_time import import_seconds
from tests.support.wheels import make_folder


def measured(source: Path, module: str = "app", **variables: str) -> float | str:
    return import_seconds((source,), module, sys.executable, variables)


def test_seconds(tmp_path: Path) -> None:
    make_folder(tmp_path, {"app.py": "import json\nprint('noise', end='')\n"})
    seconds = measured(tmp_path)
    assert isinstance(seconds, float)
    assert seconds > 0
    assert [path.name for path in tmp_path.iterdir()] == ["app.py"]


def test_modules_in_folders(tmp_path: Path) -> None:
    make_folder(tmp_path, {"a/b.py": "import os\nassert os.environ['X'] == 'é'\n"})
    assert isinstance(measured(tmp_path, "a.b", X="é"), float)


def test_threads_that_go_on_and_what_is_printed_at_the_end(tmp_path: Path) -> None:
    text = (
        "import atexit, threading, time\natexit.register(print, 'bye')\n"
        "threading.Thread(target=time.sleep, args=(1000,)).start()\n"
    )
    assert isinstance(measured(make_folder(tmp_path, {"app.py": text})), float)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import absent_module\n", "ModuleNotFoundError: No module named 'absent_module'"),
        ("raise SystemExit(0)\n", "SystemExit: 0"),
        ("raise ValueError('two\\nlines')\n", "ValueError: two"),
        ("import os\nos._exit(7)\n", "exit code 7"),
        ("import os\nos.environ['HOME_OF_NOTES']\n", "KeyError: 'HOME_OF_NOTES'"),
    ],
)
def test_why_it_cannot_be_said(tmp_path: Path, text: str, why: str) -> None:
    assert measured(make_folder(tmp_path, {"app.py": text})) == why


def test_credentials_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    text = "import os\nassert 'AWS_SECRET_ACCESS_KEY' not in os.environ\n"
    assert isinstance(measured(make_folder(tmp_path, {"app.py": text})), float)


def test_an_import_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_time, "MOST_SECONDS", 0.2)
    make_folder(tmp_path, {"app.py": "while True: pass\n"})
    assert measured(tmp_path) == "it takes longer than 0 seconds"


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    why = import_seconds((tmp_path,), "app", "/absent/python", {})
    assert why == "/absent/python cannot be started: No such file or directory"


def test_what_the_runtime_brings_is_there_and_nothing_beside_it(tmp_path: Path) -> None:
    beside = {"boto/__init__.py": "import six\n", "six.py": "", "other.py": ""}
    place = str(make_folder(tmp_path / "site", beside))
    source = make_folder(tmp_path / "source", {"app.py": "import boto", "wrong.py": "import other"})
    runtime = {"boto": place, "six": place}

    assert isinstance(import_seconds((source,), "app", sys.executable, {}, runtime), float)
    assert import_seconds((source,), "wrong", sys.executable, {}, runtime) == (
        "ModuleNotFoundError: No module named 'other'"
    )


def test_what_is_required_comes_before_what_the_runtime_brings(tmp_path: Path) -> None:
    place = str(make_folder(tmp_path / "site", {"six.py": "raise ValueError('the runtime')"}))
    source = make_folder(tmp_path / "source", {"app.py": "import six", "six.py": ""})

    assert isinstance(import_seconds((source,), "app", sys.executable, {}, {"six": place}), float)
