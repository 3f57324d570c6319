"""`services local` as a process of its own, and what memory it takes (Linux)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.local import wait_until

END_SECONDS = 20


@dataclass(frozen=True)
class Process:
    """A running `services local`: its address, its process, and the file of what it says."""

    url: str
    pid: int
    said: Path

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def memory(self, name: str) -> float:
        """Megabytes: `VmRSS` now, `VmHWM` at the most since the last `forget_peak`."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) / 1024
        raise AssertionError(f"no {name}")

    def forget_peak(self) -> float:
        """The peak of memory is that of now; it, in megabytes."""
        with suppress(PermissionError):
            Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        return self.memory("VmHWM")


@contextmanager
def services_local(folder: Path) -> Iterator[Process]:
    """Run the services.yaml in `folder` until the end of the block; it has to end without force."""
    said = folder / "said.jsonl"
    program = Path(sys.executable).with_name("services")
    with said.open("wb") as output:
        process = subprocess.Popen(
            [program, "local", "--port", "0", "--json", "--quiet"],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: b"\n" in said.read_bytes() or process.poll() is not None)
        ready = json.loads(said.read_bytes().splitlines()[0])
        yield Process(ready["url"], process.pid, said)
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_SECONDS) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
