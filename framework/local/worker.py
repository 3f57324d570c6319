"""One worker: a process that has become a function's, and one invocation on it.

In: a `Launch`, a process from `Processes`, events as JSON. Out: the frames that `worker_main`
sends, and the lines of the function's log.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from framework.local.environment import WorkerEnvironment, log_stream
from framework.local.events import Feed
from framework.local.ids import invocation_id, trace_id
from framework.local.logs import FunctionLog, Measures
from framework.local.model import Function
from framework.local.output import Output
from framework.local.processes import Processes

MAXIMUM_PAYLOAD = 6_291_556
"""Bytes of an event or a result: Lambda quota "Invocation payload (request and response)", 6 MB."""

LONGEST_FRAME = 8 << 20
"""Bytes of one answer; a worker that sends more is broken."""


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


class Frames(asyncio.Protocol):
    """The frames that a worker sends, in order."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.arrived: deque[bytes] = deque()
        self.waiter: asyncio.Future[None] | None = None
        self.ended = False

    def data_received(self, data: bytes) -> None:
        if self.ended:
            return
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
        self.frames = Frames()
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


class Invocation:
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
