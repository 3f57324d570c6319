"""`services local` beside `chalice local` and serverless-offline: the same handler, in turn.

`.venv/bin/python bench/local.py [--chalice PROGRAM] [--serverless PROGRAM]` prints a table. The
others are installed apart: `pip install chalice`, and in a folder of its own
`npm install osls serverless-offline`, whose node_modules/.bin/serverless is the program. Ratios
hold on another machine; times do not.
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from validate import YARDSTICK

HANDLER = """\
def main(event, context):
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": "hello"}
"""
SERVICES = """\
service: bench
regions: [us-east-1]
alarms: {enabled: false, reason: a measurement}
functions: {hello: {handler: app.main}}
routes: {GET /hello: {function: hello, auth: none}}
api: {throttle: {rate: 10000, burst: 5000}}
"""
CHALICE = """\
from chalice import Chalice, Response
app = Chalice(app_name="bench")
@app.route("/hello")
def hello():
    return Response("hello", headers={"content-type": "text/plain"})
"""
SERVERLESS = """\
service: bench
provider: {name: aws, runtime: python3.12}
functions: {hello: {handler: app.main, events: [{httpApi: "GET /hello"}]}}
plugins: [serverless-offline]
"""
DEADLINE = 60.0
CONNECTIONS = 8
REQUESTS = 300
SECONDS = 4.0


@dataclass(frozen=True)
class Peer:
    """A program that serves GET /hello: `command` for a port, run in `folder`."""

    command: Callable[[int], Sequence[str]]
    folder: Path


def peers(folder: Path, chalice: str | None, serverless: str | None) -> dict[str, Peer]:
    """What there is to measure, each with a project of its own."""
    services = str(Path(sys.executable).with_name("services"))
    found = {
        "services local": Peer(
            lambda port: [services, "local", "--quiet", "--port", str(port)],
            project(folder / "ours", {"services.yaml": SERVICES, "handlers/app.py": HANDLER}),
        )
    }
    if chalice:
        files = {"app.py": CHALICE, ".chalice/config.json": '{"app_name": "bench", "version": "2"}'}
        where = project(folder / "chalice", files)
        base = [chalice, "local", "--port"]
        found["chalice local"] = Peer(lambda port: [*base, str(port)], where)
        found["chalice local --no-autoreload"] = Peer(
            lambda port: [*base, str(port), "--no-autoreload"], where
        )
    if serverless:
        where = project(folder / "osls", {"serverless.yml": SERVERLESS, "app.py": HANDLER})
        (where / "node_modules").symlink_to(Path(serverless).absolute().parents[1])
        found["serverless offline"] = Peer(
            lambda port: [
                *(serverless, "offline", "--httpPort", str(port), "--lambdaPort", str(port + 1)),
                "--noPrependStageInUrl",
            ],
            where,
        )
    return found


def project(folder: Path, files: Mapping[str, str]) -> Path:
    """Write a project; its folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


@contextmanager
def started(peer: Peer) -> Iterator[tuple[int, float, int]]:
    """A program until its first 200: its port, the seconds that took, its process."""
    port = free_port()
    begun = time.perf_counter()
    process = subprocess.Popen(
        peer.command(port),
        cwd=peer.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not answers(port):
            if time.perf_counter() - begun > DEADLINE or process.poll() is not None:
                raise SystemExit(f"{peer.command(port)[0]} does not answer")
            time.sleep(0.002)
        yield port, time.perf_counter() - begun, process.pid
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether a request is answered by 200 now."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        connection.request("GET", "/hello")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def latencies(port: int, kept: bool) -> float:
    """The median time of a request, on one connection or on a new one for each."""
    taken = []
    connection = socket.create_connection(("127.0.0.1", port))
    for _ in range(REQUESTS):
        begun = time.perf_counter()
        if not kept:
            connection.close()
            connection = socket.create_connection(("127.0.0.1", port))
        request(connection)
        taken.append(time.perf_counter() - begun)
    connection.close()
    return statistics.median(taken)


def request(connection: socket.socket) -> None:
    """One request and its whole answer."""
    connection.sendall(b"GET /hello HTTP/1.1\r\nhost: localhost\r\n\r\n")
    received = b""
    while not received.endswith(b"hello"):
        part = connection.recv(65536)
        if not part:
            raise SystemExit("the connection was closed")
        received += part


def rate(port: int) -> float:
    """Requests a second on eight kept connections."""
    end = time.perf_counter() + SECONDS
    done = [0] * CONNECTIONS

    def ask(number: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            while time.perf_counter() < end:
                request(connection)
                done[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / SECONDS


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


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chalice")
    parser.add_argument("--serverless")
    parser.add_argument("--rounds", type=int, default=7)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = peers(Path(name), words.chalice, words.serverless)
        starts: dict[str, list[tuple[float, float]]] = {name: [] for name in found}
        loads: dict[str, list[tuple[float, ...]]] = {name: [] for name in found}
        for number in range(words.rounds + 1):
            for name, peer in found.items():
                bare = yardstick()
                with started(peer) as (port, seconds, pid):
                    if number:
                        starts[name].append((seconds, seconds / bare))
                    if 0 < number <= 3:
                        kept, fresh = latencies(port, True), latencies(port, False)
                        loads[name].append((kept, fresh, rate(port), memory(pid)))
        print("| what | start to first 200 | ratio | kept p50 | new p50 | requests/s | memory |")
        print("|---|---|---|---|---|---|---|")
        for name in found:
            seconds, ratio = (statistics.median(each) for each in zip(*starts[name], strict=True))
            kept, fresh, many, used = (
                statistics.median(each) for each in zip(*loads[name], strict=True)
            )
            print(
                f"| {name} | {seconds * 1000:,.0f} ms | {ratio:.2f} | {kept * 1000:.2f} ms |"
                f" {fresh * 1000:.2f} ms | {many:,.0f} | {used:,.0f} MB |"
            )


if __name__ == "__main__":
    main()
