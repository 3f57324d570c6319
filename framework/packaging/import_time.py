"""How long a module takes to import, in a fresh interpreter of this machine.

In: the folders for its import path, the module, its environment variables, the packages that its
runtime brings. Out: seconds, or the reason why it cannot be said. As in Lambda there is no bytecode
of it yet. What it does when it is imported it does here too, without the credentials and settings
of the person who runs this.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

MOST_SECONDS = 60.0

_IMPORT = """\
import os, sys, time
sys.path[:0] = sys.argv[3:]
sys.path.append(sys.argv[2])
start = time.perf_counter()
try:
    __import__(sys.argv[1])
except BaseException as error:
    sys.exit(f"{type(error).__name__}: {error}".splitlines()[0])
print(f"\\n{time.perf_counter() - start:.6f}", flush=True)
# Not the threads that it may have started, nor what it left to do at the end.
os._exit(0)
"""
# Where programs and their temporary files are: an interpreter may not start without.
_KEPT = ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "HOME", "LD_LIBRARY_PATH")


def import_seconds(
    paths: Sequence[Path],
    module: str,
    python: str,
    variables: Mapping[str, str],
    runtime: Mapping[str, str] = MappingProxyType({}),
) -> float | str:
    """Seconds that `module` takes to import with `paths` in front; a sentence where it fails.

    `runtime` are packages that are there without being required, each with the folder it lies in.
    """
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="services-") as empty:
        brought = _linked(Path(empty, "runtime"), runtime)
        options = ("-I", "-B", "-X", f"pycache_prefix={empty}")
        try:
            done = subprocess.run(
                (python, *options, "-c", _IMPORT, module, str(brought), *map(str, paths)),
                env={**environment, **variables},
                cwd=empty,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=MOST_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return f"it takes longer than {MOST_SECONDS:.0f} seconds"
        except OSError as error:
            return f"{python} cannot be started: {error.strerror}"
    if done.returncode != 0:
        return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return float(done.stdout.splitlines()[-1])


def _linked(folder: Path, packages: Mapping[str, str]) -> Path:
    """A folder with these packages alone: what else lies beside them stays unseen."""
    folder.mkdir()
    for name, place in packages.items():
        package = Path(place, name)
        found = package if package.is_dir() else package.with_suffix(".py")
        # Where no links may be made, as on Windows, it is missing, and the answer will say so.
        with suppress(OSError):
            (folder / found.name).symlink_to(found)
    return folder
