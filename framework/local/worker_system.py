"""What a worker asks of the system: its end, its environment, its memory, its pipes.

In: nothing. Out: functions for `worker_main`. The standard library alone, on every Python from 3.11
on; what only Linux has is left out elsewhere.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from fcntl import ioctl
from functools import partial
from termios import FIONREAD

# Importing typing would cost every template some milliseconds and half a megabyte.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from ctypes import CDLL

    from _typeshed import StrOrBytesPath


TRACE_VARIABLE = "_X_AMZN_TRACE_ID"
LENGTH_OF_TRACE = 40
"""Characters of the server's trace ids: `Root=1-`, 8 digits, `-`, 24 digits."""


def end_everything(*_: object) -> None:
    """End this process and all that it started."""
    os.killpg(0, signal.SIGKILL)


def end_with_parent(descriptor: int) -> None:
    """Wait in a thread for the parent's end, then end everything."""
    os.read(descriptor, 1)
    end_everything()


def c_library() -> CDLL | None:
    """Linux's C library, where there is a way to call it."""
    if sys.platform != "linux":
        return None
    try:
        import ctypes

        return ctypes.CDLL(None)
    except (ImportError, OSError):
        return None


def putter(library: CDLL, size: int) -> Callable[[bytes], object]:
    """What puts `NAME=value` of so many bytes into C's environment, each time in the same place.

    The place is C's, not Python's: the environment points to it until the process is gone.
    """
    from ctypes import c_char, c_void_p

    library.malloc.restype = c_void_p
    library.putenv.argtypes = [c_void_p]
    address = library.malloc(size + 1)
    if not address:
        raise MemoryError
    place = (c_char * (size + 1)).from_address(address)

    def put(setting: bytes) -> object:
        place.value = setting
        return library.putenv(address)

    return put


def keep_one_trace_id() -> None:
    """Let every trace id have the same place in C's environment: glibc keeps all that `setenv` got.

    A kilobyte for each dozen of invocations; memory that REPORT would put down to the handler.
    """
    library, name, usual = c_library(), TRACE_VARIABLE.encode(), os.putenv
    if library is None:
        return
    put = putter(library, len(name) + 1 + LENGTH_OF_TRACE)

    def putenv(variable: StrOrBytesPath, value: StrOrBytesPath, /) -> None:
        if (
            variable == name
            and isinstance(value, bytes)
            and len(value) == LENGTH_OF_TRACE
            and b"\0" not in value
        ):
            put(name + b"=" + value)
        else:
            usual(variable, value)

    # os.environ calls it.
    os.putenv = putenv


def signal_of_the_end() -> Callable[[], object]:
    """What asks Linux, in a fork, for a signal at the parent's end: it ends everything.

    For a handler whose C code lets no thread run. Not SIGKILL, which would end the process before
    it can end those that it started.
    """
    library = c_library()
    if library is None or not hasattr(library, "prctl"):
        return bool
    prctl = library.prctl
    number, set_parent_death_signal = int(signal.SIGRTMAX), 1
    signal.signal(number, end_everything)
    return partial(prctl, set_parent_death_signal, number, 0, 0, 0)


def memory_used() -> int:
    """KB of memory that this process used at most, as far as the system says it."""
    try:
        status = os.open("/proc/self/status", os.O_RDONLY)
        try:
            _, _, rest = os.read(status, 4096).partition(b"VmHWM:")
            return int(rest.split(maxsplit=1)[0])
        finally:
            os.close(status)
    except (OSError, IndexError, ValueError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most // 1024 if sys.platform == "darwin" else most


class Memory:
    """The most memory used so far, asked for only where a page was added since."""

    def __init__(self) -> None:
        self.faults = -1
        self.most = 0

    def used(self) -> int:
        """KB."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        faults = usage.ru_minflt + usage.ru_majflt
        if faults != self.faults:
            self.faults, self.most = faults, memory_used()
        return self.most


def unread_of(descriptor: int) -> Callable[[], bool]:
    """What says whether something that was printed to a pipe may still wait to be read.

    The server would have to ask after every invocation; here it is asked beside the server's work.
    """
    if sys.platform != "linux":
        return lambda: True
    none = bytes(4)

    def unread() -> bool:
        try:
            return ioctl(descriptor, FIONREAD, none) != none
        except OSError:
            return True

    return unread
