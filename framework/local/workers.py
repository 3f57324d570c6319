"""Worker processes: one for each concurrent invocation of a function, kept while warm.

In: a `Launch`, how a function's worker is started, and events as JSON. Out: `Pool.invoke`, the
function's result or AWS's error document. A worker is a process group of its own, so Ctrl-C reaches
the parent alone and the parent ends whatever a handler started.
What goes wrong in a handler is one clear line on the terminal and the author's own frames.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from framework.local.environment import log_stream
from framework.local.event import trace_id
from framework.local.model import Function
from framework.local.output import Output
from framework.local.sources import fingerprint

PROGRAM = Path(__file__).with_name("worker_main.py")

INIT_SECONDS = 10.0
"""Lambda's limit for the init phase (Lambda developer guide, "Lambda execution environment")."""

MOST_WORKERS = 10
"""Worker processes of one function; further invocations wait for one to be free."""

LONGEST_FRAME = 8 << 20
"""Bytes of one answer; a worker that sends more is broken."""

CANNOT_LOAD, ERROR = b"L", b"E"


class Throttled(Exception):
    """The function's reserved concurrency is used up."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invocation came to: the result as JSON, or with `failed` AWS's error document."""

    payload: bytes
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Launch:
    """How a worker is started. `paths[0]` is the author's folder, the only one watched.

    `environment` gives `os.environ` for a log stream's name.
    """

    function: Function
    interpreter: Path
    paths: tuple[Path, ...]
    runtime: Mapping[str, str]
    environment: Callable[[str], Mapping[str, str]]

    @property
    def source(self) -> Path:
        """The folder of the author's files."""
        return self.paths[0]

    def setup(self, stream: str, life: int) -> bytes:
        """The first frame a worker reads."""
        function = self.function
        document = {
            "handler": function.handler,
            "source": str(self.source),
            "shown": function.code.source,
            "paths": [str(path) for path in self.paths],
            "runtime": dict(self.runtime),
            "life": life,
            "function_name": function.name,
            "function_arn": function.arn,
            "memory": str(function.memory),
            "timeout": str(function.timeout),
            "log_group": function.log_group,
            "log_stream": stream,
        }
        return json.dumps(document).encode()


class _Frames(asyncio.Protocol):
    """The frames that a worker sends, in order."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.arrived: deque[bytes] = deque()
        self.waiter: asyncio.Future[None] | None = None
        self.ended = False

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while len(self.buffer) >= 4:
            length = int.from_bytes(self.buffer[:4], "big")
            if length > LONGEST_FRAME:
                self.connection_lost(None)
                return
            if len(self.buffer) < 4 + length:
                return
            self.arrived.append(bytes(self.buffer[4 : 4 + length]))
            del self.buffer[: 4 + length]
            self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def next(self) -> bytes:
        """The next frame. Raises `EOFError` when the worker is gone."""
        while not self.arrived:
            if self.ended:
                raise EOFError
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter
        return self.arrived.popleft()


class Worker:
    """One process of a function."""

    def __init__(self, launch: Launch, mark: int, say: Callable[[str], None]) -> None:
        self.launch = launch
        self.fingerprint = mark
        self.ready = False
        self.frames = _Frames()
        self.output = Output(launch.function.entry, say)

    async def start(self) -> None:
        """Start the process and hand it its set-up. Raises `OSError`."""
        stream = log_stream()
        life, self.life = os.pipe()
        try:
            self.process = self._spawn(stream, life)
        except OSError:
            os.close(self.life)
            raise
        finally:
            os.close(life)
        await self._connect()
        self.send(self.launch.setup(stream, life))

    def _spawn(self, stream: str, life: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self.launch.interpreter, "-I", "-S", "-X", "utf8", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=self.launch.source,
            env=dict(self.launch.environment(stream)),
            start_new_session=True,
            pass_fds=(life,),
        )

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        process = self.process
        self.stdin, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, process.stdin)
        self.answers, _ = await loop.connect_read_pipe(lambda: self.frames, process.stdout)
        self.printed, _ = await loop.connect_read_pipe(lambda: self.output, process.stderr)

    def send(self, frame: bytes) -> None:
        """Send one frame to the process."""
        self.stdin.write(len(frame).to_bytes(4, "big") + frame)

    @property
    def usable(self) -> bool:
        """Whether it can take another invocation."""
        return not self.frames.ended

    def end(self) -> int:
        """End the process and all that it started; its exit code as `subprocess` gives it."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        os.close(self.life)
        self.stdin.close()
        self.answers.close()
        return code

    def hush(self) -> None:
        """Show nothing more of what it printed."""
        self.printed.close()


class Pool:
    """The workers of one function. `say` writes a line on the terminal."""

    def __init__(self, launch: Launch, say: Callable[[str], None]) -> None:
        self.launch = launch
        self.function = launch.function
        self.say = say
        self.idle: list[Worker] = []
        self.workers: set[Worker] = set()
        self.busy = 0
        self.slots = asyncio.Semaphore(MOST_WORKERS)
        self.closing = False

    async def invoke(self, event: bytes) -> Outcome:
        """Invoke the function with an event in JSON. Raises `Throttled`."""
        limit = self.function.concurrency
        if limit is not None and self.busy >= limit:
            raise Throttled
        self.busy += 1
        try:
            async with self.slots:
                return await self._invoke(event, str(uuid.uuid4()))
        finally:
            self.busy -= 1

    def close(self) -> None:
        """End every worker; invocations under way fail without a word."""
        self.closing = True
        for worker in list(self.workers):
            self._discard(worker)
            worker.hush()

    async def _invoke(self, event: bytes, request_id: str) -> Outcome:
        try:
            worker = await self._acquire()
        except OSError as error:
            self._say(f"its worker cannot start: {error}")
            return _failure("Runtime.Unknown", "the worker cannot start")
        frame = json.dumps({"request_id": request_id, "trace": trace_id()}).encode()
        worker.output.begin_invocation()
        worker.send(frame[:-1] + b', "event": ' + event + b"}")
        done = False
        try:
            outcome = await self._answer(worker, request_id)
            done = True
            return outcome
        finally:
            if done and worker.usable and worker.ready:
                self.idle.append(worker)
            else:
                self._discard(worker)

    async def _acquire(self) -> Worker:
        """A warm worker that runs the files as they are now, or a new one."""
        mark = fingerprint(self.launch.source)
        while self.idle:
            worker = self.idle.pop()
            if worker.usable and worker.fingerprint == mark:
                return worker
            self._discard(worker)
        worker = Worker(self.launch, mark, self.say)
        await worker.start()
        self.workers.add(worker)
        return worker

    def _discard(self, worker: Worker) -> int:
        """End a worker, once; its exit code."""
        if worker not in self.workers:
            return worker.process.returncode
        self.workers.discard(worker)
        return worker.end()

    async def _answer(self, worker: Worker, request_id: str) -> Outcome:
        timeout = self.function.timeout
        try:
            if not worker.ready:
                async with asyncio.timeout(INIT_SECONDS + timeout):
                    frame = await worker.frames.next()
                if frame[:1] == CANNOT_LOAD:
                    return self._cannot_load(worker, frame[1:])
                worker.ready = True
            async with asyncio.timeout(timeout):
                frame = await worker.frames.next()
        except TimeoutError:
            return self._timed_out(worker, request_id)
        except EOFError:
            return self._exited(worker, request_id)
        if frame[:1] == ERROR:
            self._tell(json.loads(frame[1:]))
            return Outcome(frame[1:], failed=True)
        return Outcome(frame[1:])

    def _cannot_load(self, worker: Worker, document: bytes) -> Outcome:
        self._say(json.loads(document)["errorMessage"])
        self._discard(worker)
        return Outcome(document, failed=True)

    def _timed_out(self, worker: Worker, request_id: str) -> Outcome:
        self._discard(worker)
        seconds = self.function.timeout
        if worker.ready:
            self._say(
                f"timed out after {seconds:g} s: raise its timeout, or find what it waits for"
            )
        else:
            self._say(f"its handler was not imported within {INIT_SECONDS + seconds:g} s")
        text = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
        return _failure("Sandbox.Timedout", text)

    def _exited(self, worker: Worker, request_id: str) -> Outcome:
        code = self._discard(worker)
        reason = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        if not self.closing:
            self._say(f"its worker ended before it answered ({reason})")
        text = f"RequestId: {request_id} Error: Runtime exited with error: {reason}"
        return _failure("Runtime.ExitError", text)

    def _tell(self, document: Mapping[str, object]) -> None:
        self._say(f"{document['errorType']}: {document['errorMessage']}")
        trace = document.get("stackTrace")
        for entry in trace if isinstance(trace, list) else ():
            for line in str(entry).splitlines():
                self.say(f"{self.function.entry} | {line}")

    def _say(self, text: str) -> None:
        self.say(f"{self.function.entry}: {' '.join(text.splitlines())}")


def _failure(error_type: str, text: str) -> Outcome:
    document = {"errorType": error_type, "errorMessage": text}
    return Outcome(json.dumps(document).encode(), failed=True)
