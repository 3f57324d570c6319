"""The cache, kept within a size.

In: the cache folder, the bytes it may have, the packages that are needed. Out: what was removed.
What was not used for longest goes first; what was used within the last hour, or is needed, stays.

A build may run at the same time. It notes that it uses a zip before it reads it (store.touch), and
here something is moved away before it is looked at once more: whichever comes first, the build
either finds the zip, which then stays, or misses it and makes it anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import NamedTuple

from framework.packaging.store import Package, scratch

_IN_USE = 3600
# A local service that runs for days uses its installation without asking for it again.
_IN_USE_HERE = 7 * 24 * 3600


class Pruned(NamedTuple):
    """How many things were removed, the bytes that they had, and the bytes that are left."""

    removed: int
    freed: int
    left: int


@dataclass(frozen=True, slots=True, order=True)
class _Item:
    """A zip, or an installation for this machine: when it was used last, its bytes."""

    used: float
    path: Path
    size: int

    @property
    def lives(self) -> float:
        """For how many seconds after its last use it may be in use still."""
        return _IN_USE_HERE if self.path.is_dir() else _IN_USE


def prune(cache: Path, limit: int, needed: Iterable[Package] = ()) -> Pruned:
    """Removes what was not used for longest until the cache has `limit` bytes, or nothing can go.

    Raises OSError where the cache cannot be changed.
    """
    kept = {package.path for package in needed}
    items = sorted(_items(cache))
    left, removed, freed = sum(item.size for item in items), 0, 0
    for item in items:
        if left > limit and item.path not in kept and _removed(cache, item):
            removed, freed, left = removed + 1, freed + item.size, left - item.size
    _forget(cache)
    return Pruned(removed, freed, left)


def _items(cache: Path) -> Iterable[_Item]:
    for path in (*cache.glob("packages/*.zip"), *cache.glob("host/*")):
        # Another process may be pruning the same cache.
        with suppress(FileNotFoundError):
            yield _Item(path.stat().st_mtime, path, _size(path))


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())


def _removed(cache: Path, item: _Item) -> bool:
    """Removes an item unless it is in use."""
    oldest = time.time() - item.lives
    if item.used > oldest:
        return False
    with scratch(cache) as folder, suppress(FileNotFoundError):
        moved = item.path.rename(folder / item.path.name)
        if moved.stat().st_mtime > oldest:
            moved.rename(item.path)
            return False
        rmtree(moved) if moved.is_dir() else moved.unlink()
        return True
    return False


def _forget(cache: Path) -> None:
    """Removes the keys that lead to nothing any more. A build writes its zip before its key."""
    there = {path.stem for path in cache.glob("packages/*.zip")}
    oldest = time.time() - _IN_USE
    for key in cache.glob("keys/*"):
        with suppress(FileNotFoundError):
            stale = key.stat().st_mtime < oldest
            if stale and key.read_text("utf-8", "replace").partition(" ")[0] not in there:
                key.unlink()
