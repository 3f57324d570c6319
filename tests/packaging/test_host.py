from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from framework.packaging import installer
from framework.packaging.errors import PackagingError
from framework.packaging.host import host_paths
from framework.packaging.platforms import Platform
from framework.packaging.requirements import Requirements
from tests.support.wheels import make_folder, requiring

INSTALL = "framework.packaging.installer.install"


@pytest.mark.parametrize("text", [None, "", "# none yet\n"])
def test_without_requirements_only_the_source(tmp_path: Path, text: str | None) -> None:
    source = make_folder(tmp_path / "source", {"a.py": ""})
    if text is not None:
        (source / "requirements.txt").write_text(text)
    assert host_paths(source, tmp_path / "cache") == (source,)
    assert not (tmp_path / "cache").exists()


def test_requirements_can_be_imported(tmp_path: Path, wheels: Path) -> None:
    source = make_folder(
        tmp_path / "source",
        {
            "app.py": "import tiny\nprint(tiny.VERSION)\n",
            "requirements.txt": requiring(wheels, "tiny"),
        },
    )
    paths = host_paths(source, tmp_path / "cache", sys.executable)
    assert paths[0] == source
    script = f"import sys; sys.path[:0] = {[str(path) for path in paths]}; import app"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1.0\n", "")


def test_installed_once(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = requiring(wheels, "tiny==1.0")
    one = make_folder(tmp_path / "one", {"requirements.txt": text})
    two = make_folder(tmp_path / "two", {"requirements.txt": f"# same\n{text}"})
    first = host_paths(one, tmp_path / "cache")
    monkeypatch.setattr(INSTALL, None)
    assert host_paths(one, tmp_path / "cache") == first
    assert host_paths(two, tmp_path / "cache")[1] == first[1]


def test_nothing_is_left_of_what_failed(tmp_path: Path, wheels: Path) -> None:
    source = make_folder(
        tmp_path / "source", {"requirements.txt": requiring(wheels, "tiny", "windowsonly")}
    )
    with pytest.raises(PackagingError) as caught:
        host_paths(source, tmp_path / "cache")
    assert caught.value.requirement == "windowsonly"
    assert list((tmp_path / "cache/host").iterdir()) == []
    assert list((tmp_path / "cache/tmp").iterdir()) == []


def test_another_process_that_was_faster(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_folder(tmp_path / "source", {"requirements.txt": requiring(wheels, "tiny")})
    faster = host_paths(source, tmp_path / "other")[1]

    really = installer.install

    def slow(requirements: Requirements, platform: Platform, target: Path) -> None:
        really(requirements, platform, target)
        make_folder(tmp_path / "cache/host" / faster.name, {"first.py": ""})

    monkeypatch.setattr(INSTALL, slow)
    folder = host_paths(source, tmp_path / "cache")[1]
    assert [path.name for path in folder.iterdir()] == ["first.py"]


def test_missing_source(tmp_path: Path) -> None:
    with pytest.raises(PackagingError) as caught:
        host_paths(tmp_path / "absent", tmp_path / "cache")
    assert caught.value.problem == "the source folder does not exist"


def test_missing_interpreter(tmp_path: Path) -> None:
    source = make_folder(tmp_path / "source", {"requirements.txt": "six"})
    with pytest.raises(PackagingError) as caught:
        host_paths(source, tmp_path / "cache", "/absent/python")
    assert caught.value.problem == "/absent/python is not a Python interpreter"


def test_cache_that_cannot_be_written(tmp_path: Path, wheels: Path) -> None:
    source = make_folder(tmp_path / "source", {"requirements.txt": requiring(wheels, "tiny")})
    (tmp_path / "cache").touch()
    with pytest.raises(PackagingError) as caught:
        host_paths(source, tmp_path / "cache")
    assert caught.value.problem.endswith("Not a directory") or "File exists" in caught.value.problem


def test_place_that_something_else_takes(tmp_path: Path, wheels: Path) -> None:
    source = make_folder(tmp_path / "source", {"requirements.txt": requiring(wheels, "tiny")})
    folder = host_paths(source, tmp_path / "first")[1]
    make_folder(tmp_path / "second/host", {folder.name: "a file"})
    with pytest.raises(PackagingError) as caught:
        host_paths(source, tmp_path / "second")
    assert caught.value.problem.startswith("cannot be packaged: ")
    assert caught.value.problem.endswith("Not a directory")
