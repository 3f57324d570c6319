"""The cache: zips named by their content, found by what they were made from.

In: the project's cache folder (`.services/`), keys, bytes. Out: `Package`.

    packages/<sha256>.zip   the content
    keys/<key>              "<sha256> <unzipped bytes>": what was made from this key
    tmp/                    what is being written; never read

A file gets its name only when it is whole, so two processes may write at once and either may be
killed. What is read is checked against its name, so a damaged file is made anew.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

_RECORD = re.compile(r"([0-9a-f]{64}) ([0-9]+)\n")
# A build takes minutes at most: what is this old (seconds) was left by one that was killed.
_STALE = 24 * 3600


@dataclass(frozen=True, slots=True)
class Package:
    """A zip in the cache: its path, the SHA-256 of its bytes in hex, its bytes zipped and not."""

    path: Path
    sha256: str
    size: int
    unzipped: int


def key_of(*parts: str) -> str:
    """A key for things made from `parts`: equal only when all of them are, in this order."""
    digest = sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape")
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Store:
    """The zips under one cache folder. Raises OSError where the folder cannot be used."""

    cache: Path

    def get(self, key: str) -> Package | None:
        """What was put under `key`, when it is there and undamaged."""
        digest, unzipped = self._record(key)
        path = self._path(digest)
        content = self._content(path)
        if sha256(content).hexdigest() != digest:
            return None
        return Package(path, digest, len(content), unzipped)

    def put(self, key: str, content: bytes, unzipped: int) -> Package:
        """The zip `content` (`unzipped` bytes of files), kept under its hash and under `key`."""
        digest = sha256(content).hexdigest()
        path = self._path(digest)
        if self._content(path) != content:
            self._write(path, content)
        self._write(self.cache / "keys" / key, f"{digest} {unzipped}\n".encode())
        return Package(path, digest, len(content), unzipped)

    def _path(self, digest: str) -> Path:
        return self.cache / "packages" / f"{digest}.zip"

    def _record(self, key: str) -> tuple[str, int]:
        record = self._content(self.cache / "keys" / key).decode("ascii", "replace")
        match = _RECORD.fullmatch(record)
        return (match[1], int(match[2])) if match else ("", 0)

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
