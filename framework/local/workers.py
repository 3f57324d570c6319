"""Worker processes: one for each concurrent invocation of a function, kept while warm.

In: a `Launch`, how a function's worker is started, and events as JSON. Out: `Pool.invoke`, the
function's result or AWS's error document. A worker that nobody used for a minute is ended. What
goes wrong in a handler is one clear line and the author's own frames.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from framework.local.environment import WorkerEnvironment, log_stream
from framework.local.events import Feed
from framework.local.ids import invocation_id, trace_id
from framework.local.logs import FunctionLog, Measures, Tail
from framework.local.model import Function
from framework.local.output import Output
from framework.local.processes import Processes
from framework.local.sources import EachTurn, Folder

INIT_SECONDS = 10.0
"""Lambda's limit for the init phase (Lambda developer guide, "Lambda execution environment")."""

MAXIMUM_PAYLOAD = 6_291_556
"""Bytes of an event or a result: Lambda quota "Invocation payload (request and response)", 6 MB."""

MOST_WORKERS = 10
"""Worker processes of one function; further invocations wait for one to be free."""

IDLE_SECONDS = 60.0
"""A worker without an invocation for so long is ended."""

LONGEST_FRAME = 8 << 20
"""Bytes of one answer; a worker that sends more is broken."""

CANNOT_LOAD, ERROR = b"L", b"E"

NOTHING = Tail()


class Throttled(Exception):
    """The function's reserved concurrency is used up."""


class Outcome(NamedTuple):
    """What an invocation came to: the result as JSON, or with `failed` AWS's error document.

    `log` is the end of what it logged.
    """

    payload: bytes
    failed: bool = False
    log: Tail = NOTHING


@dataclass(frozen=True, slots=True)
class Launch:
    """How a worker is started. `paths[0]` is the author's folder, the only one watched."""

    function: Function
    interpreter: Path
    paths: tuple[Path, ...]
    runtime: Mapping[str, str]
    environment: WorkerEnvironment

    @property
    def source(self) -> Path:
        """The folder of the author's files."""
        return self.paths[0]

    def setup(self, stream: str, life: int, environment: Mapping[str, str]) -> bytes:
        """The first frame a worker reads."""
        function = self.function
        document = {
            "handler": function.handler,
            "source": str(self.source),
            "shown": function.code.source,
            "paths": [str(path) for path in self.paths],
            "runtime": dict(self.runtime),
            "life": life,
            "environment": dict(environment),
            "function_name": function.name,
            "function_arn": function.arn,
            "memory": str(function.memory),
            "timeout": str(function.timeout),
            "payload": str(MAXIMUM_PAYLOAD),
            "log_group": function.log_group,
            "log_stream": stream,
            "log_format": function.log_format,
            "log_level": function.log_level,
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

    def _late(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_exception(TimeoutError())

    async def next(self, seconds: float) -> bytes:
        """The next frame. Raises `EOFError` when the worker is gone, `TimeoutError` before that."""
        if not self.arrived and not self.ended:
            loop = asyncio.get_running_loop()
            self.waiter = loop.create_future()
            timer = loop.call_later(seconds, self._late)
            try:
                await self.waiter
            finally:
                timer.cancel()
        if not self.arrived:
            raise EOFError
        return self.arrived.popleft()


class Worker:
    """One process of a function."""

    def __init__(self, launch: Launch, mark: int, feed: Feed) -> None:
        self.launch = launch
        self.fingerprint = mark
        self.ready = False
        self.idle_since = 0.0
        self.frames = _Frames()
        self.log = FunctionLog(launch.function, log_stream(), feed)
        self.output = Output(self.log.line)

    async def start(self, processes: Processes) -> None:
        """Take a process and hand it its set-up. Raises `OSError`."""
        self.launch.source.stat()
        stream = self.log.stream.name
        environment = self.launch.environment.variables(stream)
        self.process = processes.take(self.launch.interpreter, environment)
        await self._connect(self.process.popen)
        self.send(self.launch.setup(stream, self.process.watched, environment))

    async def _connect(self, process: subprocess.Popen[bytes]) -> None:
        loop = asyncio.get_running_loop()
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

    def read_output(self) -> None:
        """Take what it has printed until now, which the event loop may not have seen yet."""
        stream = self.process.popen.stderr
        if stream is None or stream.closed or self.printed.is_closing():
            return
        with suppress(BlockingIOError):
            while data := os.read(stream.fileno(), 65_536):
                self.output.data_received(data)
                if self.output.full:
                    return

    def end(self) -> int:
        """End the process and all that it started; its exit code as `subprocess` gives it."""
        code = self.process.end()
        self.stdin.close()
        self.answers.close()
        return code

    def hush(self) -> None:
        """Show nothing more of what it printed."""
        self.printed.close()


class _Invocation:
    """One invocation on one worker, with what REPORT will say of it."""

    def __init__(self, worker: Worker, clock: Callable[[], float]) -> None:
        self.worker = worker
        self.clock = clock
        self.request_id = invocation_id()
        self.begun = clock()
        self.init: float | None = None
        self.memory = 0
        self.status = "success"

    def send(self, event: bytes) -> None:
        """Hand the event over."""
        head = f"{self.request_id} {trace_id()}\n".encode()
        self.worker.output.begin_invocation()
        self.worker.log.start(self.request_id)
        self.worker.send(head + event)

    def loaded(self) -> None:
        """The handler has been imported: the invocation itself begins now."""
        self.worker.ready = True
        self.init = self.clock() - self.begun
        self.begun += self.init

    def finish(self) -> None:
        """Log the end."""
        self.worker.read_output()
        self.worker.output.end_line()
        duration = self.clock() - self.begun
        self.worker.log.end(Measures(duration, self.memory, self.init, self.status))


class Pool:
    """The workers of one function. `clock` counts seconds."""

    def __init__(
        self,
        launch: Launch,
        feed: Feed,
        processes: Processes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.launch = launch
        self.processes = processes
        self.function = launch.function
        self.feed = feed
        self.clock = clock
        self.mark = EachTurn(Folder(launch.source).fingerprint)
        self.idle: list[Worker] = []
        self.workers: set[Worker] = set()
        self.busy = 0
        self.slots = asyncio.Semaphore(MOST_WORKERS)
        self.closing = False
        self.retired = False

    async def invoke(self, event: bytes) -> Outcome:
        """Invoke the function with an event in JSON. Raises `Throttled`."""
        limit = self.function.concurrency
        if limit is not None and self.busy >= limit:
            raise Throttled
        self.busy += 1
        try:
            async with self.slots:
                if self.closing:
                    return _failure("Runtime.ExitError", "the service has ended")
                return await self._invoke(event)
        finally:
            self.busy -= 1

    def answers_within(self, seconds: float) -> bool:
        """Whether an invocation that begins now is over by then, at the latest by its timeout."""
        return not self.slots.locked() and INIT_SECONDS + self.function.timeout < seconds

    def reap(self) -> None:
        """End the workers that were idle for `IDLE_SECONDS`."""
        end = self.clock() - IDLE_SECONDS
        for worker in [worker for worker in self.idle if worker.idle_since <= end]:
            self.idle.remove(worker)
            self._discard(worker)

    def retire(self) -> None:
        """Another pool takes the function's place: invocations under way are the last ones."""
        self.retired = True
        while self.idle:
            self._discard(self.idle.pop())

    def close(self) -> None:
        """End every worker; invocations under way fail without a word."""
        self.closing = True
        for worker in list(self.workers):
            self._discard(worker)
            worker.hush()

    async def _invoke(self, event: bytes) -> Outcome:
        try:
            worker = await self._acquire()
        except OSError as error:
            self._say(f"its worker cannot start: {error}")
            return _failure("Runtime.Unknown", "the worker cannot start")
        invocation = _Invocation(worker, self.clock)
        invocation.send(event)
        done = False
        try:
            outcome = await self._answer(invocation)
            done = True
            if not self.closing:
                invocation.finish()
            return Outcome(outcome.payload, outcome.failed, worker.log.tail)
        finally:
            self._release(worker, done)

    def _release(self, worker: Worker, done: bool) -> None:
        """Keep the worker for the next invocation, where it can take one."""
        if done and worker.usable and worker.ready and not self.retired:
            worker.idle_since = self.clock()
            self.idle.append(worker)
        else:
            self._discard(worker)

    async def _acquire(self) -> Worker:
        """A warm worker that runs the files as they are now, or a new one."""
        mark = self.mark()
        while self.idle:
            worker = self.idle.pop()
            if worker.usable and worker.fingerprint == mark:
                return worker
            self._discard(worker)
        worker = Worker(self.launch, mark, self.feed)
        await worker.start(self.processes)
        self.workers.add(worker)
        if self.closing:
            self._discard(worker)
        return worker

    def _discard(self, worker: Worker) -> int:
        """End a worker, once; its exit code."""
        if worker not in self.workers:
            return worker.process.popen.returncode
        self.workers.discard(worker)
        return worker.end()

    async def _answer(self, invocation: _Invocation) -> Outcome:
        worker, timeout = invocation.worker, self.function.timeout
        try:
            if not worker.ready:
                frame = await worker.frames.next(INIT_SECONDS + timeout)
                if frame[:1] == CANNOT_LOAD:
                    return self._cannot_load(invocation, frame[1:])
                invocation.loaded()
            frame = await worker.frames.next(timeout)
        except TimeoutError:
            return self._timed_out(invocation)
        except EOFError:
            return self._exited(invocation)
        invocation.memory = int.from_bytes(frame[1:5], "big") // 1024
        if frame[:1] == ERROR:
            return self._failed(invocation, frame[5:])
        return Outcome(frame[5:])

    def _failed(self, invocation: _Invocation, document: bytes) -> Outcome:
        invocation.status = "error"
        worker = invocation.worker
        worker.read_output()
        found = json.loads(document)
        worker.log.failed(found)
        self._tell(found)
        return Outcome(document, failed=True)

    def _cannot_load(self, invocation: _Invocation, document: bytes) -> Outcome:
        invocation.status = "error"
        found = json.loads(document)
        self._say(found["errorMessage"])
        self._discard(invocation.worker)
        invocation.worker.log.failed(found)
        return Outcome(document, failed=True)

    def _timed_out(self, invocation: _Invocation) -> Outcome:
        invocation.status = "timeout"
        self._discard(invocation.worker)
        seconds = self.function.timeout
        if invocation.worker.ready:
            self._say(
                f"timed out after {seconds:g} s: raise its timeout, or find what it waits for"
            )
        else:
            self._say(f"its handler was not imported within {INIT_SECONDS + seconds:g} s")
        text = f"Task timed out after {seconds:.2f} seconds"
        return self._ended(invocation, "Sandbox.Timedout", text)

    def _exited(self, invocation: _Invocation) -> Outcome:
        invocation.status = "error"
        code = self._discard(invocation.worker)
        reason = f"exit code {code}" if code >= 0 else f"signal {_signal(-code)}"
        if not self.closing:
            self._say(f"its worker ended before it answered ({reason})")
        return self._ended(invocation, "Runtime.ExitError", f"Runtime exited with error: {reason}")

    def _ended(self, invocation: _Invocation, error_type: str, text: str) -> Outcome:
        message = f"RequestId: {invocation.request_id} Error: {text}"
        invocation.worker.read_output()
        if not self.closing:
            invocation.worker.log.failed({"errorType": error_type, "errorMessage": message})
        return _failure(error_type, message)

    def _tell(self, document: Mapping[str, object]) -> None:
        self._say(f"{document['errorType']}: {document['errorMessage']}")
        trace = document.get("stackTrace")
        for entry in trace if isinstance(trace, list) else ():
            for line in str(entry).splitlines():
                self.feed.say(f"{self.function.entry} | {line}")

    def _say(self, text: str) -> None:
        self.feed.say(f"{self.function.entry}: {' '.join(text.splitlines())}")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _failure(error_type: str, text: str) -> Outcome:
    document = {"errorType": error_type, "errorMessage": text}
    return Outcome(json.dumps(document).encode(), failed=True)
