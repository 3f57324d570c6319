"""Processes that wait for a function: taken once, replaced when dead, ended with the service."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.local.processes import Process, Processes
from tests.support.local import local, wait_until, write_handlers
from tests.support.plans import PlanBuilder

PYTHON = Path(sys.executable)
PLAN = PlanBuilder().function("f", "app.f").route("GET /f", "f").plan()


@pytest.fixture
def processes() -> Iterator[Processes]:
    made = Processes()
    yield made
    made.close()


def ended(process: Process) -> int:
    """End a process that was taken; its exit code."""
    with process.popen:
        return process.end()


def test_a_process_that_waits_is_taken_once(processes: Processes) -> None:
    processes.prepare([PYTHON])
    waiting = processes.waiting[PYTHON]
    processes.prepare([PYTHON])

    taken = [processes.take(PYTHON, {}) for _ in range(2)]

    assert [process.popen.pid == waiting.popen.pid for process in taken] == [True, False]
    assert [ended(process) for process in taken] == [-9, -9]
    assert processes.waiting == {}


def test_a_process_that_ended_meanwhile_is_not_given_away(processes: Processes) -> None:
    processes.prepare([PYTHON])
    dead = processes.waiting[PYTHON]
    dead.popen.kill()
    dead.popen.wait()

    taken = processes.take(PYTHON, {})

    assert taken.popen.pid != dead.popen.pid
    assert taken.alive
    ended(taken)


@pytest.mark.parametrize("name", ["LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "MALLOC_ARENA_MAX"])
def test_what_a_process_reads_as_it_begins_needs_one_of_its_own(
    processes: Processes, name: str
) -> None:
    processes.prepare([PYTHON])
    waiting = processes.waiting[PYTHON]

    taken = processes.take(PYTHON, {name: "1"})

    assert taken.popen.pid != waiting.popen.pid
    assert processes.waiting == {PYTHON: waiting}
    ended(taken)


def test_nothing_waits_after_the_end(processes: Processes) -> None:
    processes.prepare([PYTHON])
    waiting = processes.waiting[PYTHON]
    processes.close()
    processes.prepare([PYTHON])

    assert not waiting.alive
    assert processes.waiting == {}


def test_a_python_that_is_not_there_is_told_to_who_takes_it(
    processes: Processes, tmp_path: Path
) -> None:
    processes.prepare([tmp_path / "python"])

    with pytest.raises(FileNotFoundError):
        processes.take(tmp_path / "python", {})


def test_a_process_ends_when_its_parent_lets_go(processes: Processes) -> None:
    """As after `kill -9` of the parent: the system closes what it held."""
    processes.prepare([PYTHON])
    waiting = processes.waiting[PYTHON]
    assert waiting.popen.stdin is not None
    waiting.popen.stdin.close()

    assert waiting.popen.wait(10) == 0


def test_a_worker_has_its_folder_and_its_environment_alone(tmp_path: Path) -> None:
    write_handlers(
        tmp_path,
        "import os, time\n"
        "def f(event, context):\n"
        "    return {'folder': os.getcwd(), 'zone': time.tzname[0],\n"
        "            'names': sorted(n for n in os.environ if not n.startswith(('AWS_', '_')))}",
    )
    with local(PLAN, tmp_path) as running:
        answer = running.client.get("/f").json()

    assert answer == {
        "folder": str(tmp_path / "handlers"),
        "zone": "UTC",
        "names": ["HOME", "LAMBDA_TASK_ROOT", "LANG", "PATH", "TZ"],
    }


def test_the_next_worker_is_ready_before_it_is_needed(tmp_path: Path) -> None:
    write_handlers(tmp_path, "import os\ndef f(event, context): return os.getpid()")
    with local(PLAN, tmp_path) as running:
        waiting = running.service.processes.waiting
        wait_until(lambda: bool(waiting))
        first = [process.popen.pid for process in waiting.values()]
        answered = [running.client.get("/f").json()]
        wait_until(lambda: bool(waiting))
        second = [process.popen.pid for process in waiting.values()]
        write_handlers(tmp_path, "import os\ndef f(event, context): return -os.getpid()")
        answered.append(-running.client.get("/f").json())

    assert [[pid] for pid in answered] == [first, second]
