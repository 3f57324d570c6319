"""Which Python runs a function: that of its runtime where it is installed, else the current one.

In: a runtime's name ("python3.13") and PATH. Out: an `Interpreter`. `note` is what to tell people
when the versions differ. Requirements must be installed for `version`, so packaging asks here too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CURRENT = f"{sys.version_info.major}.{sys.version_info.minor}"
PROBE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Interpreter:
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
    return _find(runtime.removeprefix("python"), os.environ.get("PATH", os.defpath))


@cache
def _find(wanted: str, path: str) -> Interpreter:
    if wanted != CURRENT:
        for executable in _candidates(wanted, path):
            if _runs(executable, wanted):
                return Interpreter(executable, wanted, wanted)
    return Interpreter(Path(sys.executable), CURRENT, wanted)


def _candidates(wanted: str, path: str) -> Iterator[Path]:
    for folder in path.split(os.pathsep):
        executable = Path(folder) / f"python{wanted}"
        if folder and os.access(executable, os.X_OK) and executable.is_file():
            yield executable


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
