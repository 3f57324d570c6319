"""What a template runs: a Python that does nothing but fork a worker each time one is needed.

Run by the interpreter of a runtime with `-I -S`. It has imported the standard library alone, runs
no code of the author's, holds no secret, no socket but its own and one thread: a fork of it finds
what a process of its own would find. What it has read and compiled, its workers share.

In, on descriptor 0, a socket: commands, each a letter and a number (four bytes, big endian) that
the server gave the worker. `F`ork comes with four descriptors, the worker's frames in and out, what
it prints, and the one whose end is its end; nothing answers it. `E`nd ends the worker and all that
it started.
Out, on the same socket: the exit code of each worker that was to end, as `subprocess` gives it
(four bytes, big endian, signed). A worker that ended by itself keeps its process id until then.
When the server is gone, so is everything.
"""

from __future__ import annotations

import _socket
import gc
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

FORK, END = b"F", b"E"

DESCRIPTORS = 4
"""How many come with `F`ork."""

CANNOT_FORK = 71
"""The exit code of a worker that never was (`EX_OSERR` of sysexits.h)."""

Work = Callable[[int, int, int, int], None]
"""`worker_main.work`: frames in, frames out, life, the process id of the template."""


class Template:
    """Forks workers and ends them. `control` is the server's socket."""

    def __init__(self, control: _socket.socket) -> None:
        self.control = control
        self.workers: dict[int, int] = {}

    def serve(self) -> list[int] | None:
        """Until the server is gone, then None; in each new worker the descriptors it was given."""
        try:
            while True:
                kind, number, descriptors = self._receive()
                if kind == FORK:
                    if self._fork(number, descriptors):
                        return descriptors
                elif kind == END:
                    self.control.send(self._end(number).to_bytes(4, "big", signed=True))
                else:
                    break
        except ConnectionError:
            pass
        for pid in self.workers.values():
            kill(pid)
        return None

    def _receive(self) -> tuple[bytes, int, list[int]]:
        """A command, its number and what came with it; no command when the server is gone."""
        room = _socket.CMSG_SPACE(DESCRIPTORS * 4)
        data, ancillary, _, _ = self.control.recvmsg(5, room)
        descriptors = [each for part in ancillary for each in memoryview(part[2]).cast("i")]
        return data[:1], int.from_bytes(data[1:], "big"), descriptors

    def _fork(self, number: int, descriptors: list[int]) -> bool:
        """Whether this is the new worker."""
        try:
            pid = os.fork()
            if pid == 0:
                return True
            self.workers[number] = pid
        except OSError as error:
            os.write(descriptors[2], f"no worker can be forked: {error}\n".encode())
        for descriptor in descriptors:
            os.close(descriptor)
        return False

    def _end(self, number: int) -> int:
        pid = self.workers.pop(number, None)
        if pid is None:
            return CANNOT_FORK
        kill(pid)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill(worker: int) -> None:
    """Kill a worker and all that it started; itself first, for a new one leads no group yet."""
    for send in (os.kill, os.killpg):
        try:
            send(worker, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def load_worker_main() -> ModuleType:
    """`worker_main` and those beside it, under no name that an author's import could meet."""
    kept = _forget_framework()
    folder = __file__.removesuffix("/template_main.py")
    try:
        for name, path in (("framework", []), ("framework.local", [folder])):
            package = sys.modules[name] = ModuleType(name)
            package.__path__ = path
        return import_module("framework.local.worker_main")
    finally:
        _forget_framework()
        sys.modules.update(kept)
        sys.path_importer_cache.pop(folder, None)


def _forget_framework() -> dict[str, ModuleType]:
    """Take this project's modules out of those that imports know of."""
    names = [name for name in sys.modules if name.partition(".")[0] == "framework"]
    return {name: sys.modules.pop(name) for name in names}


def settle(printed: int) -> None:
    """Be the leader of a group, read nothing, print to `printed`, and leave the server's socket."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    os.close(nothing)
    os.close(printed)


def main() -> None:
    """Fork workers for the server at descriptor 0; in a worker, be one."""
    # A collection would touch, and so copy, what the workers share.
    gc.disable()
    work: Work = load_worker_main().prepare()
    control = _socket.socket(fileno=0)
    template = os.getpid()
    gc.freeze()
    descriptors = Template(control).serve()
    if descriptors is not None:
        incoming, outgoing, printed, life = descriptors
        control.detach()
        settle(printed)
        gc.enable()
        work(incoming, outgoing, life, template)


if __name__ == "__main__":
    main()
