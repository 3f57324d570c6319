from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from framework.packaging.host import host_paths
from framework.packaging.packages import Recipe, build
from framework.packaging.prune import Pruned, prune
from framework.packaging.store import TOUCHED, Store
from tests.support.wheels import make_folder, requiring

HOUR, DAY = 3600, 24 * 3600


def aged(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def put(cache: Path, name: str, size: int, age: float) -> Path:
    package = Store(cache).put(name, name.encode() * (size // len(name)), size)
    aged(package.path, age)
    aged(cache / "keys" / name, age)
    return package.path


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    new, old, older = (
        put(tmp_path, name, 10, age * DAY) for name, age in zip("abc", (1, 2, 3), strict=True)
    )
    assert prune(tmp_path, 15) == Pruned(2, 20, 10)
    assert [path.exists() for path in (new, old, older)] == [True, False, False]
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["a"]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_within_the_limit_nothing_goes(tmp_path: Path) -> None:
    put(tmp_path, "a", 10, DAY)
    assert prune(tmp_path, 10) == Pruned(0, 0, 10)


def test_an_empty_cache(tmp_path: Path) -> None:
    assert prune(tmp_path / "absent", 0) == Pruned(0, 0, 0)


def test_what_is_needed_or_was_used_just_now_stays(tmp_path: Path) -> None:
    needed = Store(tmp_path).put("needed", b"n" * 10, 10)
    aged(needed.path, 30 * DAY)
    recent = put(tmp_path, "r", 10, HOUR / 2)
    gone = put(tmp_path, "g", 10, 2 * HOUR)
    assert prune(tmp_path, 0, [needed]) == Pruned(1, 10, 20)
    assert [path.exists() for path in (needed.path, recent, gone)] == [True, True, False]


def test_a_use_counts(tmp_path: Path) -> None:
    path = put(tmp_path, "a", 10, DAY)
    assert Store(tmp_path).get("a") is not None
    assert time.time() - path.stat().st_mtime < TOUCHED
    assert prune(tmp_path, 0).removed == 0


def test_a_build_that_takes_it_meanwhile_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, "a", 10, DAY)
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self == path:
            assert Store(tmp_path).get("a") is not None
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    assert prune(tmp_path, 0) == Pruned(0, 0, 10)
    assert Store(tmp_path).get("a") is not None


def test_something_that_another_process_removes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, "a", 10, DAY)
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        path.unlink()
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    assert prune(tmp_path, 0).removed == 0


def test_what_is_pruned_is_made_again(tmp_path: Path, wheels: Path) -> None:
    text = requiring(wheels, "tiny")
    source = make_folder(tmp_path / "source", {"app.py": "", "requirements.txt": text})
    recipe, cache = Recipe(source, "python3.13", "arm64"), tmp_path / "cache"
    package = build(recipe, cache)
    for path in cache.rglob("*.zip"):
        aged(path, DAY)
    assert prune(cache, 0).removed == 2
    assert build(recipe, cache) == package


def test_installations_for_this_machine_go_after_a_week(tmp_path: Path, wheels: Path) -> None:
    source = make_folder(tmp_path / "source", {"requirements.txt": requiring(wheels, "tiny")})
    _, installed = host_paths(source, tmp_path / "cache")
    aged(installed, 6 * DAY)
    assert prune(tmp_path / "cache", 0).removed == 0
    aged(installed, 8 * DAY)
    assert host_paths(source, tmp_path / "cache") == (source, installed)
    assert prune(tmp_path / "cache", 0).removed == 0
    aged(installed, 8 * DAY)
    assert prune(tmp_path / "cache", 0).removed == 1
    assert not installed.exists()
