from __future__ import annotations

from pathlib import Path

import pytest

import framework
from tests.support.monitor import Log, run
from tests.support.projects import project
from tests.support.wheels import make_folder, make_wheel, requiring

SERVICE = """\
service: notes
functions: {hello: {handler: app.main}}
alarms: {enabled: false, reason: a test}
"""


def test_what_packages_have_to_say_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    make_wheel(tmp_path / "wheels", "tiny")
    file = project(tmp_path, SERVICE)
    text = requiring(tmp_path / "wheels", "tiny")
    make_folder(tmp_path / "handlers", {"requirements.txt": text})
    done = run(lambda: framework.deploy(file), config={"aws:region": "eu-west-1"})
    assert done.error is None
    assert done.logs == (
        Log(
            "warning",
            f"{file}:2:13: warning: functions.hello.source: requirements.txt does not pin all that"
            " it installs; the lines that do: tiny==1.0",
        ),
    )


def test_a_handler_that_is_not_in_its_package_deploys_nothing(tmp_path: Path) -> None:
    file = project(tmp_path, SERVICE)
    make_folder(tmp_path / "handlers", {".packageignore": "/app.py\n", "other.py": ""})
    done = run(lambda: framework.deploy(file), config={"aws:region": "eu-west-1"})
    assert str(done.error) == (
        f"nothing is deployed:\n  {file}:2:30: functions.hello.handler: app.py is not in the"
        " package: a rule, or a line of .packageignore, leaves it out"
    )
    assert set(done.registered) == {"aws"}
