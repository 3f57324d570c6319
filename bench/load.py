"""`services local` under load: several mixes of requests, each for some seconds.

`.venv/bin/python bench/load.py [--seconds 10] [--mix NAME ...]` prints a table (Linux). The load
comes from this process, on the same machine; times hold for it alone. What a request takes is from
its first byte sent to the last one of its answer; errors are answers of another status than the
mix expects, and connections that end. Memory is the peak of the server's own process, and that of
its workers at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from local import Peer, memory, project, started

HANDLERS = """\
import time

def hello(event, context):
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": "hello"}

def notes(event, context):
    return {"notes": [{"id": n, "title": f"note {n}"} for n in range(10)], "next": None}

def size(event, context):
    return len(event["body"])

def sleep(event, context):
    time.sleep(0.05)
    return "slept"

def fail(event, context):
    match event["pathParameters"]["how"]:
        case "raise":
            raise ValueError("on purpose")
        case "malformed":
            return {"statusCode": "two hundred"}
        case how:
            return how
"""
SERVICES = """\
service: load
regions: [us-east-1]
alarms: {enabled: false, reason: a measurement}
functions:
  hello: {handler: app.hello}
  notes: {handler: app.notes}
  size: {handler: app.size}
  sleep: {handler: app.sleep}
  fail: {handler: app.fail}
routes:
  GET /hello0: {function: hello, auth: none}
  GET /notes1: {function: notes, auth: none, throttle: {rate: 10000, burst: 5000}}
  GET /notes2: {function: notes, auth: none, throttle: {rate: 10000, burst: 5000}}
  POST /size: {function: size, auth: none}
  GET /sleep: {function: sleep, auth: none}
  GET /fail/{how}: {function: fail, auth: none}
  GET /private: {function: hello, auth: iam}
api: {throttle: {rate: 10000, burst: 5000}}
"""
"""`started` asks for the first route. Two have the notes, for AWS lets through no more on one."""

WARM_SECONDS = 1.0
ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class Call:
    """One request, whole, and the status that it should have."""

    data: bytes
    status: int = 200


def get(target: str, status: int = 200) -> Call:
    """A GET request."""
    return Call(f"GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode(), status)


def post(target: str, size: int) -> Call:
    """A POST request with a text of so many bytes."""
    head = f"POST {target} HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\n"
    return Call(f"{head}content-length: {size}\r\n\r\n".encode() + b"x" * size)


@dataclass(frozen=True)
class Mix:
    """So many connections, each with these calls in turn."""

    connections: int
    calls: Sequence[Call]


NOTES = (get("/notes1"), get("/notes2"))
FAILURES = (
    NOTES[0],
    get("/fail/raise", 500),
    get("/fail/malformed", 500),
    get("/nothing", 404),
    get("/private", 403),
)
MIXES: Mapping[str, Mix] = {
    "small JSON, 1 connection": Mix(1, NOTES),
    "small JSON, 8 connections": Mix(8, NOTES),
    "small JSON, 50 connections": Mix(50, NOTES),
    "small JSON, 200 connections": Mix(200, NOTES),
    "1 MB bodies, 8 connections": Mix(8, [post("/size", 1_000_000)]),
    "a handler of 50 ms, 200 connections": Mix(200, [get("/sleep")]),
    "one in five well, 8 connections": Mix(8, FAILURES),
}


@dataclass
class Result:
    """What came of a mix: seconds of each request, and how many were answered otherwise."""

    seconds: list[float] = field(default_factory=list)
    errors: int = 0
    took: float = 0.0

    def percentile(self, share: float) -> float:
        """The time that so great a share of the requests did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Caller(asyncio.Protocol):
    """A connection that asks, waits for the whole answer, and asks again until `end`."""

    def __init__(self, calls: Iterator[Call], result: Result, end: float) -> None:
        self.calls = calls
        self.result = result
        self.end = end
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Take what came of the answer."""
        self.answer += data
        head, found, body = self.answer.partition(b"\r\n\r\n")
        if found and len(body) >= _length(head):
            self.result.seconds.append(time.perf_counter() - self.begun)
            self.result.errors += int(head.split(b" ", 2)[1]) != self.call.status
            self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        """The server has closed the connection: an error, unless this end has."""
        if not self.done.done():
            self.result.errors += 1
            self.done.set_result(None)

    def _ask(self) -> None:
        self.answer = b""
        self.begun = time.perf_counter()
        if self.begun > self.end:
            self.done.set_result(None)
            self.transport.close()
            return
        self.call = next(self.calls)
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.write(self.call.data)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def load(port: int, mix: Mix, seconds: float) -> Result:
    """What comes of a mix for so many seconds."""
    result = Result()
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    callers = []
    for number in range(mix.connections):
        calls = itertools.cycle([*mix.calls[number % len(mix.calls) :], *mix.calls])
        made = partial(Caller, calls, result, begun + seconds)
        _, caller = await loop.create_connection(made, "127.0.0.1", port)
        callers.append(caller.done)
    await asyncio.wait(callers, timeout=seconds + ANSWER_SECONDS)
    result.errors += sum(not done.done() for done in callers)
    result.took = time.perf_counter() - begun
    return result


def measured(peer: Peer, mix: Mix, seconds: float) -> tuple[Result, float, float]:
    """A mix against a server of its own; its peak memory in megabytes, and all of its processes'.

    The workers are started before it is measured.
    """
    with started(peer) as (port, _, pid):
        asyncio.run(load(port, mix, WARM_SECONDS))
        result = asyncio.run(load(port, mix, seconds))
        return result, peak(pid), memory(pid)


def peak(pid: int) -> float:
    """The most megabytes that a process has had (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--mix", action="append", choices=MIXES, metavar="NAME")
    words = parser.parse_args()
    services = str(Path(sys.executable).with_name("services"))
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    print(
        "| mix | requests | errors | p50 | p95 | p99 | requests/s | peak of the server | all |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as empty:
        files = {"services.yaml": SERVICES, "handlers/app.py": HANDLERS}
        folder = project(Path(empty), files)
        peer = Peer(lambda port: [services, "local", "--quiet", "--port", str(port)], folder)
        for name in words.mix or MIXES:
            result, most, everything = measured(peer, MIXES[name], words.seconds)
            times = " | ".join(f"{result.percentile(s) * 1000:,.1f} ms" for s in (0.5, 0.95, 0.99))
            rate = len(result.seconds) / result.took
            print(
                f"| {name} | {len(result.seconds):,} | {result.errors:,} | {times} | {rate:,.0f} |"
                f" {most:,.0f} MB | {everything:,.0f} MB |",
                flush=True,
            )


if __name__ == "__main__":
    main()
