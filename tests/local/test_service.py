"""Start and end: every process gone, every port free, clear lines for the user's mistakes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from framework.local import service
from framework.local.compiled import Compiled
from framework.local.errors import LocalError
from framework.local.events import Feed
from framework.local.server import bind
from framework.local.service import Service, Settings, running
from framework.plan.resource import Code, Plan
from tests.support.local import local, secret_value, wait_until, write_handlers
from tests.support.plans import PlanBuilder
from tests.support.running_processes import alive, descendants

PROJECT = Path(__file__).parents[2]
HANDLERS = """
    import os
    import subprocess

    def pids(event, context):
        child = subprocess.Popen(["sleep", "600"])
        return [os.getpid(), child.pid]

    def loop(event, context):
        while True:
            pass

    def stuck(event, context):
        import re
        re.match("(a+)+$", "a" * 60 + "b")

    def deaf(event, context):
        return sum(range(10 ** 15))
"""
PROGRAM = """
import sys
from pathlib import Path

from framework.local.events import Feed
from framework.local.service import Settings, serve
from framework.local.terminal import text_lines
from tests.support.local import compile_of
from tests.support.plans import PlanBuilder

folder = Path(sys.argv[1])
builder = PlanBuilder().function("pids", "app.pids")
for name in ("loop", "stuck", "deaf"):
    builder.function(name, f"app.{name}", timeout=600).route(f"GET /{name}", name)
builder.route("GET /pids", "pids").bucket("notes")


def announce(line: str) -> None:
    print(line, flush=True)


serve(compile_of(builder.plan(), folder), Settings(port=0), Feed(text_lines(announce, True)))
print("ended", flush=True)
"""


@contextmanager
def program(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A program that serves, in a session of its own; the process and the address."""
    write_handlers(folder, HANDLERS)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        yield process, found[0]
    finally:
        process.kill()
        process.communicate()


@contextmanager
def ending_all() -> Iterator[set[int]]:
    """Process ids to gather; what is still alive at the end is ended, so that no failure leaks."""
    pids: set[int] = set()
    try:
        yield pids
    finally:
        for pid in filter(alive, pids):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to see processes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("busy", ["", "loop", "stuck", "deaf"])
def test_no_process_survives_the_end(tmp_path: Path, number: signal.Signals, busy: str) -> None:
    with program(tmp_path) as (process, url), ending_all() as pids:
        pids |= set(httpx.get(f"{url}/pids").json())
        if busy:
            with pytest.raises(httpx.ReadTimeout):
                httpx.get(f"{url}/{busy}", timeout=1)
        wait_until(lambda: len(descendants(process.pid)) >= len(pids) + 1 + bool(busy))
        pids |= descendants(process.pid)
        # As a terminal does it: Ctrl-C reaches the whole group of the parent.
        os.killpg(process.pid, number)
        output, _ = process.communicate(timeout=20)

        wait_until(lambda: not any(alive(pid) for pid in pids))

    assert len(pids) >= 3 + bool(busy)
    if number is not signal.SIGKILL:
        assert process.returncode == 0
        assert output.endswith("ended\n")
        assert "Traceback" not in output


def start(plan: Plan, port: int) -> Service:
    compiled = Compiled(plan, refuse_paths, secret_value)
    return Service(lambda: compiled, Settings(port=port), Feed())


def refuse_paths(code: Code) -> list[Path]:
    raise AssertionError("no package is asked for before the port is known to be free")


def test_a_port_in_use_is_one_line_before_anything_starts() -> None:
    plan = PlanBuilder().function("f", "app.f").plan()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalError) as caught:
            start(plan, port)

    assert str(caught.value) == f"port {port} is in use; try --port {port + 1}"


def test_a_host_that_is_not_here_is_one_line() -> None:
    with pytest.raises(LocalError, match=r"cannot listen on 192\.0\.2\.1 port 0: "):
        bind("192.0.2.1", 0)


def test_missing_packages_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "NEEDED", ("boto3", "moto_is_missing", "x_is_missing"))

    with pytest.raises(LocalError) as caught:
        start(Plan(()), 0)

    assert str(caught.value) == (
        "local mode needs moto_is_missing, x_is_missing: pip install 'pulumi-services[local]'"
    )


def test_the_port_is_free_again_when_packages_fail() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    plan = PlanBuilder().function("f", "app.f").plan()

    for _ in range(2):
        with pytest.raises(AssertionError, match="no package is asked for"):
            start(plan, port)


def test_the_gates_port_failing_gives_the_other_back(monkeypatch: pytest.MonkeyPatch) -> None:
    from framework.local import server

    bound: list[socket.socket] = []

    def once(host: str, port: int) -> socket.socket:
        if bound:
            raise LocalError("no more ports")
        bound.append(bind(host, port))
        return bound[0]

    monkeypatch.setattr(server, "bind", once)
    with pytest.raises(LocalError, match="no more ports"):
        start(Plan(()), 0)

    assert bound[0].fileno() == -1


def test_import_paths_are_asked_once_for_each_package(tmp_path: Path) -> None:
    asked: list[Code] = []

    def paths(code: Code) -> list[Path]:
        asked.append(code)
        return [tmp_path]

    other = Code("handlers/other", "python3.12", "arm64")
    builder = PlanBuilder().function("a", "app.a").function("b", "app.b")
    builder.function("c", "app.c", code=other)
    compiled = Compiled(builder.plan(), paths, secret_value)
    with running(lambda: compiled, Settings(port=0), Feed()):
        pass

    assert asked == [Code("handlers", "python3.13", "arm64"), other]


def test_other_folders_of_the_import_path_come_after_the_source(tmp_path: Path) -> None:
    write_handlers(tmp_path, "import needed\ndef f(event, context): return needed.VALUE")
    needed = tmp_path / "requirements"
    needed.mkdir()
    (needed / "needed.py").write_text("VALUE = 'there'")
    plan = PlanBuilder().function("f", "app.f").route("GET /f", "f").plan()

    compiled = Compiled(plan, lambda code: [tmp_path / "handlers", needed], secret_value)
    with running(lambda: compiled, Settings(port=0), Feed()) as up:
        assert httpx.get(f"{up.url}/f").text == "there"


def test_nothing_heavy_is_imported_before_the_first_answer() -> None:
    program = "import json, sys, framework.local.service; print(json.dumps(sorted(sys.modules)))"
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    heavy = {"boto3", "botocore", "moto", "flask", "jwt", "cryptography", "http.client", "pulumi"}
    assert not heavy & set(json.loads(done.stdout))


def test_the_service_can_start_again_and_again(tmp_path: Path) -> None:
    write_handlers(tmp_path, "def f(event, context): return 1")
    builder = PlanBuilder().function("f", "app.f").route("GET /f", "f").bucket("notes")

    for _ in range(2):
        with local(builder, tmp_path) as up:
            assert up.client.get("/f").json() == 1


def test_answers_do_not_wait_for_acknowledgements() -> None:
    with bind("127.0.0.1", 0) as listener:
        listener.setblocking(True)
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_mistake_of_our_own_is_told_at_the_end_and_everything_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_handlers(tmp_path, "def f(event, context): return 1")
    plan = PlanBuilder().function("f", "app.f").route("GET /f", "f")

    def break_down() -> None:
        raise ZeroDivisionError("ours")

    running_service = local(plan, tmp_path)
    up = running_service.__enter__()
    assert up.client.get("/f").text == "1"
    pools, port = up.service.deployment.pools.values(), up.client.base_url.port
    monkeypatch.setattr(up.service.deployment, "reap", break_down)
    wait_until(lambda: up.service.housekeeping is None or up.service.housekeeping.done())
    with pytest.raises(ZeroDivisionError, match="ours"):
        running_service.__exit__(None, None, None)

    assert not any(pool.workers for pool in pools)
    assert not up.service.processes.templates
    bind("127.0.0.1", port or 0).close()
