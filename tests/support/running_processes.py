"""Processes of this machine as Linux shows them, for tests of what starts and ends."""

from __future__ import annotations

from pathlib import Path


def children(pid: int) -> set[int]:
    """The processes that a process has started, those that ended and were not asked for too."""
    found: set[int] = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text()
        except OSError:
            continue
        if int(text.rpartition(")")[2].split()[1]) == pid:
            found.add(int(status.parent.name))
    return found


def descendants(pid: int) -> set[int]:
    """The processes that a process has started, and theirs."""
    found = children(pid)
    return found.union(*(descendants(child) for child in found))


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not asked for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
