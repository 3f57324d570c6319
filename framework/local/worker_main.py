"""What a worker process runs: one Lambda function, one invocation at a time.

A fork of `template_main`, which loads this file with the interpreter of the function's runtime and
`-I -S`: it imports the standard library and the modules beside it that begin with `worker_`, no
other of this project, and it works on every Python from 3.11 on.

In: frames, each a length (four bytes, big endian) and bytes. The first is the set-up in JSON, every
other one invocation: request id, space, trace id, line feed, event.
Out: frames of one kind byte and a payload, `R`eady, `L` cannot load, `V`alue (the result as JSON),
`E`rror (AWS's error document); the last two begin with the most memory used so far (KB, four bytes,
big endian) and a byte that is 0 where all that was printed has been read.
What the handler prints goes to descriptors 1 and 2. The process and all that it started end when
the descriptor `life` reaches its end: the server holds the other side and never writes.
"""

from __future__ import annotations

import _thread
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
)
from types import ModuleType

from framework.local.worker_errors import error_document, own_frames, text_of
from framework.local.worker_logging import Logging
from framework.local.worker_system import (
    TRACE_VARIABLE,
    Memory,
    end_everything,
    end_with_parent,
    keep_one_trace_id,
    signal_of_the_end,
    unread_of,
)

# Importing typing would cost every template some milliseconds and half a megabyte.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.metadata import Distribution, DistributionFinder

READY, CANNOT_LOAD, VALUE, ERROR = b"R", b"L", b"V", b"E"


MOST_AT_ONCE = 65_536
"""Bytes of one reading: what a pipe holds."""

USUAL_FRAME = 8_192
"""Bytes that hold most frames whole."""


Handler = Callable[[object, object], object]


class Channel:
    """Frames in and out."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self.incoming = incoming
        self.outgoing = outgoing
        self.owner = os.getpid()
        self.ahead = b""

    def receive(self) -> bytes | None:
        """The next frame, None when the parent is gone."""
        head = self._at_least(4, self.ahead)
        end = 4 + int.from_bytes(head[:4], "big")
        data = self._at_least(end, head)
        if len(head) < 4 or len(data) < end:
            return None
        self.ahead = data[end:]
        return data[4:end]

    def _at_least(self, count: int, data: bytes) -> bytes:
        """So many bytes that begin with `data`, or more; fewer when the parent is gone."""
        parts = [data]
        missing = count - len(data)
        while missing > 0:
            part = os.read(self.incoming, min(max(missing, USUAL_FRAME), MOST_AT_ONCE))
            if not part:
                break
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Send one frame, unless this is a child that the handler forked."""
        if os.getpid() != self.owner:
            os._exit(0)
        data = memoryview((len(payload) + 1).to_bytes(4, "big") + kind + payload)
        while data:
            data = data[os.write(self.outgoing, data) :]


def move_in(source: str, environment: Mapping[str, str]) -> None:
    """Be in the function's folder, with its environment and no other."""
    os.chdir(source)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()


class RuntimePackages:
    """The packages that Lambda's Python runtimes bring (boto3 and what it needs), last on the path.

    A finder, not a folder on `sys.path`: what else is installed beside them stays unseen.
    """

    def __init__(self, folders: Mapping[str, str]) -> None:
        self.folders = folders

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module of that name, for the packages known alone."""
        if path is not None or name not in self.folders:
            return None
        return PathFinder.find_spec(name, [self.folders[name]], target)

    def find_distributions(self, context: DistributionFinder.Context) -> Iterable[Distribution]:
        """Their metadata, for `importlib.metadata`."""
        from importlib.metadata import DistributionFinder, MetadataPathFinder

        folder = self.folders.get(_module_name(context.name or ""))
        if folder is None:
            return ()
        wanted = DistributionFinder.Context(name=context.name, path=[folder])
        return MetadataPathFinder.find_distributions(wanted)


def _module_name(distribution: str) -> str:
    name = distribution.lower().replace("-", "_")
    return "dateutil" if name == "python_dateutil" else name


class SourceOnly(SourceFileLoader):
    """Reads no bytecode and writes none: a file saved twice within a second is not mistaken."""

    def path_stats(self, path: object) -> Mapping[str, object]:
        """Refuse, which is how the import system is told that there is no bytecode."""
        raise OSError("no bytecode for the author's own files")


def prepare_imports(source: str, paths: list[str], runtime: Mapping[str, str]) -> None:
    """`source` and `paths` first, then the standard library, then what the runtime brings."""

    def finder(folder: str) -> FileFinder:
        if folder != source and not folder.startswith(source + os.sep):
            raise ImportError
        extensions = (ExtensionFileLoader, EXTENSION_SUFFIXES)
        return FileFinder(folder, extensions, (SourceOnly, SOURCE_SUFFIXES))

    sys.path_hooks.insert(0, finder)
    sys.path[:0] = paths
    sys.meta_path.append(RuntimePackages(runtime))


class Context:
    """Lambda's context object (Lambda developer guide, "Using the Lambda context object")."""

    identity = None
    client_context = None
    function_version = "$LATEST"

    def __init__(self, setup: Mapping[str, str], request_id: str, seconds: float) -> None:
        self.aws_request_id = request_id
        self.function_name = setup["function_name"]
        self.invoked_function_arn = setup["function_arn"]
        self.memory_limit_in_mb = setup["memory"]
        self.log_group_name = setup["log_group"]
        self.log_stream_name = setup["log_stream"]
        self._end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout, never below 0."""
        return max(0, int((self._end - time.monotonic()) * 1000))

    def log(self, text: object) -> None:
        """Write to the function's log."""
        sys.stdout.write(str(text))


class CannotLoad(Exception):
    """The handler cannot be had; the text is for the terminal."""

    def __init__(self, text: str, error_type: str) -> None:
        super().__init__(text)
        self.error_type = error_type


def load(handler: str, source: str, shown: str) -> Handler:
    """The function that `handler` ("folder/module.function") names; `shown` is the source's name.

    Raises `CannotLoad`.
    """
    path, _, name = handler.rpartition(".")
    module_name = path.replace("/", ".")
    file = f"{shown}/{module_name.replace('.', '/')}.py"
    try:
        __import__(module_name)
    except Exception as error:
        where = _raised_at(error, source, shown, file)
        text = f"cannot import {file}: {type(error).__name__}: {text_of(error)}{where}"
        raise CannotLoad(text, f"Runtime.{_init_error(error)}") from None
    function = getattr(sys.modules[module_name], name, None)
    if not callable(function):
        raise CannotLoad(f"{file} has no function '{name}'", "Runtime.HandlerNotFound")
    found: Handler = function
    return found


def _init_error(error: Exception) -> str:
    if isinstance(error, ImportError):
        return "ImportModuleError"
    return "UserCodeSyntaxError" if isinstance(error, SyntaxError) else type(error).__name__


def _raised_at(error: Exception, source: str, shown: str, file: str) -> str:
    """` (handlers/notes.py:12)` where the text does not say it."""
    if isinstance(error, SyntaxError):
        return ""
    frames = own_frames(error.__traceback__, source)
    if not frames or (isinstance(error, ImportError) and len(frames) == 1):
        return ""
    name, line, _ = frames[-1]
    return f" ({shown}{name[len(source) :]}:{line})"


def _decimal(value: object) -> float:
    """Numbers of DynamoDB and its like, as Lambda's runtime turns them to JSON."""
    if type(value).__module__ == "decimal":
        return float(str(value))
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


_to_json = json.JSONEncoder(default=_decimal).encode


def result_frame(result: object, most: int) -> tuple[bytes, bytes]:
    """The frame for what the handler returned: the value of at most so many bytes, or why not."""
    try:
        payload = _to_json(result).encode()
    except (TypeError, ValueError, RecursionError) as error:
        text = f"Unable to marshal response: {error}"
        return _refusal("Runtime.MarshalError", text)
    if len(payload) > most:
        text = "Response payload size exceeded maximum allowed payload size"
        return _refusal("Function.ResponseSizeTooLarge", f"{text} ({most} bytes).")
    return VALUE, payload


def _refusal(error_type: str, text: str) -> tuple[bytes, bytes]:
    return ERROR, json.dumps({"errorMessage": text, "errorType": error_type}).encode()


def flush() -> None:
    """Let out what was printed without the end of its line; a handler may have closed a stream."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            continue


def invoke(handler: Handler, setup: Mapping[str, str], frame: bytes) -> tuple[bytes, bytes]:
    """One invocation: the frame that answers it."""
    head, _, event = frame.partition(b"\n")
    request_id, _, trace = head.decode("ascii").partition(" ")
    os.environ[TRACE_VARIABLE] = trace
    Logging.request_id = request_id
    context = Context(setup, request_id, float(setup["timeout"]))
    try:
        result = handler(json.loads(event), context)
    except Exception as error:
        document = error_document(error, context.aws_request_id, setup["source"])
        return ERROR, json.dumps(document).encode()
    return result_frame(result, int(setup["payload"]))


def serve(channel: Channel, setup: Mapping[str, str], unread: Callable[[], bool]) -> None:
    """Load the handler, then answer invocations until the parent is gone."""
    try:
        handler = load(setup["handler"], setup["source"], setup["shown"])
    except CannotLoad as problem:
        document = {"errorMessage": str(problem), "errorType": problem.error_type}
        channel.send(CANNOT_LOAD, json.dumps(document).encode())
        return
    channel.send(READY)
    memory = Memory()
    while (frame := channel.receive()) is not None:
        kind, payload = invoke(handler, setup, frame)
        flush()
        channel.send(kind, memory.used().to_bytes(4, "big") + bytes((unread(),)) + payload)


def rehearse() -> None:
    """Do once what every worker does: the memory that this takes is shared, and the time spared."""
    names = ("function_name", "function_arn", "memory", "timeout", "log_group", "log_stream")
    setup = {**dict.fromkeys(names, "0"), "source": "", "payload": "2"}
    compile("def handler(event, context):\n    return event\n", "rehearsal", "exec")
    move_in(os.sep, {**os.environ, "TZ": ":UTC"})
    invoke(lambda event, context: event, setup, b" \n{}")
    Memory().used()
    unread_of(1)()


def prepare() -> Callable[[int, int, int, int], None]:
    """Have ready what every worker needs; what runs one in a fork (see `work`)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    keep_one_trace_id()
    rehearse()
    return partial(work, signal_of_the_end())


def work(
    ask_for_signal: Callable[[], object], incoming: int, outgoing: int, life: int, template: int
) -> None:
    """Run one worker: descriptors of its frames and its life, the template's process id."""
    ask_for_signal()
    if os.getppid() != template:
        end_everything()
    channel = Channel(incoming, outgoing)
    # The handler may put something else in the place of 1 and 2.
    unread = unread_of(os.dup(2))
    for descriptor in (incoming, outgoing, life):
        os.set_inheritable(descriptor, False)
    frame = channel.receive()
    if frame is None:
        return
    setup = json.loads(frame)
    move_in(setup["source"], setup["environment"])
    _thread.start_new_thread(end_with_parent, (life,))
    prepare_imports(setup["source"], setup["paths"], setup["runtime"])
    sys.meta_path.insert(0, Logging(setup["log_format"], setup["log_level"]))
    serve(channel, setup, unread)
    end_everything()
