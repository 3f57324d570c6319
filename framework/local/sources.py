"""Whether files have changed, cheap enough for every request.

In: files and folders. Out: numbers that are equal while nothing has changed. `Files` are looked at
by their names; `Folder` keeps the names it found, and looks for others only where a folder itself
has changed. `EachTurn` lets requests share a look at the disk, `Looks` functions one at the same
folder.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import repeat
from operator import attrgetter
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

State: TypeAlias = tuple[int, int, int]
"""When a file was written (ns), its bytes, its inode; zeros where there is none."""

UNSETTLED = 2_000_000_000
"""Nanoseconds in which a folder may change again without another time: FAT's, the coarsest."""

T = TypeVar("T")


_state_of: Callable[[os.stat_result], State] = attrgetter("st_mtime_ns", "st_size", "st_ino")


def state(path: str) -> State:
    """The state of one file or folder."""
    try:
        return _state_of(os.stat(path))  # noqa: PTH116 - twice as fast as Path.stat
    except OSError:
        return (0, 0, 0)


class Files:
    """Some files or folders by their names, in the states they were in at one moment."""

    def __init__(self, states: Mapping[str, State]) -> None:
        self.states = states
        self._there = [name for name, found in self.states.items() if any(found)]
        self._found = [self.states[name] for name in self._there]
        self._absent = [name for name, found in self.states.items() if not any(found)]

    @classmethod
    def named(cls, names: Iterable[str]) -> Files:
        """The files of these names as they are now."""
        return cls({name: state(name) for name in names})

    def same(self) -> bool:
        """Whether they still are as they were: one call of the system each, in every request."""
        try:
            now = [*map(_state_of, map(os.stat, self._there))]
        except OSError:
            return False
        return now == self._found and not any(map(os.access, self._absent, repeat(os.F_OK)))


class Folder:
    """A folder that is looked at often."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.files = Files({})
        self.settled = False
        self.found = 0

    def fingerprint(self) -> int:
        """A number that changes when a file in it is written, added, renamed or removed.

        Hidden files and bytecode do not count. A folder that is gone has a fingerprint too.
        """
        if not self.settled or not self.files.same():
            self._look()
        return self.found

    def _look(self) -> None:
        now = time.time_ns()
        folders: dict[str, State] = {}
        files = {path: state(path) for path in _files(self.path, folders)}
        self.files = Files(folders | files)
        self.settled = all(written + UNSETTLED < now for written, _, _ in folders.values())
        self.found = hash(tuple(sorted(item for item in files.items() if any(item[1]))))


def _files(folder: str, folders: dict[str, State]) -> Iterator[str]:
    """The files under a folder; `folders` takes the folders' states from before they were read."""
    folders[folder] = state(folder)
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path, folders)
        else:
            yield entry.path


class Turns:
    """Tells the turns of the event loop apart: `now` is another number in each."""

    def __init__(self) -> None:
        self._number = 0
        self._begun = False

    def now(self) -> int:
        """The number of this turn."""
        if not self._begun:
            asyncio.get_running_loop().call_soon(self._over)
            self._begun = True
        return self._number

    def _over(self) -> None:
        self._number += 1
        self._begun = False


class EachTurn(Generic[T]):
    """A value that is the same for one turn of the event loop.

    Whoever asks in a turn had come before it began, so a look in that turn is late enough for all.
    """

    def __init__(self, look: Callable[[], T], turns: Turns) -> None:
        self._look = look
        self._turns = turns
        self._seen: tuple[int, T] | None = None

    def __call__(self) -> T:
        """What a look in this turn finds."""
        now = self._turns.now()
        if self._seen is None or self._seen[0] != now:
            self._seen = (now, self._look())
        return self._seen[1]


class Looks:
    """Looks at folders, which whoever has an interest in the same folder shares."""

    def __init__(self) -> None:
        self.turns = Turns()
        self._folders: dict[Path, EachTurn[int]] = {}

    def at(self, folder: Path) -> EachTurn[int]:
        """The fingerprint of a folder in this turn."""
        if folder not in self._folders:
            self._folders[folder] = EachTurn(Folder(folder).fingerprint, self.turns)
        return self._folders[folder]
