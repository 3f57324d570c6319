"""Which Python runs a function: that of its runtime where it is installed, else the current one.

In: a runtime's name ("python3.13") and PATH. Out: an `Interpreter`. `note` is what to tell people
when the versions differ. Requirements must be installed for `version`, so packaging asks here too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

CURRENT = f"{sys.version_info.major}.{sys.version_info.minor}"
PROBE_SECONDS = 5.0

_looking = threading.Lock()


class Interpreter(NamedTuple):
    """A Python: its executable, its version ("3.13"), the version that was wanted."""

    executable: Path
    version: str
    wanted: str

    @property
    def note(self) -> str:
        """One line where the runtime's own Python was not found, else empty."""
        if self.version == self.wanted:
            return ""
        return (
            f"python{self.wanted} is not installed: its functions run on Python {self.version},"
            " which may differ from Lambda"
        )


def interpreter_for(runtime: str) -> Interpreter:
    """The Python that runs functions of `runtime` here, looked for on the PATH of now."""
    with _looking:
        return _find(runtime.removeprefix("python"), os.environ.get("PATH", os.defpath))


def look_for(runtimes: Iterable[str]) -> None:
    """Begin to look for the Pythons of `runtimes`: a version manager may take long to answer."""
    wanted = list(dict.fromkeys(runtimes))
    threading.Thread(target=lambda: [*map(interpreter_for, wanted)], daemon=True).start()


@cache
def _find(wanted: str, path: str) -> Interpreter:
    if wanted != CURRENT:
        for executable in _candidates(wanted, path):
            if _runs(executable, wanted):
                return Interpreter(executable, wanted, wanted)
    return Interpreter(Path(sys.executable), CURRENT, wanted)


def _candidates(wanted: str, path: str) -> Iterator[Path]:
    for folder in filter(None, path.split(os.pathsep)):
        for executable in _in(Path(folder), f"python{wanted}"):
            if os.access(executable, os.X_OK) and executable.is_file():
                yield executable


def _in(folder: Path, name: str) -> Iterator[Path]:
    """The program of a folder; for pyenv's shims, scripts of 0.1 s each, what they would run."""
    versions = folder.parent / "versions"
    if folder.name == "shims" and versions.is_dir():
        return iter(sorted(versions.glob(f"*/bin/{name}"), reverse=True))
    return iter((folder / name,))


def _runs(executable: Path, wanted: str) -> bool:
    """Whether it is a Python of that version: a version manager's shim may be there and fail."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [executable, "-I", "-S", "-c", program],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0 and done.stdout.strip() == wanted.encode()
