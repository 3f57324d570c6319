"""Processes for workers, one of each Python started before it is needed.

In: an interpreter. Out: `Process`, which waits for the set-up that makes it a function's worker.
What a cold start waits for is then its handler alone. A process is the leader of a group of its
own, so Ctrl-C reaches the parent alone and the parent ends whatever a handler started.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROGRAM = Path(__file__).with_name("worker_main.py")

ONLY_AT_START = ("LD_", "DYLD_", "MALLOC_", "GLIBC_")
"""Beginnings of variables that a process reads before its program begins."""

BLANK = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "en_US.UTF-8"}


class Process(NamedTuple):
    """A process that waits. It ends when `life`, whose other end it has at `watched`, is closed."""

    popen: subprocess.Popen[bytes]
    life: int
    watched: int

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.popen.poll() is None

    def end(self) -> int:
        """End it and all that it started; its exit code as `subprocess` gives it."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        code = self.popen.wait()
        os.close(self.life)
        return code


class Processes:
    """Starts processes; with `prepare` before they are asked for.

    To be used on the event loop's thread, or before it runs: the kernel ends a process with the
    thread that started it.
    """

    def __init__(self) -> None:
        self.waiting: dict[Path, Process] = {}
        self.closed = False

    def take(self, interpreter: Path, environment: Mapping[str, str]) -> Process:
        """A process for a worker with that environment, which it gets again with its set-up.

        Raises `OSError`.
        """
        if any(name.startswith(ONLY_AT_START) for name in environment):
            return _start(interpreter, environment)
        waiting = self.waiting.pop(interpreter, None)
        if waiting is not None and waiting.alive:
            return waiting
        if waiting is not None:
            _drop(waiting)
        return _start(interpreter, BLANK)

    def prepare(self, interpreters: Iterable[Path]) -> None:
        """Have a process of each interpreter wait. Who takes one is told what fails."""
        for interpreter in interpreters:
            if interpreter not in self.waiting and not self.closed:
                with suppress(OSError):
                    self.waiting[interpreter] = _start(interpreter, BLANK)

    def close(self) -> None:
        """End those that wait, for good."""
        self.closed = True
        while self.waiting:
            _drop(self.waiting.popitem()[1])


def _start(interpreter: Path, environment: Mapping[str, str]) -> Process:
    watched, life = os.pipe()
    try:
        popen = subprocess.Popen(
            [interpreter, "-I", "-S", "-X", "utf8", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment,
            start_new_session=True,
            pass_fds=(watched,),
        )
    except OSError:
        os.close(life)
        raise
    finally:
        os.close(watched)
    return Process(popen, life, watched)


def _drop(process: Process) -> None:
    """End a process that nobody took."""
    process.end()
    for stream in (process.popen.stdin, process.popen.stdout, process.popen.stderr):
        if stream is not None:
            stream.close()
