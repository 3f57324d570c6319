"""What the page keeps: grouped by the request it belongs to, and bounded whatever happens."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import replace

import pytest

from framework.local.console import history
from framework.local.console.history import Call, History
from framework.local.console.words import in_full, in_short, note_in_words
from framework.local.events import (
    Denied,
    Feed,
    Logged,
    LogStream,
    Ready,
    Reloaded,
    Requested,
)
from framework.local.http_messages import Request, Response
from framework.local.logs import Measures, Platform
from framework.local.model import Function, read
from framework.local.workers import Outcome
from tests.support.plans import PlanBuilder

GET = Request("GET", "/notes", "a=1", (("host", "localhost"), ("x-own", "1")))
HELLO = Response(200, (("content-type", "text/plain"),), b"hello")
STREAM = LogStream("functions.f", "eu-west-1", "/aws/lambda/f", "stream")
SECONDS = 1_700_000_000.0


@pytest.fixture(scope="module")
def function() -> Function:
    return read(PlanBuilder().function("f", "app.f").plan()).functions[0]


def words(call: Call) -> list[str]:
    """The first word of each line of the log."""
    return [text.partition(" ")[0] for line in call.lines for text in line.texts]


def nothing() -> None:
    """What happens during most requests."""


class Api:
    """An API whose function logs and answers as it is told, with a history that listens."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.history = History(clock=lambda: SECONDS)
        self.feed = Feed()
        self.history.listen_to(self.feed)
        self.count = 0

    async def request(
        self,
        request: Request = GET,
        *lines: str,
        event: bytes | None = b"{}",
        response: Response = HELLO,
        during: Callable[[], None] = nothing,
    ) -> Call:
        """One request from its begin to its end; the call that it is."""
        self.count += 1
        invocation = f"invocation-{self.count}"

        async def handle(request: Request) -> Response:
            self.added(invocation)
            during()
            for line in lines:
                self.print(line, invocation)
            self.added(invocation, Measures(0.001, 30))
            self.answered(request, response, event)
            return response

        assert await self.history.watch("eu-west-1", request, handle) is response
        return self.history.calls[-1]

    def print(self, text: str, invocation: str) -> None:
        """A line from a handler's pipe, where no request is known."""
        contextvars.Context().run(self.log, text, invocation)

    def log(self, text: str, invocation: str) -> None:
        self.feed.publish(Logged(STREAM, text, text, invocation))

    def added(self, invocation: str, measures: Measures | None = None) -> None:
        self.feed.publish(Platform(STREAM, self.function, invocation, SECONDS, measures))

    def answered(self, request: Request, response: Response, event: bytes | None) -> None:
        names = ("eu-west-1", "api-id", request.method, request.path, "GET /notes", "functions.f")
        self.feed.publish(Requested(*names, 12.5, response, event))


@pytest.fixture
def api(function: Function) -> Api:
    return Api(function)


def test_a_request_has_its_event_its_response_and_its_log(api: Api) -> None:
    call = asyncio.run(api.request(GET, "one", "two", event=b'{"version": "2.0"}'))

    assert in_full(call, api.history.notes) == {
        "number": 2,
        "changed": call.changed,
        "at": 1_700_000_000_000,
        "method": "GET",
        "path": "/notes?a=1",
        "function": "functions.f",
        "status": 200,
        "failed": False,
        "ended": True,
        "milliseconds": 12.5,
        "route": "GET /notes",
        "invocation": "invocation-1",
        "request": {
            "method": "GET",
            "path": "/notes?a=1",
            "headers": "x-own: 1",
            "body": "",
            "whole": True,
            "signed": False,
        },
        "event": {"text": '{\n  "version": "2.0"\n}', "kind": "json", "size": 18, "cut": False},
        "headers": [("content-type", "text/plain")],
        "result": {"text": "hello", "kind": "text", "size": 5, "cut": False},
        "log": [
            "START RequestId: invocation-1 Version: $LATEST",
            "one",
            "two",
            "END RequestId: invocation-1",
            "REPORT RequestId: invocation-1\tDuration: 1.00 ms\tBilled Duration: 1 ms"
            "\tMemory Size: 256 MB\tMax Memory Used: 30 MB",
        ],
        "dropped": 0,
        "notes": [],
    }


def test_requests_at_the_same_time_keep_their_logs_apart(api: Api) -> None:
    async def both() -> list[Call]:
        return list(
            await asyncio.gather(api.request(GET, "first"), api.request(GET, "second")),
        )

    asyncio.run(both())

    logs = [words(call) for call in api.history.calls]
    assert logs == [["START", "first", "END", "REPORT"], ["START", "second", "END", "REPORT"]]


def test_a_function_that_runs_on_after_its_callers_answer_logs_to_the_same_request(
    api: Api,
) -> None:
    async def handle(request: Request) -> Response:
        api.added("slow")
        api.answered(request, Response(503), b"{}")
        return Response(503)

    async def late() -> None:
        await api.history.watch("eu-west-1", GET, handle)
        api.print("still here", "slow")

    asyncio.run(late())

    (call,) = api.history.calls
    assert (call.failed, words(call)) == (True, ["START", "still"])


def test_an_answer_without_a_word_of_the_feed_ends_the_call_too(api: Api) -> None:
    async def broken(request: Request) -> Response:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        asyncio.run(api.history.watch("eu-west-1", GET, broken))

    short = in_short(api.history.calls[0])
    assert (short["ended"], short["status"], short["milliseconds"]) == (True, None, None)


def test_what_belongs_to_no_request_is_not_kept(api: Api) -> None:
    api.added("unknown")
    api.print("a line of nobody", "unknown")
    api.answered(GET, HELLO, None)
    api.feed.publish(Ready("notes", {}, ()))

    assert not api.history.calls
    assert not api.history.notes


def test_an_error_document_of_the_log_is_left_to_its_note(api: Api) -> None:
    def fail() -> None:
        api.feed.publish(Logged(STREAM, "", '{"errorType": "E"}', "invocation-1"))
        api.feed.say("functions.f: ValueError: no")
        api.feed.say('functions.f |   File "app.py", line 1, in f')
        api.feed.say("functions.f |     raise ValueError")

    call = asyncio.run(api.request(during=fail))

    whole = in_full(call, api.history.notes)
    assert words(call) == ["START", "END", "REPORT"]
    (note,) = api.history.notes
    assert whole["notes"] == [note_in_words(note)]
    assert note_in_words(note) == {
        "number": note.number,
        "at": 1_700_000_000_000,
        "kind": "problem",
        "lines": [
            "functions.f: ValueError: no",
            'functions.f |   File "app.py", line 1, in f',
            "functions.f |     raise ValueError",
        ],
        "call": call.number,
    }


def test_a_denied_call_belongs_to_the_only_invocation_of_its_function(api: Api) -> None:
    denied = Denied("functions.f", "s3:GetObject", "arn:aws:s3:::b/x", "f may not")

    def deny() -> None:
        contextvars.Context().run(api.feed.publish, denied)

    call = asyncio.run(api.request(during=deny))
    deny()

    assert [(note.kind, note.lines, note.call) for note in api.history.notes] == [
        ("denied", ["f may not"], call.number),
        ("denied", ["f may not"], 0),
    ]


def test_a_denied_call_of_one_of_two_invocations_belongs_to_neither(api: Api) -> None:
    async def both() -> None:
        first = api.history.invoked("eu-west-1", "functions.f", b"{}")
        second = api.history.invoked("eu-west-1", "functions.f", b"{}")
        api.feed.publish(Denied("functions.f", "s3:GetObject", "arn", "f may not"))
        first(None)
        second(None)

    asyncio.run(both())

    assert [note.call for note in api.history.notes] == [0]


def test_a_change_of_services_yaml_counts_as_another_reading(api: Api) -> None:
    api.feed.publish(Reloaded(("new routes.GET /a",)))

    assert api.history.readings == 1
    assert [note.lines for note in api.history.notes] == [
        ["services.yaml has changed:", "  new routes.GET /a"]
    ]


@pytest.mark.parametrize(
    ("outcome", "failed", "result"),
    [
        (Outcome(b'{"a": 1}'), False, '{\n  "a": 1\n}'),
        (Outcome(b'{"errorType": "E"}', failed=True), True, '{\n  "errorType": "E"\n}'),
        (None, True, ""),
    ],
)
def test_an_invocation_by_name(
    api: Api, outcome: Outcome | None, failed: bool, result: str
) -> None:
    async def invoke() -> None:
        done = api.history.invoked("eu-west-1", "functions.f", b'{"b": 2}')
        api.added("by-name")
        done(outcome)

    asyncio.run(invoke())

    (call,) = api.history.calls
    whole = in_full(call, ())
    assert (whole["method"], whole["function"], whole["request"]) == ("", "functions.f", None)
    assert (whole["ended"], whole["failed"], words(call)) == (True, failed, ["START"])
    assert whole["event"] == {"text": '{\n  "b": 2\n}', "kind": "json", "size": 8, "cut": False}
    assert whole["result"] == {
        "text": result,
        "kind": "json" if result else "text",
        "size": len(outcome.payload) if outcome else 0,
        "cut": False,
    }


def test_the_oldest_requests_go(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_CALLS", 3)

    async def many() -> None:
        for number in range(10):
            await api.request(Request("GET", f"/{number}"), "a line")

    asyncio.run(many())

    assert [in_short(call)["path"] for call in api.history.calls] == ["/7", "/8", "/9"]
    assert api.history.size == sum(call.size for call in api.history.calls)
    assert api.history.call(2) is None


def test_a_request_that_is_gone_takes_nothing_more(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_CALLS", 1)

    def invoke() -> Call:
        done = api.history.invoked("eu-west-1", "functions.f", b"{}")
        api.added("gone")
        old = api.history.calls[0]
        contextvars.Context().run(api.history.invoked, "eu-west-1", "functions.g", b"{}")
        api.added("gone", Measures(0.001, 30))
        api.answered(GET, HELLO, b"{}")
        done(Outcome(b"a result"))
        return old

    old = contextvars.Context().run(invoke)

    assert old.size == 0
    assert [call.function for call in api.history.calls] == ["functions.g"]
    assert api.history.size == api.history.calls[0].size


def test_bodies_events_and_results_are_cut_and_say_so(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "LARGEST_PART", 10)
    big = Request("POST", "/big", headers=(("host", "localhost"),), body=b"x" * 30)
    answer = Response(200, (("x-long", "v" * 20),), "ä".encode() * 20)

    call = asyncio.run(api.request(big, event=b'{"a": "xxxxxxxxxxxxxxxx"}', response=answer))

    assert call.request is not None
    assert (call.request.body, call.body.data, call.body.size) == (b"", b"x" * 10, 30)
    assert (call.event.data, call.event.size) == (b'{"a": "xxx', 25)
    assert (call.result.size, call.status, call.headers) == (40, 200, ())


def test_what_was_cut_is_shown_as_text_and_cannot_be_sent_again(api: Api) -> None:
    body = "ä".encode() * history.LARGEST_PART
    call = asyncio.run(api.request(Request("POST", "/big", body=b" " + body), event=body))

    whole = in_full(call, ())
    assert isinstance(whole["request"], dict)
    assert whole["request"]["whole"] is False
    half = history.LARGEST_PART // 2
    assert whole["event"] == {"text": "ä" * half, "kind": "text", "size": 2 * 65_536, "cut": True}


def test_a_flood_of_lines_is_bounded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["x" * 100] * 5_000
    call = asyncio.run(api.request(GET, *lines))

    log = in_full(call, ())["log"]
    assert isinstance(log, list)
    # 200 bytes a line: what people see, and what the log group has.
    assert 300 < len(log) - 3 == history.LARGEST_PART // 200
    assert call.dropped == 5_000 - (len(log) - 3)
    assert words(call)[-1] == "REPORT"


def test_empty_lines_are_bounded_as_well(api: Api) -> None:
    call = asyncio.run(api.request(GET, *[""] * 5_000))

    assert len(call.lines) == history.MOST_LINES + 1
    assert call.dropped == 5_000 - (history.MOST_LINES - 1)


def test_all_of_it_together_is_bounded(api: Api) -> None:
    large = Response(200, body=b"x" * 100_000)

    async def many() -> None:
        for _ in range(history.MOST_CALLS):
            await api.request(GET, *["x" * 1_000] * 100, event=b"e" * 100_000, response=large)
            assert api.history.size <= history.LARGEST_ALL

    asyncio.run(many())

    kept = sum(len(c.event.data) + len(c.result.data) + c.characters for c in api.history.calls)
    assert kept <= api.history.size <= history.LARGEST_ALL
    assert 10 < len(api.history.calls) < history.MOST_CALLS


def test_headers_count_as_well(api: Api) -> None:
    headers = tuple((f"h{number}", "x") for number in range(2_000))
    many = Response(200, headers[:300], b"x")

    async def ask() -> None:
        for _ in range(history.MOST_CALLS):
            await api.request(replace(GET, headers=headers), response=many)

    asyncio.run(ask())

    assert 5 < len(api.history.calls) < 20


def test_notes_are_bounded(api: Api) -> None:
    for number in range(history.MOST_NOTES + 50):
        api.feed.say(f"problem {number}")
    assert len(api.history.notes) == history.MOST_NOTES
    assert api.history.notes[-1].lines == [f"problem {history.MOST_NOTES + 49}"]

    for _ in range(50):
        api.feed.say("\n".join(["x" * 10_000] * 100))
    note = api.history.notes[-1]
    assert (len(note.lines), len(note.lines[0])) == (60, 2_000)
    assert api.history.size_of_notes == sum(note.size for note in api.history.notes)
    assert api.history.size_of_notes <= history.LARGEST_NOTES


def test_many_problems_of_one_request_are_one_note_that_is_bounded(api: Api) -> None:
    def complain() -> None:
        for number in range(1_000):
            api.feed.say(f"line {number}")

    asyncio.run(api.request(during=complain))

    assert [len(note.lines) for note in api.history.notes] == [history.MOST_NOTE_LINES]


def test_whoever_waits_hears_of_a_change_and_of_the_end(api: Api) -> None:
    async def wait() -> list[str]:
        said: list[str] = []

        async def waiting(name: str) -> None:
            await api.history.later_than(api.history.now, 60)
            said.append(name)

        one = asyncio.create_task(waiting("one"))
        await asyncio.sleep(0)
        assert not said
        api.feed.say("a problem")
        await one
        two = asyncio.create_task(waiting("two"))
        await asyncio.sleep(0)
        api.history.close()
        await two
        await waiting("three")
        return said

    assert asyncio.run(wait()) == ["one", "two", "three"]


def test_nobody_waits_for_ever_and_few_at_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_WAITING", 2)

    async def wait() -> None:
        waiting = [asyncio.create_task(api.history.later_than(1, 60)) for _ in range(3)]
        await waiting[0]
        assert not any(task.done() for task in waiting[1:])
        for task in waiting[1:]:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await api.history.later_than(1, 0)

    asyncio.run(wait())


def test_what_has_changed_since_is_known_by_its_number(api: Api) -> None:
    first = asyncio.run(api.request())
    seen = api.history.now
    second = asyncio.run(api.request())
    api.print("late", "invocation-1")

    assert [call for call in api.history.calls if call.changed > seen] == [first, second]
    assert first.changed == api.history.now
