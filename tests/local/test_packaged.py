"""Packages run as they are deployed, or are refused in one line."""

from __future__ import annotations

import platform
import sys
import zipfile
from pathlib import Path

import pytest

from framework.local.errors import LocalError
from framework.local.interpreters import CURRENT, Interpreter
from framework.local.packaged import unpacked

HERE = Interpreter(Path(sys.executable), CURRENT, CURRENT)
MACHINE = {"x86_64": 62, "amd64": 62, "aarch64": 183, "arm64": 183}[platform.machine().lower()]
OTHER = 183 if MACHINE == 62 else 62
TAG = CURRENT.replace(".", "")


def package(folder: Path, name: str, machine: int = MACHINE) -> Path:
    file = folder / "package.zip"
    head = b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("app.py", "def f(event, context): return 1\n")
        archive.writestr(name, head + bytes(44))
    return file


@pytest.mark.skipif(sys.platform != "linux", reason="Lambda's modules run on Linux alone")
@pytest.mark.parametrize(
    "name", [f"fast.cpython-{TAG}-x86_64-linux-gnu.so", "fast.abi3.so", "x.libs/libz.so.1.2"]
)
def test_a_package_that_fits_is_unpacked_once(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "packages"
    first = unpacked(package(tmp_path, name), "digest", folder, HERE)
    (first / "app.py").write_text("changed")
    second = unpacked(package(tmp_path, name), "digest", folder, HERE)

    assert first == second == folder / "digest"
    assert (second / "app.py").read_text() == "changed"
    assert [path.name for path in folder.iterdir()] == ["digest"]


@pytest.mark.parametrize(
    ("name", "machine", "part"),
    [
        ("fast.abi3.so", OTHER, "fast.abi3.so is compiled for Linux on "),
        ("fast.abi3.so", 8, "fast.abi3.so is compiled for Linux on another processor, this is "),
        (
            "fast.cpython-39-x86_64-linux-gnu.so",
            MACHINE,
            f"is compiled for Python 3.9, this is Python {CURRENT}",
        ),
    ],
)
def test_a_package_that_does_not_fit_is_refused(
    tmp_path: Path, name: str, machine: int, part: str
) -> None:
    with pytest.raises(LocalError) as caught:
        unpacked(package(tmp_path, name, machine), "digest", tmp_path / "packages", HERE)

    assert part in str(caught.value)
    assert str(caught.value).startswith("--packaged: ")
    assert str(caught.value).endswith(
        ": leave --packaged out, and the requirements are installed for this machine"
    )
    assert not (tmp_path / "packages").exists()


def test_the_slower_of_two_takes_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process unpacks the same while this one does."""
    folder = tmp_path / "packages"
    (folder / "digest" / "inside").mkdir(parents=True)
    seen = iter([False, True])
    is_dir = Path.is_dir
    monkeypatch.setattr(
        Path, "is_dir", lambda path: next(seen) if path.name == "digest" else is_dir(path)
    )

    assert unpacked(package(tmp_path, "a.txt"), "digest", folder, HERE) == folder / "digest"
