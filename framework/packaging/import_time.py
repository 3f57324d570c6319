"""How long a module takes to import, in a fresh interpreter of this machine.

In: the folders for its import path, the module, its environment variables. Out: seconds, or the
reason why it cannot be said. As in Lambda there is no bytecode of it yet. What it does when it is
imported it does here too, without the credentials and settings of the person who runs this.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

MOST_SECONDS = 60.0

_IMPORT = """\
import os, sys, time
sys.path[:0] = sys.argv[2:]
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
    paths: Sequence[Path], module: str, python: str, variables: Mapping[str, str]
) -> float | str:
    """Seconds that `module` takes to import with `paths` in front; a sentence where it fails."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="services-") as empty:
        options = ("-I", "-B", "-X", f"pycache_prefix={empty}")
        try:
            done = subprocess.run(
                (python, *options, "-c", _IMPORT, module, *map(str, paths)),
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
