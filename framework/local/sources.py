"""Whether a function's files changed: a fingerprint of a folder, cheap enough for every request."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def fingerprint(folder: Path) -> int:
    """A number that changes when a file under `folder` is written, added, renamed or removed.

    Hidden files and bytecode do not count. A folder that is gone has a fingerprint too.
    """
    return hash(tuple(sorted(_files(str(folder)))))


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path)
            continue
        try:
            status = entry.stat()
        except OSError:
            continue
        yield entry.path, status.st_mtime_ns, status.st_size
