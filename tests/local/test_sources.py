"""When a folder counts as changed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from framework.local import sources
from framework.local.sources import EachTurn, Files, Folder, Looks, Turns


def fingerprint(folder: Path) -> int:
    """Of a folder that nobody has looked at before."""
    return Folder(folder).fingerprint()


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


def test_a_folder_that_is_kept_sees_every_change(folder: Path) -> None:
    kept = Folder(folder)
    seen = [kept.fingerprint()]
    for change in CHANGES.values():
        change(folder)
        seen.append(kept.fingerprint())
        assert kept.fingerprint() == seen[-1] == fingerprint(folder)
        if not (folder / "package/b.py").exists():
            (folder / "package/b.py").write_text("1")
            kept.fingerprint()

    assert len(set(seen)) == len(seen)


def test_names_are_looked_for_only_where_a_folder_has_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    scan = os.scandir

    def watched(path: str) -> Iterator[os.DirEntry[str]]:
        looked.append(path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", watched)
    age(folder)
    kept = Folder(folder)
    before = kept.fingerprint()
    both = [str(folder), str(folder / "package")]
    assert (kept.fingerprint(), looked) == (before, both)

    (folder / "package/new.py").write_text("")
    assert kept.fingerprint() != before
    assert looked == both * 2


def test_a_folder_that_has_just_changed_is_looked_through_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file may come with the same time on the folder, where times are coarse."""
    monkeypatch.setattr(sources, "UNSETTLED", 10**18)
    kept = Folder(folder)
    before = kept.fingerprint()
    status = folder.stat()
    (folder / "same-time.py").write_text("")
    os.utime(folder, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert kept.fingerprint() != before


def age(folder: Path) -> None:
    for path in (folder, folder / "package"):
        os.utime(path, (1_000_000_000, 1_000_000_000))


FILE_CHANGES: dict[str, Callable[[Path], object]] = {
    "a file that was absent": lambda folder: (folder / "absent.py").write_text(""),
    "a folder that was absent": lambda folder: (folder / "absent.py").mkdir(),
    "a file that goes": lambda folder: (folder / "a.py").unlink(),
    "a file that is longer": lambda folder: (folder / "a.py").write_text("12"),
    "a file that is written": lambda folder: later(folder / "a.py"),
    "a file in the place of another": lambda folder: replaced(folder / "a.py"),
    "a file that is longer, at the same time": lambda folder: lengthened(folder / "a.py"),
}
FILE_NO_CHANGES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda folder: None,
    "read": lambda folder: (folder / "a.py").read_text(),
    "a file nobody named": lambda folder: (folder / "other.py").write_text(""),
}


def replaced(path: Path) -> None:
    """Put another file there, of the same size and time."""
    stat, other = path.stat(), path.with_name("new")
    other.write_text("2")
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.rename(path)


def lengthened(path: Path) -> None:
    stat = path.stat()
    path.write_text("12")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def named_in(folder: Path) -> Files:
    return Files.named(str(folder / name) for name in ("a.py", "data.json", "absent.py"))


@pytest.mark.parametrize("change", FILE_CHANGES)
def test_files_that_are_named_see_a_change(folder: Path, change: str) -> None:
    files = named_in(folder)
    FILE_CHANGES[change](folder)

    assert not files.same()
    assert named_in(folder).same()


@pytest.mark.parametrize("change", FILE_NO_CHANGES)
def test_files_that_are_named_are_the_same_without_a_change(folder: Path, change: str) -> None:
    files = named_in(folder)
    FILE_NO_CHANGES[change](folder)

    assert files.same()


def test_a_turn_of_the_loop_has_one_look() -> None:
    looks = iter(range(10))

    async def ask() -> list[int]:
        turn = EachTurn(lambda: next(looks), Turns())
        seen = [turn(), turn()]
        await asyncio.sleep(0)
        return [*seen, turn(), turn()]

    assert asyncio.run(ask()) == [0, 0, 1, 1]


def test_who_looks_at_the_same_folder_shares_the_look(folder: Path) -> None:
    async def ask() -> list[int]:
        looks = Looks()
        before = looks.at(folder)()
        (folder / "a.py").write_text("12")
        seen = [looks.at(folder)() - before, looks.at(folder / "package")()]
        await asyncio.sleep(0)
        return [*seen, looks.at(folder)() - before]

    same, other, later = asyncio.run(ask())

    assert same == 0
    assert other == fingerprint(folder / "package")
    assert later != 0
