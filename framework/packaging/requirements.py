"""What a source folder requires, whichever file states it.

In: what a reader found. Out: `Requirements`: what the cache, the installer and messages need to
know of it. Readers: requirements_txt, locked; reading chooses between them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS_FILE = "requirements.txt"
PROJECT_FILE = "pyproject.toml"
LOCK_FILE = "uv.lock"

HASH = "--hash"
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")

_PINNED = re.compile(rf"({NAME.pattern})\s*(?:\[[^]]*\]\s*)?={{2,3}}\s*[^\s,*;]+\s*(?:;.*)?")


@dataclass(frozen=True, slots=True)
class Requirements:
    """The requirements of one source folder.

    `file` is the name of the file that states them, `lines` what it says (of a lock: what stands
    for it), `files` the hashes of the wheels that are named by path, `wanted` the requirements by
    their names, `places` where each is written. `origins` are uv's arguments for the indexes that
    the project names, `notes` what the author should hear.
    """

    source: Path
    lines: tuple[str, ...]
    files: tuple[str, ...]
    wanted: tuple[tuple[str, str], ...]
    file: str = REQUIREMENTS_FILE
    places: tuple[tuple[str, str], ...] = ()
    origins: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def locked(self) -> bool:
        """Whether uv.lock states them."""
        return self.file == LOCK_FILE

    @property
    def hashed(self) -> bool:
        """Whether any line has a hash: then, as with pip, every one must."""
        return self.locked or any(HASH in line for line in self.lines)

    def unpinned(self, pins: tuple[str, ...]) -> tuple[str, ...]:
        """Those of `pins` ("idna==3.10", as installed) that the lines leave to the day."""
        if self.hashed:
            return ()
        pinned = {normal(found[1]) for found in map(_PINNED.fullmatch, self.lines) if found}
        placed = {name for name, text in self.wanted if is_placed(text)}
        return tuple(pin for pin in pins if pin.partition("==")[0] not in pinned | placed)

    def named_in(self, text: str) -> str | None:
        """The requirement whose name comes first in `text`, as it was written."""
        wanted = dict(self.wanted)
        names = (normal(name) for name in NAME.findall(text))
        return next((wanted[name] for name in names if name in wanted), None)

    def place_of(self, requirement: str | None) -> str:
        """Where a requirement is written: "requirements.txt:3", or the file alone."""
        return dict(self.places).get(requirement or "", self.file)


def normal(name: str) -> str:
    """A name as the index knows it. PyPA, "Names and normalization"."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_placed(requirement: str) -> bool:
    """Whether a requirement says where it lies (a path, a URL): its content is its version."""
    bare = requirement.partition(";")[0]
    return "/" in bare or "@" in bare or bare.strip().endswith(".whl")
