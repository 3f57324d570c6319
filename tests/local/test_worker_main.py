"""The program of a worker, run here on pipes of its own."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from importlib.metadata import DistributionFinder
from pathlib import Path

import pytest

from framework.local import worker_main, worker_system
from framework.local.runtime_packages import runtime_packages
from framework.local.worker_logging import Logging
from framework.local.worker_main import (
    CannotLoad,
    Channel,
    Context,
    RuntimePackages,
    load,
    prepare_imports,
    result_frame,
    serve,
)
from tests.support.kills import recording

SETUP = {
    "source": "",
    "shown": "handlers",
    "payload": "6291556",
    "function_name": "notes",
    "function_arn": "arn:aws:lambda:eu-west-1:123456789012:function:notes",
    "memory": "256",
    "timeout": "5",
    "log_group": "/aws/lambda/notes",
    "log_stream": "stream",
    "log_format": "JSON",
    "log_level": "INFO",
}


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is first on the import path, as `prepare_imports` makes it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "path_hooks", list(sys.path_hooks))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    before = set(sys.modules)
    prepare_imports(str(tmp_path), [str(tmp_path)], {})
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
    for path in [path for path in sys.path_importer_cache if path.startswith(str(tmp_path))]:
        del sys.path_importer_cache[path]


class Wire:
    """A worker's channel and the parent's two ends of it."""

    def __init__(self) -> None:
        incoming, self.to_worker = os.pipe()
        self.from_worker, outgoing = os.pipe()
        self.channel = Channel(incoming, outgoing)
        self.open = [incoming, self.to_worker, self.from_worker, outgoing]
        # Of each answer, what it says of what was printed.
        self.unread: list[int] = []

    def send(self, data: bytes) -> None:
        os.write(self.to_worker, len(data).to_bytes(4, "big") + data)

    def hang_up(self) -> None:
        """No more frames for the worker."""
        os.close(self.to_worker)
        self.open.remove(self.to_worker)

    def frames(self) -> list[tuple[bytes, object]]:
        """What the worker has sent."""
        os.close(self.channel.outgoing)
        self.open.remove(self.channel.outgoing)
        with os.fdopen(self.from_worker, "rb") as stream:
            data = stream.read()
        self.open.remove(self.from_worker)
        found: list[tuple[bytes, object]] = []
        while data:
            length = int.from_bytes(data[:4], "big")
            payload = data[5 : 4 + length]
            if data[4:5] in (b"V", b"E"):
                self.unread.append(payload[4])
                payload = payload[5:]
            found.append((data[4:5], json.loads(payload) if payload else None))
            data = data[4 + length :]
        return found


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    for descriptor in wire.open:
        os.close(descriptor)


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text)


def invocation(event: object) -> bytes:
    return b"request-1 Root=1\n" + json.dumps(event).encode()


def test_invocations_are_answered_until_the_parent_hangs_up(
    source: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "")
    write(
        source,
        "wm_serving",
        "import os\n"
        "def f(event, context):\n"
        "    if event == 'fail': raise ValueError('no')\n"
        "    return [event, context.aws_request_id, os.environ['_X_AMZN_TRACE_ID']]\n",
    )
    wire.send(invocation({"a": 1}))
    wire.send(invocation("fail"))
    wire.hang_up()

    serve(wire.channel, {**SETUP, "source": str(source), "handler": "wm_serving.f"}, bool)

    ready, value, error = wire.frames()
    assert wire.unread == [0, 0]
    assert ready == (b"R", None)
    assert value == (b"V", [{"a": 1}, "request-1", "Root=1"])
    assert error == (
        b"E",
        {
            "errorMessage": "no",
            "errorType": "ValueError",
            "requestId": "request-1",
            "stackTrace": [
                f'  File "{source}/wm_serving.py", line 3, in f\n'
                "    if event == 'fail': raise ValueError('no')\n"
            ],
        },
    )


def test_the_answer_says_that_something_printed_may_wait(source: Path, wire: Wire) -> None:
    write(source, "wm_printing", "def f(event, context):\n    return event\n")
    wire.send(invocation("e"))
    wire.hang_up()

    serve(
        wire.channel,
        {**SETUP, "source": str(source), "handler": "wm_printing.f"},
        lambda: True,
    )

    assert wire.frames() == [(b"R", None), (b"V", "e")]
    assert wire.unread == [1]


def test_what_was_printed_without_an_end_is_let_out(monkeypatch: pytest.MonkeyPatch) -> None:
    out, error = (io.TextIOWrapper(io.BytesIO(), line_buffering=True) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", error)
    out.write("one")
    error.write("two")
    worker_main.flush()

    assert [each.buffer.getvalue() for each in (out, error)] == [b"one", b"two"]


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_a_stream_that_a_handler_closed_is_no_error(
    stream: io.StringIO | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if stream is not None:
        stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    worker_main.flush()


def test_a_handler_that_cannot_be_had_is_said_and_ends_it(source: Path, wire: Wire) -> None:
    write(source, "wm_broken", "import wm_missing")

    serve(wire.channel, {**SETUP, "source": str(source), "handler": "wm_broken.f"}, bool)

    text = "cannot import handlers/wm_broken.py: ModuleNotFoundError: No module named 'wm_missing'"
    assert wire.frames() == [
        (b"L", {"errorMessage": text, "errorType": "Runtime.ImportModuleError"})
    ]


@pytest.mark.parametrize(
    ("text", "message", "error_type"),
    [
        ("x = 1 +", "cannot import handlers/{}.py: SyntaxError", "Runtime.UserCodeSyntaxError"),
        ("1 / 0", "cannot import handlers/{}.py: ZeroDivisionError", "Runtime.ZeroDivisionError"),
        ("g = 1", "handlers/{}.py has no function 'f'", "Runtime.HandlerNotFound"),
    ],
)
def test_why_a_handler_cannot_be_had(
    source: Path, text: str, message: str, error_type: str
) -> None:
    name = f"wm_{error_type.rpartition('.')[2].lower()}"
    write(source, name, text)

    with pytest.raises(CannotLoad) as caught:
        load(f"{name}.f", str(source), "handlers")

    assert str(caught.value).startswith(message.format(name))
    assert caught.value.error_type == error_type


def test_an_own_error_whose_text_fails_has_none(source: Path) -> None:
    write(
        source,
        "wm_textless",
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E\n",
    )

    with pytest.raises(CannotLoad, match=r"wm_textless\.py: E:  \(handlers/wm_textless\.py:3\)"):
        load("wm_textless.f", str(source), "handlers")


def test_large_frames_arrive_whole(wire: Wire) -> None:
    data = b"x" * 300_000
    sender = threading.Thread(target=wire.send, args=(data,))
    sender.start()
    frame = wire.channel.receive()
    sender.join()
    wire.hang_up()

    assert frame == data
    assert wire.channel.receive() is None


def test_frames_that_came_together_are_told_apart(wire: Wire) -> None:
    for frame in (b"one", b"", b"three" * 3_000):
        wire.send(frame)
    os.write(wire.to_worker, (9).to_bytes(4, "big") + b"cut")
    wire.hang_up()

    received = [wire.channel.receive() for _ in range(4)]

    assert received == [b"one", b"", b"three" * 3_000, None]


@pytest.mark.parametrize(
    ("result", "kind", "error_type"),
    [
        ({"a": 1}, b"V", ""),
        ({1, 2}, b"E", "Runtime.MarshalError"),
        ("x" * 1000, b"E", "Function.ResponseSizeTooLarge"),
    ],
)
def test_what_a_result_becomes(result: object, kind: bytes, error_type: str) -> None:
    found, payload = result_frame(result, 1000)

    assert found == kind
    if error_type:
        assert json.loads(payload)["errorType"] == error_type


def test_a_result_that_holds_itself_is_an_error() -> None:
    result: list[object] = []
    result.append(result)

    assert result_frame(result, 1000)[0] == b"E"


def test_remaining_time_goes_down_to_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert 4_000 < Context(SETUP, "1", 5).get_remaining_time_in_millis() <= 5_000
    context = Context(SETUP, "1", -1)
    context.log("text")

    assert context.get_remaining_time_in_millis() == 0
    assert capsys.readouterr().out == "text"


def test_runtime_packages_show_themselves_alone() -> None:
    packages = RuntimePackages(runtime_packages())

    def versions(name: str | None) -> list[str]:
        context = DistributionFinder.Context(name=name)
        return [found.metadata["Name"] for found in packages.find_distributions(context)]

    assert packages.find_spec("boto3") is not None
    assert packages.find_spec("boto3.session", ["x"]) is None
    assert packages.find_spec("click") is None
    assert versions("Boto3") == ["boto3"]
    assert versions("python-dateutil") == ["python-dateutil"]
    assert versions("click") == []
    assert versions(None) == []


def test_a_forked_child_never_answers(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []

    def leave(code: int) -> None:
        left.append(code)
        raise SystemExit

    monkeypatch.setattr(os, "_exit", leave)
    wire.channel.owner = -1

    with pytest.raises(SystemExit):
        wire.channel.send(b"V", b"1")

    assert left == [0]


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Mapping[str, str]]]:
    """Where a worker moved in, which leaves this process where it is."""
    places: list[tuple[str, Mapping[str, str]]] = []

    def move_in(source: str, environment: Mapping[str, str]) -> None:
        places.append((source, environment))

    monkeypatch.setattr(worker_main, "move_in", move_in)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "")
    return places


def test_what_a_template_prepares_leaves_nothing_behind(
    moved: list[tuple[str, Mapping[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", printed)
    monkeypatch.setattr(worker_main, "signal_of_the_end", lambda: bool)
    monkeypatch.setattr(worker_main, "keep_one_trace_id", lambda: None)
    modules, hooks = set(sys.modules), list(sys.meta_path)

    worker_main.prepare()

    assert printed.line_buffering
    assert [place for place, _ in moved] == ["/"]
    assert (set(sys.modules), sys.meta_path) == (modules, hooks)
    assert Logging.request_id == os.environ["_X_AMZN_TRACE_ID"] == ""


def test_one_worker_from_its_set_up_to_its_end(
    source: Path,
    wire: Wire,
    moved: list[tuple[str, Mapping[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed, watched = recording(monkeypatch), []

    def watch(function: object, arguments: tuple[int]) -> None:
        watched.append((function, arguments))

    monkeypatch.setattr("_thread.start_new_thread", watch)
    write(source, "wm_work", "def f(event, context):\n    return event\n")
    setup = {**SETUP, "source": str(source), "handler": "wm_work.f", "environment": {"A": "b"}}
    wire.send(json.dumps({**setup, "paths": [str(source)], "runtime": {}}).encode())
    wire.send(invocation("e"))
    wire.hang_up()
    incoming, outgoing = wire.channel.incoming, wire.channel.outgoing
    life = os.dup(incoming)

    worker_main.work(bool, incoming, outgoing, life, os.getppid())

    assert wire.frames() == [(b"R", None), (b"V", "e")]
    assert moved == [(str(source), {"A": "b"})]
    assert watched == [(worker_system.end_with_parent, (life,))]
    assert killed == [(0, signal.SIGKILL)]
    os.close(life)


def test_a_worker_whose_template_ended_before_it_began_ends(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = recording(monkeypatch)
    wire.hang_up()

    worker_main.work(bool, wire.channel.incoming, wire.channel.outgoing, wire.from_worker, -1)

    assert killed == [(0, signal.SIGKILL)]


def test_a_server_that_says_nothing_is_gone(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = recording(monkeypatch)
    wire.hang_up()
    ends = (wire.channel.incoming, wire.channel.outgoing, wire.from_worker)

    worker_main.work(bool, *ends, os.getppid())

    assert (killed, wire.frames()) == ([], [])
