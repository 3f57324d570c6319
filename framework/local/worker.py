"""One worker: a process that has become a function's, and one invocation on it.

In: a `Launch`, a process from `Processes`, events as JSON. Out: the frames that `worker_main`
sends, and the lines of the function's log.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from framework.local.environment import WorkerEnvironment, log_stream
from framework.local.events import Feed
from framework.local.ids import invocation_id, trace_id
from framework.local.logs import FunctionLog, Measures
from framework.local.model import Function
from framework.local.output import Output
from framework.local.processes import Process, Processes
from framework.local.stream import LARGEST_READ, Owner, Stream

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

    def setup(self, stream: str, environment: Mapping[str, str]) -> bytes:
        """The first frame a worker reads."""
        function = self.function
        document = {
            "handler": function.handler,
            "source": str(self.source),
            "shown": function.code.source,
            "paths": [str(path) for path in self.paths],
            "runtime": dict(self.runtime),
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


class Frames(Owner):
    """The frames that a worker sends, in order."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.buffer = bytearray()
        self.arrived: deque[bytes] = deque()
        self.waiter: asyncio.Future[None] | None = None
        self.deadline = 0.0
        self.timer: asyncio.TimerHandle | None = None
        # When the timer fires: uvloop's does not say it where that is at once.
        self.fires = 0.0
        self.ended = False

    def data_received(self, data: bytes) -> None:
        """Put together what came."""
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
        """The worker is gone."""
        self.ended = True
        self._wake()
        if self.timer is not None:
            self.timer.cancel()

    def _wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def _expect(self, seconds: float) -> None:
        """Be woken then; an earlier timer of a frame that came in time will do until it fires."""
        self.deadline = self.loop.time() + seconds
        if self.timer is not None and self.fires > self.deadline:
            self.timer.cancel()
            self.timer = None
        if self.timer is None:
            self._arm()

    def _arm(self) -> None:
        self.fires = self.deadline
        self.timer = self.loop.call_at(self.fires, self._fired)

    def _fired(self) -> None:
        self.timer = None
        if self.waiter is None or self.waiter.done():
            return
        if self.loop.time() < self.deadline:
            self._arm()
        else:
            self.waiter.set_exception(TimeoutError())

    async def next(self, seconds: float) -> bytes:
        """The next frame. Raises `EOFError` when the worker is gone, `TimeoutError` before that."""
        if not self.arrived and not self.ended:
            self.waiter = self.loop.create_future()
            self._expect(seconds)
            await self.waiter
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

    def start(self, processes: Processes) -> None:
        """Take a process and hand it its set-up. Raises `OSError`."""
        self.launch.source.stat()
        stream = self.log.stream.name
        environment = self.launch.environment.variables(stream)
        self.process = processes.take(self.launch.interpreter, environment)
        try:
            self._connect(self.process)
        except OSError:
            self.process.end()
            self.process.close()
            raise
        self.send(self.launch.setup(stream, environment))

    def _connect(self, process: Process) -> None:
        loop = asyncio.get_running_loop()
        self.pipes = Stream(loop, self.frames, process.stdout, process.stdin)
        self.printed = Stream(loop, self.output, process.stderr)
        with ExitStack() as failing:
            self.pipes.resume_reading()
            failing.callback(self.pipes.abort)
            self.printed.resume_reading()
            failing.pop_all()

    def send(self, frame: bytes) -> None:
        """Send one frame to the process."""
        self.pipes.write(len(frame).to_bytes(4, "big") + frame)

    @property
    def usable(self) -> bool:
        """Whether it can take another invocation; its end is known a turn before it is told."""
        return not (self.pipes.closing or self.frames.ended)

    def read_output(self) -> None:
        """Take what it has printed until now, which the event loop may not have seen yet."""
        if self.printed.is_closing():
            return
        with suppress(BlockingIOError):
            while data := os.read(self.printed.incoming, LARGEST_READ):
                self.output.data_received(data)
                if self.output.full:
                    return

    def read_output_of_template(self) -> None:
        """Take what the loader of the system or the interpreter said as they began."""
        self.output.data_received(self.process.template.said())

    def end(self) -> int:
        """End the process and all that it started; its exit code as `subprocess` gives it."""
        code = self.process.end()
        self.pipes.abort()
        self.read_output_of_template()
        return code

    def hush(self) -> None:
        """Show nothing more of what it printed."""
        self.printed.abort()


class Invocation:
    """One invocation on one worker, with what REPORT will say of it.

    `unread` says that something it printed may wait to be read.
    """

    def __init__(self, worker: Worker, clock: Callable[[], float]) -> None:
        self.worker = worker
        self.clock = clock
        self.request_id = invocation_id()
        self.begun = clock()
        self.init: float | None = None
        self.memory = 0
        self.unread = True
        self.status = "success"

    def send(self, event: bytes) -> None:
        """Hand the event over."""
        head = f"{self.request_id} {trace_id()}\n".encode()
        self.worker.send(head + event)
        # While it works; what it prints is looked at in a later turn.
        self.worker.output.begin_invocation()
        self.worker.log.start(self.request_id)

    def loaded(self) -> None:
        """The handler has been imported: the invocation itself begins now."""
        self.worker.ready = True
        self.worker.read_output_of_template()
        self.init = self.clock() - self.begun
        self.begun += self.init

    def finish(self) -> None:
        """Log the end."""
        if self.unread:
            self.worker.read_output()
        self.worker.output.end_line()
        duration = self.clock() - self.begun
        self.worker.log.end(Measures(duration, self.memory, self.init, self.status))
