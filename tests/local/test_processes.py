"""Processes that wait for a function: forked by templates, taken once, ended with the service."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.local import processes as module
from framework.local.processes import BLANK, Kind, Process, Processes, Template
from tests.support.local import CURRENT_RUNTIME, local, wait_until, write_handlers
from tests.support.plans import PlanBuilder
from tests.support.running_processes import alive, children

PYTHON = Path(sys.executable)
OWN = Kind(PYTHON)
PLAN = PlanBuilder().function("f", "app.f").route("GET /f", "f").plan()

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to see processes")


@pytest.fixture
def processes() -> Iterator[Processes]:
    made = Processes()
    yield made
    made.close()


@pytest.fixture
def template(processes: Processes) -> Template:
    """A template with a process that waits."""
    processes.prepare([PYTHON])
    return processes.templates[OWN]


def ended(process: Process) -> int:
    """End a process that was taken; its exit code."""
    code = process.end()
    process.close()
    return code


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def workers_of(template: Template, count: int) -> set[int]:
    """The process ids of a template's workers, when there are so many."""
    pid = template.popen.pid
    wait_until(lambda: len(children(pid)) == count)
    return children(pid)


def test_a_process_that_waits_is_taken_once(processes: Processes, template: Template) -> None:
    waiting = template.spare
    processes.prepare([PYTHON])
    assert template.spare is waiting

    taken = [processes.take(PYTHON, {}) for _ in range(2)]

    assert [process is waiting for process in taken] == [True, False]
    assert [process.template is template for process in taken] == [True, True]
    assert [ended(process) for process in taken] == [-signal.SIGKILL] * 2
    assert (template.spare, template.used) == (None, False)


@linux
def test_a_process_that_ended_meanwhile_is_not_given_away(
    processes: Processes, template: Template
) -> None:
    dead = template.spare
    assert dead is not None
    (pid,) = workers_of(template, 1)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not dead.alive)

    taken = processes.take(PYTHON, {})

    assert taken is not dead
    assert taken.alive
    assert workers_of(template, 1) != {pid}
    ended(taken)


def test_each_process_has_its_own_exit_code(processes: Processes) -> None:
    first, second, third = (processes.take(PYTHON, {}) for _ in range(3))
    second.stdin.close()
    wait_until(lambda: not second.alive)

    assert [ended(process) for process in (third, second, first)] == [-9, 0, -9]


@linux
def test_a_template_is_nobodys(template: Template) -> None:
    pid = template.popen.pid
    workers_of(template, 1)
    proc = Path(f"/proc/{pid}")
    descriptors = {int(each.name): str(each.readlink()) for each in (proc / "fd").iterdir()}
    kinds = {number: target.partition(":")[0] for number, target in descriptors.items()}

    environment = (proc / "environ").read_text().rstrip("\0").split("\0")
    assert dict(each.split("=", 1) for each in environment) == BLANK
    assert kinds == {0: "socket", 1: "pipe", 2: "pipe"}
    assert len(list((proc / "task").iterdir())) == 1
    assert os.getsid(pid) == pid


@pytest.mark.parametrize("name", ["LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "MALLOC_ARENA_MAX"])
def test_what_a_process_reads_as_it_begins_needs_a_template_of_its_own(
    processes: Processes, template: Template, name: str
) -> None:
    taken = [processes.take(PYTHON, {name: "1", "PAGE": each}) for each in "ab"]
    other = processes.take(PYTHON, {name: "2"})
    kinds = [Kind(PYTHON, ((name, value),)) for value in "12"]

    assert list(processes.templates) == [OWN, *kinds]
    assert [process.template for process in taken] == [processes.templates[kinds[0]]] * 2

    ended(other)
    processes.prepare([PYTHON])
    assert list(processes.templates) == [OWN, kinds[0]]
    assert not other.template.alive
    assert [ended(process) for process in taken] == [-9, -9]


def test_a_template_of_a_python_that_nobody_uses_is_ended(
    processes: Processes, template: Template
) -> None:
    taken = processes.take(PYTHON, {})
    processes.prepare([])
    assert processes.templates == {OWN: template}

    ended(taken)
    processes.prepare([])
    assert processes.templates == {}
    assert not template.alive


def test_nothing_waits_after_the_end(processes: Processes, template: Template) -> None:
    processes.close()
    processes.prepare([PYTHON])

    assert not template.alive
    assert processes.templates == {}
    with pytest.raises(OSError, match="the service has ended"):
        processes.take(PYTHON, {})


def test_a_process_is_ended_with_the_service_and_can_still_be_asked_for(
    processes: Processes,
) -> None:
    taken = processes.take(PYTHON, {})
    processes.close()

    wait_until(lambda: not taken.alive)
    assert ended(taken) == -signal.SIGKILL


def test_a_python_that_is_not_there_is_told_to_who_takes_it(
    processes: Processes, tmp_path: Path
) -> None:
    before = open_descriptors()
    processes.prepare([tmp_path / "python"])
    with pytest.raises(FileNotFoundError):
        processes.take(tmp_path / "python", {})

    assert processes.templates == {}
    assert open_descriptors() == before


def test_a_template_and_its_workers_end_when_the_server_lets_go(template: Template) -> None:
    """As after `kill -9` of the server: the system closes what it held."""
    template.control.close()

    assert template.popen.wait(10) == 0
    spare = template.spare
    assert spare is not None
    wait_until(lambda: not spare.alive)


@linux
def test_a_template_that_was_killed_is_replaced(processes: Processes, template: Template) -> None:
    taken = processes.take(PYTHON, {})
    (pid,) = workers_of(template, 1)
    template.popen.kill()
    wait_until(lambda: not alive(pid))

    another = processes.take(PYTHON, {})

    assert processes.templates[OWN] is another.template is not template
    assert [ended(process) for process in (taken, another)] == [-signal.SIGKILL] * 2


def test_a_template_that_does_not_answer_is_ended(processes: Processes, template: Template) -> None:
    taken = processes.take(PYTHON, {})
    template.control.settimeout(0.1)
    os.kill(template.popen.pid, signal.SIGSTOP)

    assert ended(taken) == -signal.SIGKILL
    assert not template.alive


def test_a_template_that_does_not_end_is_ended(
    processes: Processes, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = processes.take(PYTHON, {})
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.1)
    os.kill(template.popen.pid, signal.SIGSTOP)
    processes.close()

    assert template.popen.returncode == -signal.SIGKILL
    ended(taken)


def test_a_template_that_cannot_live_is_not_tried_again_and_again(
    processes: Processes, template: Template
) -> None:
    template.popen.kill()
    template.popen.wait()
    processes.prepare([PYTHON])
    assert processes.templates == {OWN: template}

    taken = processes.take(PYTHON, {})
    assert taken.template is not template
    ended(taken)


def test_a_template_killed_a_moment_ago_is_replaced_too(
    processes: Processes, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(processes.take(PYTHON, {}))
    template.popen.kill()
    template.popen.wait()
    monkeypatch.setattr(Template, "alive", True)

    taken = processes.take(PYTHON, {})

    assert taken.template is not template
    assert ended(taken) == -signal.SIGKILL


def test_pipes_of_a_process_that_cannot_be_are_closed(
    template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = open_descriptors()
    pipe = os.pipe
    made: list[tuple[int, int]] = []

    def two() -> tuple[int, int]:
        if len(made) == 2:
            raise OSError(24, "Too many open files")
        made.append(pipe())
        return made[-1]

    with monkeypatch.context() as patch:
        patch.setattr(os, "pipe", two)
        with pytest.raises(OSError, match="Too many open files"):
            Process(template)
    assert len(made) == 2
    template.control.shutdown(2)
    with pytest.raises(BrokenPipeError):
        Process(template)

    assert open_descriptors() == before


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
    write_handlers(tmp_path, "def f(event, context): return 1")
    used: list[bool] = []
    with local(PLAN, tmp_path) as running:
        pool = running.service.deployment.pools["functions.f"]
        templates = running.service.processes.templates
        for value in (1, 2):
            write_handlers(tmp_path, f"def f(event, context): return {value}")
            wait_until(lambda: any(template.spare for template in templates.values()))
            (template,) = templates.values()
            spare = template.spare
            assert running.client.get("/f").json() == value
            used.append({worker.process for worker in pool.workers} == {spare})

    assert used == [True, True]


@linux
def test_what_the_loader_says_is_in_the_log(tmp_path: Path) -> None:
    write_handlers(tmp_path, "import os\ndef f(event, context): return os.environ['LD_PRELOAD']")
    builder = PlanBuilder().function("f", "app.f", environment={"LD_PRELOAD": "/missing.so"})
    with local(builder.route("GET /f", "f"), tmp_path) as running:
        assert running.client.get("/f").text == "/missing.so"
        running.lines.wait_for("/missing.so")


@linux
def test_why_a_template_cannot_be_is_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "template_main.py"
    program.write_text("raise SystemExit('not today')")
    monkeypatch.setattr(module, "PROGRAM", program)
    write_handlers(tmp_path, "def f(event, context): return 1")
    plan = PlanBuilder().function("f", "app.f", runtime=CURRENT_RUNTIME).route("GET /f", "f")
    with local(plan, tmp_path) as running:
        assert running.client.get("/f").status_code == 500

    assert "functions.f | not today" in running.lines.said
    told = "functions.f: its worker ended before it answered (exit code 1)"
    assert told in running.lines.said
