"""What a worker process runs: one Lambda function, one invocation at a time.

A fork of `template_main`, which loads this file with the interpreter of the function's runtime and
`-I -S`: it imports the standard library alone and nothing of this project, and it works on every
Python from 3.11 on.

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
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from fcntl import ioctl
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
from termios import FIONREAD
from types import ModuleType, TracebackType

# Importing typing would cost every template some milliseconds and half a megabyte.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from ctypes import CDLL
    from importlib.metadata import Distribution, DistributionFinder
    from logging import LogRecord

    from _typeshed import StrOrBytesPath

READY, CANNOT_LOAD, VALUE, ERROR = b"R", b"L", b"V", b"E"

LONGEST_TEXT = 100_000
"""Characters of an error's text that are passed on: more would fit into no frame and no log."""

MOST_AT_ONCE = 65_536
"""Bytes of one reading: what a pipe holds."""

USUAL_FRAME = 8_192
"""Bytes that hold most frames whole."""

TRACE_VARIABLE = "_X_AMZN_TRACE_ID"
LENGTH_OF_TRACE = 40
"""Characters of the server's trace ids: `Root=1-`, 8 digits, `-`, 24 digits."""

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


def own_frames(trace: TracebackType | None, source: str) -> list[tuple[str, int, str]]:
    """File, line and function of the frames in the author's own files, outermost first."""
    frames: list[tuple[str, int, str]] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename.startswith(source + os.sep):
            frames.append((code.co_filename, trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    return frames


def text_of(error: BaseException) -> str:
    """The error's own text, cut where it is endless; an error whose text fails has none."""
    try:
        return str(error)[:LONGEST_TEXT]
    except Exception:
        return ""


def error_document(error: BaseException, request_id: str, source: str) -> dict[str, object]:
    """The error as Lambda reports it to who invoked the function."""
    import linecache

    trace = []
    for file, line, function in own_frames(error.__traceback__, source):
        code = linecache.getline(file, line).strip()
        trace.append(f'  File "{file}", line {line}, in {function}\n    {code}\n')
    return {
        "errorMessage": text_of(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": trace,
    }


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


class _LoggingLoader(SourceFileLoader):
    """Loads logging, then calls `set_up` with it."""

    def __init__(self, name: str, path: str, set_up: Callable[[ModuleType], None]) -> None:
        super().__init__(name, path)
        self.set_up = set_up

    def exec_module(self, module: ModuleType) -> None:
        """Load it and set it up."""
        super().exec_module(module)
        self.set_up(module)


class Logging:
    """Sets logging up as Lambda's runtime does, at the moment somebody imports it.

    The root logger has a handler from the beginning, so `basicConfig` does nothing, as on Lambda.
    """

    request_id = ""

    def __init__(self, log_format: str, level: str) -> None:
        self.log_format = log_format
        self.level = level

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module logging, with a loader that sets it up."""
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name)
        if spec is not None and spec.origin is not None:
            spec.loader = _LoggingLoader(name, spec.origin, self.set_up)
        return spec

    def set_up(self, logging: ModuleType) -> None:
        """Give the root logger its handler and its level."""
        handler = logging.StreamHandler(sys.stdout)
        handler.format = self.json_line if self.log_format == "JSON" else self.text_line
        logging.root.addHandler(handler)
        if self.level:
            logging.root.setLevel(self.level)

    def text_line(self, record: LogRecord) -> str:
        """`[INFO]<tab>2026-01-31T10:00:00.123Z<tab>REQUEST ID<tab>the message`"""
        line = f"[{record.levelname}]\t{_time_of(record)}\t{self.request_id}\t{record.getMessage()}"
        return "\n".join([line, *_trace_of(record)])

    def json_line(self, record: LogRecord) -> str:
        """One object (Lambda developer guide, "Using Lambda JSON log format")."""
        line: dict[str, object] = {
            "timestamp": _time_of(record),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": self.request_id,
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["errorType"] = record.exc_info[0].__name__
            line["errorMessage"] = text_of(record.exc_info[1] or Exception())
            line["stackTrace"] = _trace_of(record)
            line["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        added = {n: v for n, v in vars(record).items() if n not in _OWN and n not in line}
        return json.dumps({**line, **added}, default=str, ensure_ascii=False)


_OWN = frozenset(
    (
        *("args", "asctime", "created", "exc_info", "exc_text", "filename", "funcName"),
        *("levelname", "levelno", "lineno", "message", "module", "msecs", "msg", "name"),
        *("pathname", "process", "processName", "relativeCreated", "stack_info", "taskName"),
        *("thread", "threadName"),
    )
)
"""What every record has; the rest is what the author put in with `extra`."""


def _time_of(record: LogRecord) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{whole}.{int(record.msecs):03}Z"


def _trace_of(record: LogRecord) -> list[str]:
    if not record.exc_info or record.exc_info[2] is None:
        return []
    import traceback

    return [line.rstrip("\n") for line in traceback.format_tb(record.exc_info[2])]


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


def flush() -> None:
    """Let out what was printed without the end of its line; a handler may have closed a stream."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            continue


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
