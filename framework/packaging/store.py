"""The cache: zips named by their content, found by what they were made from.

In: the project's cache folder (`.services/`), keys, bytes. Out: `Package`.

    packages/<sha256>.zip   the content
    keys/<key>              what was made from this key: "<sha256> <unzipped bytes>", then a line
                            "<zipped bytes> <unzipped bytes> <name>" for each part of it
    resolutions/<key>.txt   the versions that requirements without pins were installed in
    tmp/                    what is being written; never read

A file gets its name only when it is whole, so two processes may write at once and either may be
killed. What is read is checked against its name, so a damaged file is made anew.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import NamedTuple

_RECORD = re.compile(r"([0-9a-f]{64}) ([0-9]+)\n((?:[0-9]+ [0-9]+ .*\n)*)")
# A build takes minutes at most: what is this old (seconds) was left by one that was killed.
_STALE = 24 * 3600
TOUCHED = 600
"""Seconds after which a use of something is noted again, as the time of its file."""


class Part(NamedTuple):
    """A part of a package: a distribution ("idna==3.10"), or the folder's own files (""). Bytes."""

    name: str
    zipped: int
    unzipped: int


@dataclass(frozen=True, slots=True)
class Package:
    """A zip in the cache: its path, the SHA-256 of its bytes in hex, its bytes zipped and not.

    `parts` are what it consists of, heaviest first. `notes` are sentences that the author should
    hear: what is not pinned, what is nearly too much.
    """

    path: Path
    sha256: str
    size: int
    unzipped: int
    parts: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()


def key_of(*parts: str) -> str:
    """A key for things made from `parts`: equal only when all of them are, in this order."""
    digest = sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape")
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()


class Store(NamedTuple):
    """The zips under one cache folder. Raises OSError where the folder cannot be used."""

    cache: Path

    def get(self, key: str) -> Package | None:
        """What was put under `key`, when it is there and undamaged."""
        record = self._content(self.cache / "keys" / key).decode("utf-8", "replace")
        match = _RECORD.fullmatch(record)
        if match is None:
            return None
        path = self._path(match[1])
        touch(path)
        content = self._content(path)
        if sha256(content).hexdigest() != match[1]:
            return None
        parts = tuple(map(_part, match[3].splitlines()))
        return Package(path, match[1], len(content), int(match[2]), parts)

    def put(self, key: str, content: bytes, unzipped: int, parts: Iterable[Part] = ()) -> Package:
        """The zip `content` (`unzipped` bytes of files), kept under its hash and under `key`."""
        digest = sha256(content).hexdigest()
        path = self._path(digest)
        touch(path)
        if self._content(path) != content:
            self._write(path, content)
        ordered = tuple(sorted(parts, key=lambda part: (-part.unzipped, part.name)))
        lines = (f"{part.zipped} {part.unzipped} {part.name}\n" for part in ordered)
        record = f"{digest} {unzipped}\n" + "".join(lines)
        self._write(self.cache / "keys" / key, record.encode())
        return Package(path, digest, len(content), unzipped, ordered)

    def resolution(self, key: str) -> tuple[str, ...] | None:
        """The pins that were kept under `key`; None where nothing was."""
        path = self._resolution(key)
        return tuple(self._content(path).decode().splitlines()) if path.is_file() else None

    def keep_resolution(self, key: str, pins: tuple[str, ...]) -> None:
        """Keeps pins ("idna==3.10") under `key`, in place of what was kept."""
        self._write(self._resolution(key), "".join(f"{pin}\n" for pin in pins).encode())

    def take_resolutions(self, other: Store) -> None:
        """Takes over what another cache has resolved."""
        for path in other.cache.glob("resolutions/*.txt"):
            self._write(self._resolution(path.stem), path.read_bytes())

    def _resolution(self, key: str) -> Path:
        return self.cache / "resolutions" / f"{key}.txt"

    def _path(self, digest: str) -> Path:
        return self.cache / "packages" / f"{digest}.zip"

    def _content(self, path: Path) -> bytes:
        """The bytes of a file, none where there is no file."""
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return b""

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch(self.cache) as folder:
            part = folder / path.name
            part.write_bytes(content)
            part.replace(path)


def _part(line: str) -> Part:
    zipped, unzipped, name = line.split(" ", 2)
    return Part(name, int(zipped), int(unzipped))


def touch(path: Path) -> None:
    """Notes that something in the cache is in use: prune takes what was not used longest."""
    # It may not be there, or may lie on a file system that keeps no times: neither matters here.
    with suppress(OSError):
        if path.stat().st_mtime < time.time() - TOUCHED:
            os.utime(path)


@contextmanager
def scratch(cache: Path) -> Iterator[Path]:
    """A folder of one's own on the cache's file system, gone afterwards."""
    parent = cache / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    _sweep(parent)
    with TemporaryDirectory(dir=parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _sweep(parent: Path) -> None:
    oldest = time.time() - _STALE
    for folder in parent.iterdir():
        # Another process may be sweeping the same folder.
        with suppress(FileNotFoundError):
            if folder.stat().st_mtime < oldest:
                rmtree(folder, ignore_errors=True)
