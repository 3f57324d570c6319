"""Workers of a function: one for each concurrent invocation, kept while warm.

In: a `Launch`, how a function's worker is started, and events as JSON. Out: `Pool.invoke`, the
function's result or AWS's error document. A worker that nobody used for a minute is ended. What
goes wrong in a handler is one clear line and the author's own frames.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from framework.local.events import Feed
from framework.local.logs import Tail
from framework.local.processes import Processes
from framework.local.worker import Invocation, Launch, Worker

INIT_SECONDS = 10.0
"""Lambda's limit for the init phase (Lambda developer guide, "Lambda execution environment")."""

MOST_WORKERS = 10
"""Worker processes of one function; further invocations wait for one to be free."""

IDLE_SECONDS = 60.0
"""A worker without an invocation for so long is ended."""

CANNOT_LOAD, ERROR = b"L", b"E"


class Throttled(Exception):
    """The function's reserved concurrency is used up."""


class Outcome(NamedTuple):
    """What an invocation came to: the result as JSON, or with `failed` AWS's error document.

    `log` is the end of what it logged, None where no worker ran.
    """

    payload: bytes
    failed: bool = False
    log: Tail | None = None


class Pool:
    """The workers of one function.

    `look` tells the states of its source apart, `clock` counts seconds.
    """

    def __init__(
        self,
        launch: Launch,
        feed: Feed,
        processes: Processes,
        look: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.launch = launch
        self.processes = processes
        self.function = launch.function
        self.feed = feed
        self.clock = clock
        self.look = look
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
            await self.slots.acquire()
            try:
                if self.closing:
                    return _failure("Runtime.ExitError", "the service has ended")
                return await self._invoke(event)
            finally:
                self.slots.release()
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
            worker = self._acquire()
        except OSError as error:
            self._say(f"its worker cannot start: {error}")
            return _failure("Runtime.Unknown", "the worker cannot start")
        invocation = Invocation(worker, self.clock)
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

    def _acquire(self) -> Worker:
        """A warm worker that runs the files as they are now, or a new one."""
        mark = self.look()
        while self.idle:
            worker = self.idle.pop()
            if worker.usable and worker.fingerprint == mark:
                return worker
            self._discard(worker)
        worker = Worker(self.launch, mark, self.feed)
        worker.start(self.processes)
        self.workers.add(worker)
        return worker

    def _discard(self, worker: Worker) -> int:
        """End a worker, once; its exit code."""
        if worker not in self.workers:
            return worker.process.returncode
        self.workers.discard(worker)
        return worker.end()

    async def _answer(self, invocation: Invocation) -> Outcome:
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
        invocation.unread = bool(frame[5])
        if frame[:1] == ERROR:
            return self._failed(invocation, frame[6:])
        return Outcome(frame[6:])

    def _failed(self, invocation: Invocation, document: bytes) -> Outcome:
        invocation.status = "error"
        worker = invocation.worker
        worker.read_output()
        found = json.loads(document)
        worker.log.failed(found)
        self._tell(found)
        return Outcome(document, failed=True)

    def _cannot_load(self, invocation: Invocation, document: bytes) -> Outcome:
        invocation.status = "error"
        found = json.loads(document)
        self._say(found["errorMessage"])
        self._discard(invocation.worker)
        invocation.worker.log.failed(found)
        return Outcome(document, failed=True)

    def _timed_out(self, invocation: Invocation) -> Outcome:
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

    def _exited(self, invocation: Invocation) -> Outcome:
        invocation.status = "error"
        code = self._discard(invocation.worker)
        reason = f"exit code {code}" if code >= 0 else f"signal {_signal(-code)}"
        if not self.closing:
            self._say(f"its worker ended before it answered ({reason})")
        return self._ended(invocation, "Runtime.ExitError", f"Runtime exited with error: {reason}")

    def _ended(self, invocation: Invocation, error_type: str, text: str) -> Outcome:
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
