"""The files of a folder, the same on every machine.

In: a folder and what to ignore in it. Out: its files, sorted, or a `PackagingError` for what
cannot be the same everywhere: links that lead out, special files, names that only case tells apart.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from framework.packaging.errors import PackagingError
from framework.packaging.ignore import INSTALLED_RULES, Rules, rules, source_ignore


class SourceFile(NamedTuple):
    """One file to pack: its name in the zip ("notes/api.py"), where it lies, its size in bytes."""

    name: str
    path: Path
    size: int


def source_files(source: Path) -> tuple[SourceFile, ...]:
    """The files of `source` that its package holds, requirements aside, sorted by name.

    Raises `PackagingError` for a folder that is none, and for what the module's docstring names.
    """
    if not source.is_dir():
        raise PackagingError(source, "the source folder does not exist")
    return _files(source, source, source_ignore(source))


def installed_files(source: Path, target: Path) -> tuple[SourceFile, ...]:
    """The files that the requirements of `source` left in `target`, the installer's own aside."""
    return _files(source, target, rules(INSTALLED_RULES))


def check_names(source: Path, own: Iterable[str], installed: Iterable[str]) -> None:
    """Raises `PackagingError` where two names cannot lie beside each other on every file system.

    `own` are the names in the source folder, `installed` those that its requirements bring.
    """
    names = Counter(own)
    for name in installed:
        if name in names:
            problem = f"{name} is in the folder and in its requirements: rename yours"
            raise PackagingError(source, problem)
    names.update(installed)
    for name, times in names.items():
        if times > 1:
            raise PackagingError(source, f"{name} is there twice, in two spellings of Unicode")
    _check_case(source, names)
    _check_folders(source, names)


def _check_case(source: Path, names: Iterable[str]) -> None:
    spelled: dict[str, str] = {}
    for name in names:
        for part in _with_folders(name):
            before = spelled.setdefault(part.casefold(), part)
            if before != part:
                problem = f"{before} and {part} differ only in case: rename one of them"
                raise PackagingError(source, problem)


def _check_folders(source: Path, names: Iterable[str]) -> None:
    files = set(names)
    folders = {folder for name in files for folder in _with_folders(name)[:-1]}
    for name in sorted(files & folders):
        problem = f"{name} is a file in the folder or its requirements, and a folder in the other"
        raise PackagingError(source, problem)


def _with_folders(name: str) -> list[str]:
    """ "a/b/c.py" as "a", "a/b", "a/b/c.py"."""
    return list(accumulate(name.split("/"), lambda folder, part: f"{folder}/{part}"))


def _files(source: Path, root: Path, ignored: Rules) -> tuple[SourceFile, ...]:
    real = root.resolve()
    files = _Walk(source, real, ignored).files(root, "", (real,))
    return tuple(sorted(files, key=lambda file: file.name.encode()))


class _Walk(NamedTuple):
    """A walk through `root` (a real path) on behalf of `source`, which its errors name."""

    source: Path
    root: Path
    ignored: Rules

    def files(self, folder: Path, prefix: str, above: tuple[Path, ...]) -> Iterator[SourceFile]:
        """The files in and under `folder`; `above` are the real paths that lead to it."""
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            name = unicodedata.normalize("NFC", prefix + entry.name)
            if not self._is_ignored(entry, name):
                yield from self._entry(entry, name, above)

    def _entry(
        self, entry: os.DirEntry[str], name: str, above: tuple[Path, ...]
    ) -> Iterator[SourceFile]:
        path = Path(entry.path)
        self._check(entry, name)
        if entry.is_dir():
            yield from self.files(path, f"{name}/", self._deeper(path, name, above))
        elif entry.is_file():
            yield SourceFile(name, path, entry.stat().st_size)
        else:
            raise PackagingError(self.source, f"{name} is neither a file nor a folder")

    def _is_ignored(self, entry: os.DirEntry[str], name: str) -> bool:
        if not entry.is_dir():
            return self.ignored.match_file(name)
        # A virtual environment has any name, but always this file.
        environment = Path(entry.path, "pyvenv.cfg").is_file()
        return environment or self.ignored.match_file(f"{name}/")

    def _check(self, entry: os.DirEntry[str], name: str) -> None:
        if not name.isprintable() or "\\" in name:
            problem = f"the name {name!a} cannot be written on every file system"
            raise PackagingError(self.source, problem)
        if entry.is_symlink():
            self._check_link(Path(entry.path), name)

    def _check_link(self, path: Path, name: str) -> None:
        if not path.exists():
            raise PackagingError(self.source, f"the link {name} leads nowhere")
        if not path.resolve().is_relative_to(self.root):
            raise PackagingError(self.source, f"the link {name} leads out of the folder")

    def _deeper(self, path: Path, name: str, above: tuple[Path, ...]) -> tuple[Path, ...]:
        real = path.resolve()
        if real in above:
            raise PackagingError(self.source, f"the link {name} leads round in a circle")
        return (*above, real)
