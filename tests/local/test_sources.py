"""When a folder counts as changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from framework.local.sources import fingerprint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "package").mkdir()
    for name in ("a.py", "package/b.py", "data.json"):
        (tmp_path / name).write_text("1")
    return tmp_path


def later(path: Path) -> None:
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1000))


CHANGES: dict[str, Callable[[Path], object]] = {
    "written": lambda folder: later(folder / "package/b.py"),
    "longer": lambda folder: (folder / "a.py").write_text("12"),
    "added": lambda folder: (folder / "package/c.py").write_text(""),
    "removed": lambda folder: (folder / "package/b.py").unlink(),
    "renamed": lambda folder: (folder / "a.py").rename(folder / "z.py"),
    "data": lambda folder: later(folder / "data.json"),
}
NO_CHANGES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda folder: None,
    "read": lambda folder: (folder / "a.py").read_text(),
    "hidden": lambda folder: (folder / ".a.py.swp").write_text(""),
    "bytecode": lambda folder: (folder / "__pycache__").mkdir(),
    "broken link": lambda folder: (folder / "link").symlink_to("missing"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(folder: Path, change: str) -> None:
    before = fingerprint(folder)
    CHANGES[change](folder)

    assert fingerprint(folder) != before


@pytest.mark.parametrize("change", NO_CHANGES)
def test_what_is_no_change_is_none(folder: Path, change: str) -> None:
    before = fingerprint(folder)
    NO_CHANGES[change](folder)

    assert fingerprint(folder) == before


def test_a_link_to_its_own_folder_is_not_followed(folder: Path) -> None:
    (folder / "loop").symlink_to(folder)

    assert fingerprint(folder) == fingerprint(folder)


def test_a_folder_that_is_gone_has_a_fingerprint(tmp_path: Path) -> None:
    assert fingerprint(tmp_path / "gone") == fingerprint(tmp_path / "gone too")
