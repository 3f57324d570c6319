"""`services local` beside `chalice local` and serverless-offline: the same handler, in turn.

The others are measured where they are on PATH: `chalice`, and `osls` with serverless-offline
installed beside it. Out: a table, and what is ours divided by the best of the others. Ratios hold
on another machine; times do not.
"""

from __future__ import annotations

import http.client
import math
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, field
from operator import truediv
from pathlib import Path

import yaml
from validate import YARDSTICK

HANDLER = """\
def main(event, context):
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": "hello"}
"""
CONNECTIONS = 8
HELLO = "hello"
"""The function that is called all the time."""

PATHS = tuple(f"{HELLO}{number}" for number in range(CONNECTIONS))
"""Its routes, one for each connection: the most that AWS, and local mode, let through on one is
10,000 requests a second."""

COLD = tuple(f"cold{number}" for number in range(5))
"""Functions that are called once, by their names."""

ROUTES = dict.fromkeys(PATHS, HELLO) | {name: name for name in COLD}
THROTTLE = {"rate": 10_000, "burst": 5_000}
SERVICES = {
    "service": "bench",
    "regions": ["us-east-1"],
    "alarms": {"enabled": False, "reason": "a measurement"},
    "functions": {name: {"handler": "app.main"} for name in (HELLO, *COLD)},
    "routes": {
        f"GET /{path}": {"function": name, "auth": "none", "throttle": THROTTLE}
        for path, name in ROUTES.items()
    },
}
CHALICE = """\
from chalice import Chalice, Response
app = Chalice(app_name="bench")
def hello():
    return Response("hello", headers={"content-type": "text/plain"})
for path in %r:
    app.route(f"/{path}", name=path)(hello)
"""
SERVERLESS = {
    "service": "bench",
    "provider": {"name": "aws", "runtime": "python3.11"},
    "functions": {
        name: {
            "handler": "app.main",
            "events": [{"httpApi": f"GET /{path}"} for path, of in ROUTES.items() if of == name],
        }
        for name in (HELLO, *COLD)
    },
    "plugins": ["serverless-offline"],
}
OURS = "services local"
DEADLINE = 60.0
ATTEMPTS = 3
"""A program that ends before it answers found its port taken a moment before."""

REQUESTS = 300
"""On a kept connection: chalice takes 44 ms for each."""

NEW_CONNECTIONS = 1_500
SECONDS = 4.0
ROUNDS = 7
LOADED = 5
"""Rounds that also measure requests."""

PAUSE = 0.5
"""Seconds between first requests of cold functions: a person's pace, at the least."""


@dataclass(frozen=True)
class Peer:
    """A program that serves GET /hello: `command` for a port, run in `folder`.

    With `cold` a function has a process of its own, which starts at its first request.
    """

    command: Callable[[int], Sequence[str]]
    folder: Path
    cold: bool = False


def peers(folder: Path) -> dict[str, Peer]:
    """What there is to measure, each with a project of its own."""
    services = str(Path(sys.executable).with_name("services"))
    text = yaml.safe_dump(SERVICES, sort_keys=False)
    files = {"services.yaml": text, "handlers/app.py": HANDLER}
    found = {
        OURS: Peer(
            lambda port: [services, "local", "--quiet", "--port", str(port)],
            project(folder / "ours", files),
            cold=True,
        )
    }
    if chalice := shutil.which("chalice"):
        found |= chalice_peers(folder / "chalice", chalice)
    if osls := shutil.which("osls"):
        found |= offline_peer(folder / "osls", osls)
    return found


def chalice_peers(folder: Path, program: str) -> dict[str, Peer]:
    """chalice as it comes, and without its watching of files."""
    config = '{"app_name": "bench", "version": "2"}'
    where = project(folder, {"app.py": CHALICE % (PATHS,), ".chalice/config.json": config})
    base = [program, "local", "--port"]
    return {
        "chalice local": Peer(lambda port: [*base, str(port)], where),
        "chalice local --no-autoreload": Peer(
            lambda port: [*base, str(port), "--no-autoreload"], where
        ),
    }


def offline_peer(folder: Path, program: str) -> dict[str, Peer]:
    """serverless-offline, where it is installed beside osls."""
    modules = Path(program).absolute().parents[1]
    if not (modules / "serverless-offline").is_dir():
        return {}
    text = yaml.safe_dump(SERVERLESS, sort_keys=False)
    where = project(folder, {"serverless.yml": text, "app.py": HANDLER})
    (where / "node_modules").symlink_to(modules)
    ports = ("offline", "--httpPort", "--lambdaPort")
    return {
        "serverless offline": Peer(
            lambda port: [
                *(program, ports[0], ports[1], str(port), ports[2], str(port + 1)),
                "--noPrependStageInUrl",
            ],
            where,
            cold=True,
        )
    }


def project(folder: Path, files: Mapping[str, str]) -> Path:
    """Write a project; its folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


@contextmanager
def started(peer: Peer) -> Iterator[tuple[int, float, int]]:
    """A program until its first 200: its port, the seconds that took, its process."""
    for _ in range(ATTEMPTS):
        port = free_port()
        begun = time.perf_counter()
        process = launched(peer, port)
        try:
            while not answers(port) and process.poll() is None:
                if time.perf_counter() - begun > DEADLINE:
                    raise SystemExit(f"{peer.command(port)[0]} does not answer")
                time.sleep(0.002)
            if process.poll() is None:
                yield port, time.perf_counter() - begun, process.pid
                return
        finally:
            ended(process)
    raise SystemExit(f"{peer.command(port)[0]} does not start")


def launched(peer: Peer, port: int) -> subprocess.Popen[bytes]:
    """The program, in a session of its own."""
    return subprocess.Popen(
        peer.command(port),
        cwd=peer.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """A port that nobody has, nor the one after it, which some ask for as well.

    It is below those that a system gives to callers: of these, thousands rest after each round.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        try:
            for each in (port, port + 1):
                with socket.socket() as free:
                    free.bind(("127.0.0.1", each))
        except OSError:
            continue
        return port


def answers(port: int) -> bool:
    """Whether a request is answered by 200 now."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        connection.request("GET", f"/{PATHS[0]}")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def latencies(port: int, kept: bool) -> float:
    """The median time of a request, on one connection or on a new one for each.

    A server that closes a connection, as one that loads itself again does, gets another one.
    """
    taken: list[float] = []
    connection = socket.create_connection(("127.0.0.1", port))
    while len(taken) < (REQUESTS if kept else NEW_CONNECTIONS):
        begun = time.perf_counter()
        try:
            if not kept:
                connection.close()
                connection = socket.create_connection(("127.0.0.1", port))
            request(connection)
            taken.append(time.perf_counter() - begun)
        except ConnectionError:
            wait_for(port)
            connection = socket.create_connection(("127.0.0.1", port))
    connection.close()
    return statistics.median(taken)


def wait_for(port: int) -> None:
    """Wait until a server answers again."""
    end = time.perf_counter() + DEADLINE
    while not answers(port):
        if time.perf_counter() > end:
            raise SystemExit(f"nothing answers on port {port} any more")
        time.sleep(0.01)


def first_requests(port: int) -> float:
    """The median time of the first request of a function, on a new connection."""
    taken = []
    for name in COLD:
        time.sleep(PAUSE)
        begun = time.perf_counter()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            request(connection, name)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def request(connection: socket.socket, path: str = PATHS[0]) -> None:
    """One request and its whole answer, which ends in the one word that the handler says."""
    connection.sendall(f"GET /{path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    received = b""
    while not received.endswith(b"hello"):
        part = connection.recv(65536)
        if not part:
            raise ConnectionResetError("the connection was closed")
        received += part
        if b" 200 " not in received[:16]:
            raise SystemExit(f"/{path} is answered by {received[:60]!r}")


def rate(port: int) -> float:
    """Requests a second on eight kept connections."""
    end = time.perf_counter() + SECONDS

    def ask(path: str) -> int:
        done = 0
        with socket.create_connection(("127.0.0.1", port)) as connection:
            while time.perf_counter() < end:
                request(connection, path)
                done += 1
        return done

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return sum(threads.map(ask, PATHS)) / SECONDS


def memory(pid: int) -> float:
    """Megabytes of a process and its children: their proportional shares (Linux)."""
    total, group = 0, os.getpgid(pid)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group or parent_in_group(int(folder.name), group):
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total / 1024


def parent_in_group(pid: int, group: int) -> bool:
    """Whether a process of another group was started by one of the group."""
    while pid > 1:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if int(fields[2]) == group:
            return True
        pid = int(fields[1])
    return False


def yardstick() -> float:
    """Seconds to import pydantic, yaml and click, and to define a model."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", YARDSTICK], check=True)
    return time.perf_counter() - begun


@dataclass(frozen=True)
class Round:
    """One start: seconds to the first 200, their ratio to the bare import."""

    seconds: float
    ratio: float


@dataclass(frozen=True)
class Load:
    """Seconds of a request (cold, on a kept connection, on a new one), requests a second, MB."""

    cold: float
    kept: float
    fresh: float
    rate: float
    memory: float


@dataclass(frozen=True)
class Figures:
    """A program's rounds in order: all of its starts, and the loads after the first of them."""

    starts: list[Round] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)


def measured(found: Mapping[str, Peer]) -> dict[str, Figures]:
    """The figures of every program, started in turn; the first round warms up."""
    figures = {name: Figures() for name in found}
    for number in range(ROUNDS + 1):
        for name, peer in found.items():
            bare = yardstick()
            with started(peer) as (port, seconds, pid):
                if number:
                    figures[name].starts.append(Round(seconds, seconds / bare))
                if 0 < number <= LOADED:
                    figures[name].loads.append(load(peer, port, pid))
    return figures


def load(peer: Peer, port: int, pid: int) -> Load:
    """What requests cost; memory after them."""
    cold = first_requests(port) if peer.cold else float("nan")
    kept, fresh, many = latencies(port, True), latencies(port, False), rate(port)
    return Load(cold, kept, fresh, many, memory(pid))


def medians(figures: Sequence[Round] | Sequence[Load]) -> Iterator[float]:
    """The median of each field."""
    return map(statistics.median, zip(*map(astuple, figures), strict=True))


def table(figures: Mapping[str, Figures]) -> str:
    """The figures in Markdown, and ours divided by the best of the others."""
    lines = [
        "| what | start to first 200 | to the bare import | first request of a cold function |"
        " kept connection | new connection | requests/s at 8 | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, rounds in figures.items():
        start, loaded = Round(*medians(rounds.starts)), Load(*medians(rounds.loads))
        cold = "" if math.isnan(loaded.cold) else f"{loaded.cold * 1000:.1f} ms"
        lines.append(
            f"| {name} | {start.seconds * 1000:,.0f} ms | {start.ratio:.2f} | {cold} |"
            f" {loaded.kept * 1000:.2f} ms | {loaded.fresh * 1000:.2f} ms |"
            f" {loaded.rate:,.0f} | {loaded.memory:,.0f} MB |"
        )
    return "\n".join([*lines, *against_the_best(figures)])


def against_the_best(figures: Mapping[str, Figures]) -> Iterator[str]:
    """A last row: ours to the best of the others in the same round, the median of the rounds."""
    others = [rounds for name, rounds in figures.items() if name != OURS]
    if not others:
        return
    ours, peers = figures[OURS].loads, list(zip(*(each.loads for each in others), strict=True))
    starts = zip(*(each.starts for each in others), strict=True)
    cold = [[each.cold for each in one if not math.isnan(each.cold)] for one in peers]
    cells = (
        ratio([one.seconds for one in figures[OURS].starts], least(starts, "seconds")),
        "",
        ratio([one.cold for one in ours], map(min, cold)) if all(cold) else "",
        ratio([one.kept for one in ours], least(peers, "kept")),
        ratio([one.fresh for one in ours], least(peers, "fresh")),
        ratio([one.rate for one in ours], (max(each.rate for each in one) for one in peers)),
        ratio([one.memory for one in ours], least(peers, "memory")),
    )
    yield f"| ours to the best of the others | {' | '.join(cells)} |"


def least(rounds: Iterable[Sequence[Round] | Sequence[Load]], name: str) -> Iterator[float]:
    """The smallest of a figure in each round."""
    return (min(getattr(each, name) for each in one) for one in rounds)


def ratio(ours: Sequence[float], best: Iterable[float]) -> str:
    """The median of the rounds' ratios."""
    return f"{statistics.median(map(truediv, ours, best)):.2f}"


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        print(table(measured(peers(Path(name)))))


if __name__ == "__main__":
    main()
