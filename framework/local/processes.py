"""Processes for workers, forked by a template of each Python.

In: an interpreter, an environment. Out: `Process`, which waits for the set-up that makes it a
function's worker. A template (`template_main`) is started before it is needed and one fork of it is
made ahead, so what a cold start waits for is its handler alone. Template and workers are leaders of
groups of their own: Ctrl-C reaches the server alone, and what a handler started ends with it.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path
from typing import Literal, NamedTuple

PROGRAM = Path(__file__).with_name("template_main.py")

ONLY_AT_START = ("LD_", "DYLD_", "MALLOC_", "GLIBC_")
"""Beginnings of variables that a process reads before its program begins."""

BLANK = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "en_US.UTF-8"}

ANSWER_SECONDS = 5.0
"""How long a template may take to end a worker, or itself, before it is ended."""

FORK, END = b"F", b"E"


class Kind(NamedTuple):
    """What the workers of one template have in common: `start` is read as it begins."""

    interpreter: Path
    start: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, interpreter: Path, environment: Mapping[str, str]) -> Kind:
        """That of a worker with this environment."""
        start = [each for each in environment.items() if each[0].startswith(ONLY_AT_START)]
        return cls(interpreter, tuple(sorted(start)))


class Template:
    """A Python that forks workers. Making it raises `OSError`."""

    def __init__(self, kind: Kind) -> None:
        self.workers: set[int] = set()
        self.last = 0
        self.spare: Process | None = None
        self.control, theirs = socket.socketpair()
        self.control.settimeout(ANSWER_SECONDS)
        with ExitStack() as failing, theirs:
            failing.callback(self.control.close)
            self.popen: subprocess.Popen[bytes] = subprocess.Popen(
                [kind.interpreter, "-I", "-S", "-X", "utf8", PROGRAM],
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                env={**BLANK, **dict(kind.start)},
                start_new_session=True,
            )
            failing.pop_all()
        if self.popen.stdout is not None:
            os.set_blocking(self.popen.stdout.fileno(), False)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.popen.poll() is None

    @property
    def used(self) -> bool:
        """Whether somebody has a process of it."""
        return len(self.workers) > (self.spare is not None)

    def prepare(self) -> None:
        """Have a process wait. Raises `OSError`."""
        if self.spare is None:
            self.spare = Process(self)

    def take(self) -> Process:
        """A process, the one that waits where there is one. Raises `OSError`."""
        spare, self.spare = self.spare, None
        if spare is not None and not spare.alive:
            spare.end()
            spare.close()
            spare = None
        return spare or Process(self)

    def fork(self, descriptors: Iterable[int]) -> int:
        """Have it fork a worker with these descriptors, soon; the number of the worker.

        Raises `OSError`.
        """
        self.last += 1
        message = FORK + self.last.to_bytes(4, "big")
        socket.send_fds(self.control, [message], list(descriptors))
        self.workers.add(self.last)
        return self.last

    def end(self, number: int) -> int:
        """End a worker and all that it started; its exit code.

        Where the template is gone, and so its workers: how that ended, by what it ends them with
        where it did as it should.
        """
        try:
            self.control.sendall(END + number.to_bytes(4, "big"))
            answer = self.control.recv(4)
        except OSError:
            answer = b""
        self.workers.discard(number)
        if answer:
            return int.from_bytes(answer, "big", signed=True)
        self.popen.kill()
        return self.popen.wait() or -signal.SIGKILL

    def said(self) -> bytes:
        """What it, or the system's loader before it, has printed since this was asked last."""
        if self.popen.stdout is None or self.popen.stdout.closed:
            return b""
        return self.popen.stdout.read(65_536) or b""

    def close(self) -> None:
        """End it, and with it its workers."""
        if not self.used:
            self.popen.kill()
        self.control.close()
        if self.spare is not None:
            self.spare.close()
        with self.popen:
            try:
                self.popen.wait(ANSWER_SECONDS)
            except subprocess.TimeoutExpired:
                self.popen.kill()


class Process:
    """A worker's process, or what is one in a moment, and the server's ends of its pipes.

    It ends when `life` is closed, or before its set-up its frames. Making it raises `OSError`.
    """

    def __init__(self, template: Template) -> None:
        self.template = template
        self.returncode = 0
        (frames_in, stdin), (stdout, frames_out), (stderr, printed), (watched, life) = _pipes(4)
        try:
            self.number = template.fork((frames_in, frames_out, printed, watched))
        except OSError:
            _close(stdin, stdout, stderr, life)
            raise
        finally:
            _close(frames_in, frames_out, printed, watched)
        self.stdin, self.stdout = _file(stdin, "wb"), _file(stdout, "rb")
        self.stderr, self.life = _file(stderr, "rb"), _file(life, "wb")

    @property
    def alive(self) -> bool:
        """Whether it has not ended, and has sent nothing yet."""
        readable = select.poll()
        readable.register(self.stdout, select.POLLIN)
        return not readable.poll(0)

    def end(self) -> int:
        """End it and all that it started; its exit code as `subprocess` gives it."""
        self.returncode = self.template.end(self.number)
        self.life.close()
        return self.returncode

    def close(self) -> None:
        """Close the pipes."""
        for stream in (self.stdin, self.stdout, self.stderr, self.life):
            stream.close()


class Processes:
    """Starts processes; after `prepare` without delay."""

    def __init__(self) -> None:
        self.templates: dict[Kind, Template] = {}
        self.closed = False

    def take(self, interpreter: Path, environment: Mapping[str, str]) -> Process:
        """A process for a worker with that environment, which it gets again with its set-up.

        Raises `OSError`.
        """
        kind = Kind.of(interpreter, environment)
        with suppress(ConnectionError):
            return self._template(kind).take()
        # The template was killed a moment ago.
        self._drop(kind)
        return self._template(kind).take()

    def prepare(self, interpreters: Iterable[Path]) -> None:
        """Have a process of each interpreter wait; end the templates that nobody uses any more.

        Who takes a process is told what fails.
        """
        wanted = {Kind(interpreter) for interpreter in interpreters}
        for kind, template in list(self.templates.items()):
            if kind not in wanted and not template.used:
                self._drop(kind)
        for kind in wanted:
            # One that cannot live is not tried again and again.
            if kind not in self.templates or self.templates[kind].alive:
                with suppress(OSError):
                    self._template(kind).prepare()

    def close(self) -> None:
        """End every template and with it every process, for good."""
        self.closed = True
        for kind in list(self.templates):
            self._drop(kind)

    def _template(self, kind: Kind) -> Template:
        if self.closed:
            raise OSError("the service has ended")
        if kind in self.templates and not self.templates[kind].alive:
            self._drop(kind)
        if kind not in self.templates:
            self.templates[kind] = Template(kind)
        return self.templates[kind]

    def _drop(self, kind: Kind) -> None:
        self.templates.pop(kind).close()


def _pipes(count: int) -> list[tuple[int, int]]:
    opened: list[tuple[int, int]] = []
    try:
        for _ in range(count):
            opened.append(os.pipe())
    except OSError:
        for pair in opened:
            _close(*pair)
        raise
    return opened


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _file(descriptor: int, mode: Literal["rb", "wb"]) -> FileIO:
    return open(descriptor, mode, buffering=0)
