"""What happened of late, for the page: requests, invocations, what was denied or went wrong.

In: the events of a `Feed`, and who is served at the moment. Out: `History`, whose calls and notes
are read, and made into words, only when somebody looks. Everything kept is bounded: `MOST_CALLS`,
`LARGEST_PART` of each body, event and log, `LARGEST_ALL` together.

A function's log is told apart by Lambda's request id, a request to the API by API Gateway's. What
links them is who published: an invocation that a request causes runs in that request's context.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from dataclasses import replace
from itertools import islice

from framework.local.events import Denied, Feed, Logged, Problem, Reloaded, Requested
from framework.local.http_messages import LARGEST_HEAD, Request, Response
from framework.local.logs import LogLine, Platform
from framework.local.workers import Outcome

MOST_CALLS = 200
MOST_NOTES = 200
MOST_LINES = 1_000
"""Lines of one invocation's log."""

MOST_NOTE_LINES = 60
LONGEST_NOTE_LINE = 2_000
LARGEST_NOTES = 1_000_000
"""Characters of all notes; the oldest go first."""

LARGEST_PART = 65_536
"""Bytes that are kept of a body or an event, and characters of one invocation's log."""

LARGEST_ALL = 4_000_000
"""Bytes and characters that all calls keep together; the oldest go first."""

OVERHEAD, OVERHEAD_OF_LINE = 2_048, 256
"""Bytes that a call is reckoned with beside its bodies, and a line of its log beside its text."""

OVERHEAD_OF_HEADER = 160
"""Bytes that a header is reckoned with beside its text."""

MOST_WAITING = 20
"""Pages that wait for news; one more, and the one that waits longest is answered."""


# Plain classes: each dataclass would cost the start a millisecond.


class Kept:
    """The beginning of some bytes, and how many there were."""

    __slots__ = ("data", "size")

    def __init__(self, data: bytes) -> None:
        self.data = data[:LARGEST_PART]
        self.size = len(data)


NOTHING = Kept(b"")


class Call:
    """One request to the API, or where `request` is None one invocation by name.

    `number` counts calls and notes together, `changed` is the number of the last change, `seconds`
    when it began, since 1970. `status` is None until there is a response, whose body is `result`.
    `invocation` is Lambda's request id; `dropped` are the lines of its log that were too many.
    """

    # On the class, because most of them stay as they are: each would cost every request a little.
    answer: Requested | None = None
    cut_body: Kept | None = None
    cut_event: Kept | None = None
    cut_result: Kept | None = None
    took: float | None = None
    failed = ended = False
    function = invocation = ""
    characters = dropped = 0

    def __init__(
        self, number: int, region: str, seconds: float, request: Request | None, size: int
    ) -> None:
        self.number = self.changed = number
        self.region = region
        self.seconds = seconds
        self.request = request
        self.size = size
        self.lines: list[LogLine] = []

    @property
    def gone(self) -> bool:
        """Whether newer calls have taken its place: nothing is added to it any more."""
        return self.size == 0

    @property
    def body(self) -> Kept:
        """What the caller sent."""
        return self.cut_body or (Kept(self.request.body) if self.request else NOTHING)

    @property
    def event(self) -> Kept:
        """What the function got."""
        return self.cut_event or Kept((self.answer and self.answer.invoked) or b"")

    @property
    def result(self) -> Kept:
        """The body of the response, or what the function gave back."""
        return self.cut_result or (Kept(self.answer.response.body) if self.answer else NOTHING)

    @property
    def status(self) -> int | None:
        """Of the response."""
        return self.answer.response.status if self.answer else None

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Of the response."""
        return self.answer.response.headers if self.answer else ()

    @property
    def route(self) -> str:
        """The key of the route that took the request."""
        return self.answer.route if self.answer else ""

    @property
    def milliseconds(self) -> float | None:
        """How long it took."""
        return self.answer.milliseconds if self.answer else self.took


class Note:
    """Something denied, a problem, or a change of services.yaml: `kind` says which, `lines` what.

    `call` is the number of the call that it belongs to, 0 where that is not known.
    """

    __slots__ = ("call", "changed", "kind", "lines", "number", "seconds", "size")

    def __init__(self, number: int, seconds: float, kind: str, call: int) -> None:
        self.number = number
        self.seconds = seconds
        self.kind = kind
        self.call = call
        self.lines: list[str] = []
        self.size = self.changed = 0

    def add(self, lines: Iterable[str]) -> int:
        """Add lines, as many as there is room for; their characters."""
        room = MOST_NOTE_LINES - len(self.lines)
        added = [line[:LONGEST_NOTE_LINE] for line in islice(lines, room)]
        self.lines += added
        size = sum(map(len, added))
        self.size += size
        return size


_CAUSE: ContextVar[Call | None] = ContextVar("cause", default=None)
"""The call that whatever happens in this context belongs to."""


class History:
    """What is kept, from one start to the end. `token` is a secret of this start's page."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.token = secrets.token_urlsafe(24)
        self.calls: deque[Call] = deque()
        self.notes: deque[Note] = deque()
        # A page begins with 0, and is answered at once though nothing has happened yet.
        self.now = 1
        self.size = 0
        self.size_of_notes = 0
        self.readings = 0
        self.closed = False
        self._of_invocation: dict[str, Call] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def watch(
        self, region: str, request: Request, handle: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        """The answer of `handle` to a request to the API, as a call."""
        size = min(len(request.body), LARGEST_PART)
        call = self._begin(region, request, size + _size_of_head(request))
        if len(request.body) > LARGEST_PART:
            call.cut_body, call.request = Kept(request.body), replace(request, body=b"")
        try:
            return await handle(request)
        finally:
            call.ended = True
            self._changed(call)

    def invoked(self, region: str, function: str, event: bytes) -> Callable[[Outcome | None], None]:
        """Somebody invokes a function by its name; what to tell of the outcome."""
        start = time.perf_counter()
        kept = Kept(event)
        call = self._begin(region, None, len(kept.data))
        call.function, call.cut_event = function, kept

        def done(outcome: Outcome | None) -> None:
            call.ended = True
            call.took = (time.perf_counter() - start) * 1000
            call.failed = outcome is None or outcome.failed
            call.cut_result = result = Kept(outcome.payload) if outcome else NOTHING
            if not call.gone:
                self._grow(call, len(result.data))

        return done

    async def caused(self, work: Awaitable[Response]) -> tuple[Response, Call | None]:
        """An answer, and the call that it was, if it came to be one."""
        _CAUSE.set(None)
        answer = await work
        return answer, _CAUSE.get()

    def listen_to(self, feed: Feed) -> None:
        """Take what happens from now on."""
        feed.subscribe(self._added, Platform)
        feed.subscribe(self._printed, Logged)
        feed.subscribe(self._requested, Requested)
        feed.subscribe(self._denied, Denied)
        feed.subscribe(self._problem, Problem)
        feed.subscribe(self._reloaded, Reloaded)

    def call(self, number: int) -> Call | None:
        """The call of that number, None where it is no longer kept."""
        return next((call for call in self.calls if call.number == number), None)

    async def later_than(self, number: int, seconds: float) -> None:
        """Wait until something has changed after `number`, at most so long."""
        if self.now > number or self.closed:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        if len(self._waiting) > MOST_WAITING:
            _wake(self._waiting.popleft())
        try:
            await asyncio.wait((waiter,), timeout=seconds)
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    def close(self) -> None:
        """Nothing more will happen: whoever waits is answered."""
        self.closed = True
        self._wake_all()

    def _begin(self, region: str, request: Request | None, size: int) -> Call:
        self.now += 1
        call = Call(self.now, region, self.clock(), request, OVERHEAD + size)
        self.calls.append(call)
        self.size += call.size
        _CAUSE.set(call)
        if len(self.calls) > MOST_CALLS or self.size > LARGEST_ALL:
            self._trim()
        if self._waiting:
            self._wake_all()
        return call

    def _grow(self, call: Call, size: int) -> None:
        """A call that is not gone keeps so much more; others may have to go."""
        call.size += size
        self.size += size
        if self.size > LARGEST_ALL:
            self._trim()
        self._changed(call)

    def _trim(self) -> None:
        """The oldest calls go, but never the newest."""
        calls = self.calls
        while len(calls) > MOST_CALLS or (self.size > LARGEST_ALL and len(calls) > 1):
            gone = calls.popleft()
            self.size -= gone.size
            gone.size = 0
            self._of_invocation.pop(gone.invocation, None)

    def _changed(self, what: Call | Note) -> None:
        self.now += 1
        what.changed = self.now
        if self._waiting:
            self._wake_all()

    def _wake_all(self) -> None:
        while self._waiting:
            _wake(self._waiting.popleft())

    def _added(self, line: Platform) -> None:
        """A line that Lambda adds: few, so that the overhead of a call covers them."""
        call = self._of_invocation.get(line.request_id) or self._begun(line)
        if call is not None:
            call.lines.append(line)
            self._changed(call)

    def _begun(self, line: Platform) -> Call | None:
        """The call that causes an invocation, of which this is the first line."""
        call = _CAUSE.get()
        if call is None or call.gone:
            return None
        self._of_invocation[line.request_id] = call
        call.invocation, call.function = line.request_id, line.stream.function
        return call

    def _printed(self, line: Logged) -> None:
        call = self._of_invocation.get(line.request_id)
        text, stored = line.text, line.stored
        if call is None or (stored and not text):
            # An error document: the note beside it says the same in other words.
            return
        size = len(text) + len(stored)
        if len(call.lines) >= MOST_LINES or call.characters + size > LARGEST_PART:
            call.dropped += 1
            return
        call.lines.append(line)
        call.characters += size
        self._grow(call, size + OVERHEAD_OF_LINE)

    def _requested(self, event: Requested) -> None:
        call = _CAUSE.get()
        if call is None or call.gone:
            return
        response, invoked = event.response, event.invoked or b""
        size = len(invoked) + len(response.body) + _size_of(response.headers)
        if size > LARGEST_PART:
            event, size = _cut(call, event)
        call.answer, call.function = event, event.function
        call.failed = response.status >= 500
        self._grow(call, size)

    def _denied(self, event: Denied) -> None:
        self._note("denied", [event.text], self._only_one_of(event.function))

    def _reloaded(self, event: Reloaded) -> None:
        self.readings += 1
        self._note("reloaded", event.lines, None)

    def _problem(self, event: Problem) -> None:
        """A note of its own, or more of the one before: an exception comes line by line."""
        call = _CAUSE.get()
        last = self.notes[-1] if self.notes else None
        same = call and last and last.kind == "problem" and last.call == call.number
        if last is not None and same:
            self.size_of_notes += last.add(event.text.splitlines())
            self._changed(last)
        else:
            self._note("problem", event.text.splitlines(), call)

    def _note(self, kind: str, lines: Iterable[str], call: Call | None) -> None:
        self.now += 1
        note = Note(self.now, self.clock(), kind, call.number if call else 0)
        self.size_of_notes += note.add(lines)
        self.notes.append(note)
        while len(self.notes) > MOST_NOTES or self.size_of_notes > LARGEST_NOTES:
            self.size_of_notes -= self.notes.popleft().size
        if call is not None:
            self._changed(call)
        self._changed(note)

    def _only_one_of(self, function: str) -> Call | None:
        """The call that runs a function now, where there is no other."""
        found = [call for call in self.calls if not call.ended and call.function == function]
        return found[0] if len(found) == 1 else None


def _cut(call: Call, event: Requested) -> tuple[Requested, int]:
    """The answer without what is too large, whose beginning the call keeps; what is kept in all."""
    call.cut_event, call.cut_result = Kept(event.invoked or b""), Kept(event.response.body)
    headers = event.response.headers if _size_of(event.response.headers) <= LARGEST_PART else ()
    size = len(call.cut_event.data) + len(call.cut_result.data) + _size_of(headers)
    return event._replace(invoked=None, response=Response(event.response.status, headers)), size


def _size_of(headers: tuple[tuple[str, str], ...]) -> int:
    return sum(
        [len(name) + len(value) for name, value in headers], OVERHEAD_OF_HEADER * len(headers)
    )


def _size_of_head(request: Request) -> int:
    """At the most: what they are in truth would be counted for every request."""
    return LARGEST_HEAD + OVERHEAD_OF_HEADER * len(request.headers)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
