"""`services package`: what it prints, and what of it is JSON."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from framework.commands import main
from framework.local.interpreters import interpreter_for
from tests.support.projects import ROOT, project
from tests.support.wheels import make_folder, make_wheel, requiring

LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:3"

SERVICE = f"""\
service: x
functions:
  a: {{handler: app.main, environment: {{SIZE: 3}}}}
  b: {{handler: app.main, architecture: x86_64, layers: ["{LAYER}"]}}
alarms: {{enabled: false, reason: a test}}
"""

Services = Callable[..., tuple[object, str, str]]


@pytest.fixture
def services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Services:
    """Runs the command line in a project that requires `tiny`: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    project(tmp_path, SERVICE)
    make_wheel(tmp_path / "wheels", "tiny")
    make_folder(tmp_path / "handlers", {"requirements.txt": requiring(tmp_path / "wheels", "tiny")})
    make_folder(
        tmp_path / "handlers",
        {"app.py": "import os, tiny\nos.environ['SIZE']\ndef main(event, context): ...\n"},
    )

    def run(*words: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(words)
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return run


LOOSE = (
    "services.yaml:3:3: warning: functions.a.source: requirements.txt does not pin all that it"
    " installs; the lines that do: tiny==1.0\n"
)


def test_what_is_not_pinned_is_a_warning_at_the_function(services: Services) -> None:
    code, out, err = services("package")
    assert (code, err) == (0, "")
    first, *rest = out.splitlines(keepends=True)
    assert first == LOOSE
    assert [line.split()[0] for line in rest] == ["a", "b"]


def test_versions_stay_until_upgrade(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    make_folder(tmp_path / "handlers", {"requirements.txt": "--no-index\ntiny\n"})
    first = services("package")[1]
    make_wheel(tmp_path / "wheels", "tiny", "2.0")
    assert services("package")[1] == first
    assert services("package", "--check")[0] == 0
    assert "the lines that do: tiny==2.0\n" in services("package", "--upgrade")[1]


def test_report(services: Services) -> None:
    code, out, err = services("package", "--report")
    assert (code, err) == (0, "")
    one, two = out.removeprefix(LOOSE).split("\n\n")
    lines = one.splitlines()
    assert lines[0] == "a  python3.13 on arm64"
    assert [line.split()[0] for line in lines[1:5]] == ["zipped", "unzipped", "import", "heaviest"]
    assert lines[1].endswith("% of 50.0 MB")
    assert lines[2].endswith("% of 250.0 MB")
    assert lines[3].endswith(" of this machine")
    parts = [line.split("  ")[-1].split(",")[0] for line in lines[4:]]
    assert parts == ["tiny==1.0", "its own files"]
    assert "  layers             1  count among the unzipped bytes, not measured here" in two
    assert "  import    cannot be measured here: KeyError: 'SIZE'" in two


def test_report_as_json(services: Services, tmp_path: Path) -> None:
    code, out, err = services("package", "--report", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["limits"] == {"zipped": 52_428_800, "unzipped": 262_144_000}
    assert told["warnings"] == [LOOSE.rstrip("\n")]
    a, b = told["functions"]["a"], told["functions"]["b"]
    path = tmp_path / f".services/packages/{a['sha256']}.zip"
    assert a["zipped"] == path.stat().st_size
    assert a["import"]["problem"] is None
    assert a["import"]["seconds"] > 0
    assert b["import"]["seconds"] is None
    assert [part["name"] for part in a["heaviest"]] == ["tiny==1.0", "its own files"]
    assert sum(part["unzipped"] for part in a["heaviest"]) == a["unzipped"]
    assert (a["layers"], b["layers"]) == (0, 1)


def test_report_where_nothing_can_be_installed_here(services: Services, tmp_path: Path) -> None:
    folder = tmp_path / "wheels"
    for architecture in ("aarch64", "x86_64"):
        make_wheel(folder, "away", tag=f"cp313-cp313-manylinux_2_34_{architecture}")
    make_folder(tmp_path / "handlers", {"requirements.txt": requiring(folder, "away==1.0")})
    make_folder(tmp_path / "handlers", {"app.py": "def main(event, context): ...\n"})
    code, out, err = services("package", "--report")
    assert (code, err) == (0, "")
    if interpreter_for("python3.13").version != "3.13":
        assert "import    cannot be measured here: requirements.txt:3: away==1.0 cannot be" in out


@pytest.mark.parametrize("words", [["--json"], ["--json", "--report", "--check"]])
def test_json_is_the_reports(services: Services, words: list[str]) -> None:
    code, out, err = services("package", *words)
    assert (code, out) == (2, "")
    assert err.endswith("--json belongs to --report, without --check and --prune\n")


def test_check_takes_the_versions_that_were_chosen(services: Services) -> None:
    services("package")
    code, out, _ = services("package", "--check")
    assert code == 0
    assert out.splitlines()[-1] == "2 packages built twice, the same to the byte"


def test_prune_leaves_what_the_service_needs(services: Services, tmp_path: Path) -> None:
    services("package")
    then = time.time() - 24 * 3600
    for path in (tmp_path / ".services/packages").iterdir():
        os.utime(path, (then, then))
    code, out, _ = services("package", "--prune", "--cache-limit", "0")
    assert code == 0
    assert out.splitlines()[-1] == "removed 1 thing, 0.0 MB, from the cache; 0.0 MB are left"
    assert len(list((tmp_path / ".services/packages").iterdir())) == 1


def test_prune_of_a_cache_that_cannot_be_changed(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(cache: Path, limit: int, needed: object) -> None:
        raise PermissionError(13, "Permission denied", "there")

    monkeypatch.setattr("framework.packaging.prune.prune", refuse)
    code, _, err = services("package", "--prune")
    assert (code, err) == (1, "services: cannot prune there: permission denied\n")


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"tests/app.py": "def main(event, context): ...\n"}, "tests/app.py"),
        ({"tests/app/__init__.py": "def main(event, context): ...\n"}, "tests/app/__init__.py"),
    ],
)
def test_a_handler_that_rules_leave_out(
    services: Services, tmp_path: Path, files: dict[str, str], place: str
) -> None:
    make_folder(tmp_path / "handlers", files)
    make_folder(tmp_path, {"services.yaml": SERVICE.replace("app.main, e", "tests.app.main, e")})
    code, out, _ = services("package")
    assert (code, out) == (
        1,
        f"services.yaml:3:16: functions.a.handler: {place} is not in the package: a rule, or a line"
        " of .packageignore, leaves it out\n",
    )
    make_folder(tmp_path / "handlers", {".packageignore": "!tests/\n"})
    assert services("package")[0] == 0


def test_a_bar_on_a_terminal(services: Services, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    ran = subprocess.Popen(
        [sys.executable, "-m", "framework", "package"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    out, _ = ran.communicate()
    os.close(theirs)
    bar = os.read(ours, 10_000).decode()
    os.close(ours)
    assert out.startswith(LOOSE)
    assert "building packages" in bar
    assert "100%" in bar


TWO = """\
service: x
functions:
  light: {{handler: app.main, source: light}}
  heavy: {{handler: app.main{heavy}}}
  other: {{handler: app.main{other}}}
alarms: {{enabled: false, reason: a test}}
"""

TOO_LARGE = (
    "services.yaml:{line}:3: functions.{function}.source: the package is 50.1 MB zipped, Lambda"
    " takes 50 MB directly: say  upload: bucket  to send it through one; heaviest: data.bin 50.1"
    " MB, app.py 0.1 MB\n"
)


def test_a_large_package_goes_through_a_bucket(services: Services, tmp_path: Path) -> None:
    handlers = tmp_path / "handlers"
    (handlers / "requirements.txt").unlink()
    (handlers / "data.bin").write_bytes(Random(0).randbytes(50 * 1024**2 + 1))
    for folder in ("handlers", "light"):
        make_folder(tmp_path / folder, {"app.py": "def main(event, context): ...\n"})
    file = tmp_path / "services.yaml"

    file.write_text(TWO.format(heavy="", other=""), "utf-8")
    assert services("package") == (1, TOO_LARGE.format(line=4, function="heavy"), "")
    file.write_text(TWO.format(heavy=", upload: bucket", other=""), "utf-8")
    refused = TOO_LARGE.format(line=5, function="other")
    assert services("package") == (1, refused, ""), "its package is handed over as before"
    file.write_text(TWO.format(heavy=", upload: bucket", other=", upload: bucket"), "utf-8")
    code, out, err = services("package", "--report", "--json")
    assert (code, err) == (0, "")
    functions = json.loads(out)["functions"]
    assert [each["upload"] for each in functions.values()] == ["direct", "bucket", "bucket"]
    assert functions["heavy"]["zipped"] > 52_428_800
    assert json.loads(out)["warnings"] == []
    code, out, _ = services("package", "--report")
    assert out.split("\n\n")[1].splitlines()[1] == "  zipped       50.0 MB  through a bucket"


@pytest.mark.parametrize("words", [["validate"], ["package"]])
def test_requirements_do_not_lead_out_of_the_project(
    services: Services, tmp_path: Path, words: list[str]
) -> None:
    make_folder(tmp_path / "handlers", {"requirements.txt": "six\n-r ../../theirs.txt\n"})
    code, out, _ = services(*words)
    assert (code, out.splitlines()[0]) == (
        1,
        "services.yaml:3:16: functions.a.handler: requirements.txt:2: -r ../../theirs.txt leads out"
        " of the project",
    )
