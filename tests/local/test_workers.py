"""Functions in processes of their own: what a handler sees, and what happens when it misbehaves."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from framework.local import workers
from framework.local.environment import Credentials, WorkerEnvironment
from framework.local.events import Feed
from framework.local.model import read
from framework.local.output import Output
from framework.local.processes import Processes
from framework.local.stream import Stream
from framework.local.worker import Launch
from framework.local.workers import Outcome, Pool
from tests.support.local import Local, local, wait_until, write_handlers
from tests.support.plans import ACCOUNT, REGION, PlanBuilder
from tests.support.running_processes import alive as runs
from tests.support.running_processes import descendants

FAILED = {"message": "Internal Server Error"}

HANDLERS = """
    import logging
    import os
    import subprocess
    import sys
    import time

    logger = logging.getLogger("notes")
    logger.setLevel("INFO")
    calls = 0

    def context(event, context):
        first = context.get_remaining_time_in_millis()
        return {
            "name": context.function_name,
            "version": context.function_version,
            "arn": context.invoked_function_arn,
            "memory": context.memory_limit_in_mb,
            "request": context.aws_request_id,
            "group": context.log_group_name,
            "stream": context.log_stream_name,
            "identity": context.identity,
            "client": context.client_context,
            "remaining": first,
        }

    def environment(event, context):
        return {
            "environment": dict(os.environ),
            "cwd": os.getcwd(),
            "path": sys.path,
            "stdin": sys.stdin.read(),
        }

    def imports(event, context):
        import importlib.metadata
        found = {}
        for name in event["queryStringParameters"]["names"].split(","):
            try:
                found[name] = bool(__import__(name))
            except ImportError as error:
                found[name] = str(error)
        version = importlib.metadata.version("boto3")
        try:
            importlib.metadata.version("click")
        except importlib.metadata.PackageNotFoundError:
            return {"modules": found, "boto3": version, "click": None}

    def count(event, context):
        global calls
        calls += 1
        return {"calls": calls, "pid": os.getpid()}

    def fail(event, context):
        def deeper():
            import json
            json.loads("{")
        deeper()

    def slow(event, context):
        time.sleep(60)

    def stuck(event, context):
        import re
        re.match("(a+)+$", "a" * 60 + "b")

    def loop(event, context):
        while True:
            pass

    def leave(event, context):
        os._exit(3)

    def leave_politely(event, context):
        sys.exit(4)

    def die(event, context):
        os.kill(os.getpid(), 9)

    def say(event, context):
        print("one\\ntwo")
        print("three", file=sys.stderr)
        logger.info("a %s", "log line")
        os.write(1, b"no newline at the end")

    def flood(event, context):
        for _ in range(40_000):
            print("x" * 1000)

    def fork(event, context):
        if os.fork() == 0:
            return "from the child"
        os.wait()
        return "from the parent"

    def descriptors(event, context):
        listed = sorted(f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
        there = "import os; print(*os.listdir('/proc/self/fd'))"
        child = subprocess.run(
            [sys.executable, "-c", there], capture_output=True, text=True, close_fds=False
        )
        return {
            "here": [os.readlink(path) for path in listed if os.path.lexists(path)],
            "child": sorted(child.stdout.split())[:3],
            "number of the child": len(child.stdout.split()),
            "leads": os.getpid() == os.getpgrp() == os.getsid(0),
        }

    def children(event, context):
        child = subprocess.Popen(["sleep", "600"])
        return {"pids": [os.getpid(), child.pid]}

    def decimal(event, context):
        from decimal import Decimal
        return {"price": Decimal("1.5")}

    def strange(event, context):
        class Strange(Exception):
            def __str__(self):
                raise ValueError
        raise Strange
"""


def builder_of(*names: str, module: str = "app", **inputs: int) -> PlanBuilder:
    builder = PlanBuilder()
    for name in names:
        entry = name.replace("_", "-")
        builder.function(entry, f"{module}.{name}", timeout=inputs.get("timeout", 10))
        builder.route(f"GET /{name}", entry)
    return builder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    folder = tmp_path_factory.mktemp("workers")
    write_handlers(folder, HANDLERS)
    names = ("context", "imports", "count", "fail", "leave", "leave_politely", "die", "say")
    builder = builder_of(*names, "flood", "fork", "decimal", "strange", "descriptors")
    builder.function(
        "environment", "app.environment", environment={"PAGE_SIZE": "20", "AWS_REGION": "mars-1"}
    ).route("GET /environment", "environment")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OF_THE_PARENT", "secret")
        patch.setenv("AWS_PROFILE", "of-the-parent")
        with local(builder, folder) as running:
            yield running


def test_the_context_is_lambdas(served: Local) -> None:
    context = served.client.get("/context").json()

    assert 9_000 < context.pop("remaining") <= 10_000
    assert re.fullmatch(r"[0-9a-f-]{36}", context.pop("request"))
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", context.pop("stream"))
    assert context == {
        "name": "notes-dev-context",
        "version": "$LATEST",
        "arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:notes-dev-context",
        "memory": "256",
        "group": "/aws/lambda/notes-dev-context",
        "identity": None,
        "client": None,
    }


def test_the_environment_is_lambdas_and_nothing_of_the_parents(served: Local) -> None:
    answer = served.client.get("/environment").json()

    environment = answer["environment"]
    source = environment["LAMBDA_TASK_ROOT"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        assert len(environment.pop(name)) >= 20
    assert environment.pop("_X_AMZN_TRACE_ID").startswith("Root=1-")
    assert environment.pop("AWS_LAMBDA_LOG_STREAM_NAME")
    environment.pop("LC_CTYPE", None)
    environment.pop("__CF_USER_TEXT_ENCODING", None)
    assert environment == {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": environment["HOME"],
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PAGE_SIZE": "20",
        "AWS_ENDPOINT_URL": served.service.gate_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_NAME": "notes-dev-environment",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/notes-dev-environment",
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
        "LAMBDA_TASK_ROOT": source,
        "_HANDLER": "app.environment",
    }
    assert answer["cwd"] == source
    assert answer["path"][0] == source
    assert not [path for path in answer["path"] if "site-packages" in path]
    assert answer["stdin"] == ""


def test_a_handler_may_import_what_lambda_brings_and_nothing_else(served: Local) -> None:
    brought = "boto3,botocore,s3transfer,urllib3,jmespath,dateutil,six"
    answer = served.client.get(f"/imports?names={brought},click,uvicorn,framework").json()

    assert answer["modules"] == {
        **dict.fromkeys(brought.split(","), True),
        "click": "No module named 'click'",
        "uvicorn": "No module named 'uvicorn'",
        "framework": "No module named 'framework'",
    }
    assert answer["boto3"]
    assert answer["click"] is None


def test_a_warm_worker_is_used_again(served: Local) -> None:
    first = served.client.get("/count").json()
    second = served.client.get("/count").json()

    assert second == {"calls": first["calls"] + 1, "pid": first["pid"]}


def test_numbers_of_dynamodb_are_numbers(served: Local) -> None:
    assert served.client.get("/decimal").json() == {"price": 1.5}


def test_an_exception_is_500_and_shows_the_handlers_own_frames(served: Local) -> None:
    answer = served.client.get("/fail")

    assert (answer.status_code, answer.json()) == (500, FAILED)
    served.lines.wait_for("json.loads(")
    said = [line for line in served.lines.said if line.startswith("functions.fail")]
    assert said[0].startswith("functions.fail: JSONDecodeError: Expecting property name")
    assert re.fullmatch(r'functions\.fail \|   File ".*/app\.py", line \d+, in fail', said[1])
    assert said[2] == "functions.fail |     deeper()"
    assert re.fullmatch(r'functions\.fail \|   File ".*/app\.py", line \d+, in deeper', said[3])
    assert said[4] == 'functions.fail |     json.loads("{")'
    assert len(said) == 5


def test_an_exception_without_a_text_is_told_too(served: Local) -> None:
    assert served.client.get("/strange").json() == FAILED
    served.lines.wait_for("functions.strange: Strange: ")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/leave", "functions.leave: its worker ended before it answered (exit code 3)"),
        (
            "/leave_politely",
            "functions.leave-politely: its worker ended before it answered (exit code 4)",
        ),
        ("/die", "functions.die: its worker ended before it answered (signal SIGKILL)"),
    ],
)
def test_a_worker_that_ends_is_500_and_replaced(served: Local, path: str, line: str) -> None:
    answers = [served.client.get(path) for _ in range(2)]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(500, FAILED)] * 2
    assert served.lines.said.count(line) == 2


def test_what_a_handler_prints_is_shown_under_its_name(served: Local) -> None:
    served.client.get("/say")

    served.lines.wait_for("functions.say | no newline at the end")
    said = [line for line in served.lines.said if line.startswith("functions.say")]
    assert said == [
        "functions.say | one",
        "functions.say | two",
        "functions.say | three",
        "functions.say | [INFO] a log line",
        "functions.say | no newline at the end",
    ]


def test_a_flood_of_output_is_cut(served: Local) -> None:
    assert served.client.get("/flood").json() is None

    served.lines.wait_for("functions.flood | ... the rest of this invocation's output is not shown")
    assert len([line for line in served.lines.said if "functions.flood" in line]) < 300


def test_a_child_that_a_handler_forks_does_not_answer(served: Local) -> None:
    assert [served.client.get("/fork").text for _ in range(2)] == ["from the parent"] * 2


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to see descriptors")
def test_a_worker_holds_its_own_descriptors_alone(served: Local) -> None:
    served.client.get("/count")
    answer = served.client.get("/descriptors").json()

    here = answer.pop("here")
    assert [target.partition(":")[0] for target in here] == ["/dev/null", *["pipe"] * 6]
    assert here.count(here[1]) == 3
    assert here[1] == here[2]
    assert len(set(here[2:])) == 4
    # The fourth of the child is the folder that it reads.
    assert answer == {"child": ["0", "1", "2"], "number of the child": 4, "leads": True}


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells workers on Linux")
@pytest.mark.parametrize("name", ["slow", "loop", "stuck"])
def test_workers_end_with_their_template_and_are_replaced(tmp_path: Path, name: str) -> None:
    write_handlers(tmp_path, HANDLERS)
    with local(builder_of(name, "children", timeout=60), tmp_path) as running:
        pids = running.client.get("/children").json()["pids"]
        (template,) = running.service.processes.templates.values()
        pool = running.service.deployment.pools[f"functions.{name}"]
        answers: list[httpx.Response] = []
        caller = threading.Thread(target=lambda: answers.append(running.client.get(f"/{name}")))
        caller.start()
        wait_until(lambda: any(worker.ready for worker in pool.workers))
        pids += descendants(template.popen.pid)
        os.kill(template.popen.pid, signal.SIGKILL)
        caller.join()

        assert [(answer.status_code, answer.json()) for answer in answers] == [(500, FAILED)]
        told = f"functions.{name}: its worker ended before it answered (signal SIGKILL)"
        assert told in running.lines.said
        wait_until(lambda: not any(runs(pid) for pid in pids))
        # A process that runs no more may have a thread that still holds its pipes.
        idle = running.service.deployment.pools["functions.children"].workers
        wait_until(lambda: not any(worker.usable for worker in idle))
        assert running.client.get("/children").status_code == 200


def test_a_worker_that_cannot_be_connected_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_handlers(tmp_path, HANDLERS)
    read, failed = Stream.resume_reading, threading.Event()

    def fail(stream: Stream) -> None:
        if isinstance(stream.owner, Output) and not failed.is_set():
            failed.set()
            raise OSError(28, "No space left on device")
        read(stream)

    monkeypatch.setattr(Stream, "resume_reading", fail)
    with local(builder_of("count"), tmp_path) as running:
        assert running.client.get("/count").json() == FAILED
        told = "functions.count: its worker cannot start: [Errno 28] No space left on device"
        assert told in running.lines.said
        assert not [each for each in running.service.processes.templates.values() if each.used]
        assert running.client.get("/count").json()["calls"] == 1


def test_invocations_at_once_have_processes_of_their_own(tmp_path: Path) -> None:
    write_handlers(
        tmp_path,
        """
        import os
        from pathlib import Path

        def meet(event, context):
            mine = Path(event["queryStringParameters"]["folder"])
            (mine / str(os.getpid())).touch()
            while len(list(mine.iterdir())) < 3:
                pass
            return str(os.getpid())
        """,
    )
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    found: list[str] = []

    with local(builder_of("meet"), tmp_path) as running:

        def meet() -> None:
            answer = running.client.get("/meet", params={"folder": str(meeting)})
            found.append(answer.text)

        threads = [threading.Thread(target=meet) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(found) == sorted(path.name for path in meeting.iterdir())


@pytest.mark.parametrize("name", ["slow", "loop"])
def test_a_timeout_ends_the_worker(tmp_path: Path, name: str) -> None:
    write_handlers(tmp_path, HANDLERS)

    with local(builder_of(name, timeout=1), tmp_path) as running:
        answer = running.client.get(f"/{name}")

    assert (answer.status_code, answer.json()) == (500, FAILED)
    assert (
        f"functions.{name}: timed out after 1 s: raise its timeout, or find what it waits for"
        in running.lines.said
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "import x_is_missing",
            "cannot import handlers/app.py: ModuleNotFoundError: No module named 'x_is_missing'",
        ),
        (
            "import os\nTABLE = os.environ['TABLE']",
            "cannot import handlers/app.py: KeyError: 'TABLE' (handlers/app.py:2)",
        ),
        (
            "def f(:",
            "cannot import handlers/app.py: SyntaxError: invalid syntax (app.py, line 1)",
        ),
        (
            "import helper",
            "cannot import handlers/app.py: ModuleNotFoundError: No module named 'y'",
        ),
        ("def g(event, context): pass", "handlers/app.py has no function 'f'"),
        ("f = 3", "handlers/app.py has no function 'f'"),
        ("raise SystemExit(5)", "its worker ended before it answered (exit code 5)"),
    ],
)
def test_a_handler_that_cannot_be_had_is_one_line_and_500(
    tmp_path: Path, text: str, line: str
) -> None:
    write_handlers(tmp_path, "\nimport y", module="helper")
    write_handlers(tmp_path, text)

    with local(builder_of("f"), tmp_path) as running:
        answer = running.client.get("/f")

    said = [line for line in running.lines.said if line.startswith("functions.f:")]
    where = " (handlers/helper.py:2)" if text == "import helper" else ""
    assert (answer.status_code, answer.json()) == (500, FAILED)
    assert said == [f"functions.f: {line}{where}"]


def test_a_folder_that_is_gone_is_one_line_and_500(tmp_path: Path) -> None:
    with local(builder_of("f"), tmp_path) as running:
        answer = running.client.get("/f")

    assert (answer.status_code, answer.json()) == (500, FAILED)
    running.lines.wait_for("functions.f: its worker cannot start: [Errno 2]")


def test_a_saved_file_runs_at_the_next_request(tmp_path: Path) -> None:
    answers = []
    write_handlers(tmp_path, "import other\ndef f(event, context): return other.VALUE")
    with local(builder_of("f"), tmp_path) as running:
        for value in ("'a'", "'b'", "oops", "'c'"):
            write_handlers(tmp_path, f"VALUE = {value}", module="other")
            answers.append(running.client.get("/f"))

    assert [answer.text for answer in answers if answer.status_code == 200] == ["a", "b", "c"]
    assert [answer.status_code for answer in answers] == [200, 200, 500, 200]
    assert not list(tmp_path.rglob("__pycache__"))


def test_a_handler_in_a_package_of_a_folder(tmp_path: Path) -> None:
    package = write_handlers(tmp_path, "") / "notes"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "list.py").write_text(
        "from . import __name__\ndef f(event, context): return __name__"
    )

    with local(
        PlanBuilder().function("f", "notes/list.f").route("GET /f", "f"), tmp_path
    ) as running:
        assert running.client.get("/f").text == "notes"


def test_an_answer_that_is_no_frame_is_500(tmp_path: Path) -> None:
    write_handlers(
        tmp_path,
        """
        import os

        def f(event, context):
            for descriptor in range(3, 30):
                try:
                    os.write(descriptor, b"\\xff" * 100)
                except OSError:
                    pass
        """,
    )
    with local(builder_of("f"), tmp_path) as running:
        assert running.client.get("/f").json() == FAILED


def test_no_process_outlives_the_service(tmp_path: Path) -> None:
    write_handlers(tmp_path, HANDLERS)

    with local(builder_of("children", "slow"), tmp_path) as running:
        pids = running.client.get("/children").json()["pids"]
        answers: list[int] = []

        def call() -> None:
            answers.append(httpx.get(f"{running.service.url}/slow").status_code)

        thread = threading.Thread(target=call)
        thread.start()
        wait_until(lambda: len(running.service.deployment.pools["functions.slow"].workers) == 1)
    thread.join()

    wait_until(lambda: not any(alive(pid) for pid in pids))
    assert answers == [500]
    assert not [line for line in running.lines.said if "ended before" in line]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_killed_while_idle_is_replaced(served: Local) -> None:
    first = served.client.get("/count").json()
    os.kill(first["pid"], signal.SIGKILL)
    pool = served.service.deployment.pools["functions.count"]
    wait_until(lambda: not any(worker.usable for worker in pool.idle))

    assert served.client.get("/count").json()["calls"] == 1


@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
def test_workers_run_on_other_pythons(tmp_path: Path, version: str) -> None:
    from framework.local.interpreters import CURRENT, interpreter_for

    interpreter = interpreter_for(f"python{version}")
    if interpreter.version != version or version == CURRENT:
        pytest.skip(f"no python{version} on PATH besides the one that runs the tests")
    write_handlers(
        tmp_path,
        "import sys, boto3\ndef f(event, context): return list(sys.version_info[:2])",
    )
    builder = PlanBuilder().function("f", "app.f", runtime=f"python{version}").route("GET /f", "f")

    with local(builder, tmp_path) as running:
        assert json.dumps(running.client.get("/f").json()) == f"[{version.replace('.', ', ')}]"
        assert not [line for line in running.lines.said if line.startswith("Note:")]


def test_the_current_python_runs_its_own_runtime(tmp_path: Path) -> None:
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    write_handlers(tmp_path, "import sys\ndef f(event, context): return sys.version")
    builder = PlanBuilder().function("f", "app.f", runtime=runtime).route("GET /f", "f")

    with local(builder, tmp_path) as running:
        assert running.client.get("/f").text == sys.version
        assert not [line for line in running.lines.said if line.startswith("Note:")]


def test_a_result_of_megabytes_arrives_whole(tmp_path: Path) -> None:
    write_handlers(tmp_path, "def f(event, context): return 'x' * 5_000_000")

    with local(builder_of("f"), tmp_path) as running:
        assert running.client.get("/f").text == "x" * 5_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="signals without a name are Linux's")
def test_a_signal_without_a_name_is_told_by_its_number(tmp_path: Path) -> None:
    write_handlers(tmp_path, "import os\ndef f(event, context): os.kill(os.getpid(), 40)")

    with local(builder_of("f"), tmp_path) as running:
        assert running.client.get("/f").json() == FAILED
        running.lines.wait_for("functions.f: its worker ended before it answered (signal 40)")


def test_who_waits_for_a_worker_is_answered_at_the_end(tmp_path: Path) -> None:
    write_handlers(tmp_path, "import time\ndef f(event, context): time.sleep(60)")
    answers: list[object] = []

    def ask(url: str) -> None:
        with httpx.Client(timeout=30, trust_env=False) as client:
            answers.append(client.get(f"{url}/f").json())

    with local(builder_of("f", timeout=70), tmp_path) as running:
        pool = running.service.deployment.pools["functions.f"]
        callers = [threading.Thread(target=ask, args=(running.service.url,)) for _ in range(14)]
        for caller in callers:
            caller.start()
        wait_until(lambda: pool.busy == 14 and len(pool.workers) == workers.MOST_WORKERS)
    for caller in callers:
        caller.join()

    assert answers == [FAILED] * 14
    assert not pool.workers


def test_an_error_of_megabytes_is_told_by_its_name(tmp_path: Path) -> None:
    write_handlers(tmp_path, "def f(event, context): raise KeyError('x' * 9_000_000)")

    with local(builder_of("f"), tmp_path) as running:
        assert running.client.get("/f").json() == FAILED
        running.lines.wait_for("functions.f: KeyError: 'xxx")
        assert running.client.get("/f").json() == FAILED


def test_an_import_that_takes_for_ever_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "INIT_SECONDS", 0.5)
    write_handlers(tmp_path, "import time\ntime.sleep(60)\ndef f(event, context): return 1")

    with local(builder_of("f", timeout=1), tmp_path) as running:
        answer = running.client.get("/f")

    assert (answer.status_code, answer.json()) == (500, FAILED)
    assert "functions.f: its handler was not imported within 1.5 s" in running.lines.said


def test_a_worker_that_nobody_uses_is_ended_after_a_minute(tmp_path: Path) -> None:
    write_handlers(tmp_path, HANDLERS)
    with local(builder_of("count", concurrency=2), tmp_path) as running:
        pid = running.client.get("/count").json()["pid"]
        pool = running.service.deployment.pools["functions.count"]
        (worker,) = pool.workers
        now = pool.clock()
        pool.clock = lambda: now + workers.IDLE_SECONDS - 1
        wait_until(lambda: pool.idle == [worker])
        assert running.client.get("/count").json()["calls"] == 2

        now = worker.idle_since
        pool.clock = lambda: now + workers.IDLE_SECONDS
        wait_until(lambda: not pool.workers and not alive(pid))

        assert running.client.get("/count").json()["calls"] == 1


def test_the_log_of_an_invocation_is_told_in_order(tmp_path: Path) -> None:
    write_handlers(tmp_path, HANDLERS)
    with local(builder_of("say"), tmp_path, quiet=False) as running:
        running.client.get("/say")
        running.client.get("/say")
        running.lines.wait_for("GET /say -> 200")
        said = [line for line in running.lines.said if line.startswith("functions.say | ")]

    kinds = [line.removeprefix("functions.say | ").split(" ")[0] for line in said]
    once = ["START", "one", "two", "three", "[INFO]", "no", "END", "REPORT"]
    assert kinds == [*once, *once]
    reports = [line for line in said if "REPORT" in line]
    assert ["Init Duration: " in line for line in reports] == [True, False]


class Held(Pool):
    """A pool whose invocations last until a test ends them."""

    def __init__(self, folder: Path) -> None:
        model = read(PlanBuilder().function("f", "app.f").plan())
        (function,) = model.functions
        environment = WorkerEnvironment(function, model.region, Credentials.new(), "", folder)
        launch = Launch(function, Path(sys.executable), (folder,), {}, environment)
        super().__init__(launch, Feed(), Processes(), lambda: 0)
        self.begun: list[bytes] = []
        self.end: asyncio.Future[None] | None = None

    async def _invoke(self, event: bytes) -> Outcome:
        self.begun.append(event)
        self.end = asyncio.get_running_loop().create_future()
        await self.end
        return Outcome(event)

    async def called(self, *events: bytes) -> list[asyncio.Task[Outcome]]:
        """Invocations that came one after another."""
        made = [asyncio.create_task(self.invoke(event)) for event in events]
        await turns()
        return made

    async def end_one(self) -> None:
        """End the invocation that runs."""
        assert self.end is not None
        self.end.set_result(None)
        await turns()


async def turns() -> None:
    """Let everybody do what there is to do."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Held:
    monkeypatch.setattr(workers, "MOST_WORKERS", 1)
    return Held(tmp_path)


def test_who_waits_longest_for_a_worker_goes_first(held: Held) -> None:
    async def call() -> list[list[bytes]]:
        tasks = await held.called(b"1", b"2", b"3")
        seen = [list(held.begun)]
        for _ in range(2):
            await held.end_one()
            seen.append(list(held.begun))
        await held.end_one()
        assert [(await task).payload for task in tasks] == [b"1", b"2", b"3"]
        return seen

    assert asyncio.run(call()) == [[b"1"], [b"1", b"2"], [b"1", b"2", b"3"]]


def test_who_is_cancelled_while_waiting_for_a_worker_is_skipped(held: Held) -> None:
    async def call() -> list[list[bytes]]:
        first, second, third = await held.called(b"1", b"2", b"3")
        second.cancel()
        await turns()
        seen = [list(held.begun)]
        await held.end_one()
        seen.append(list(held.begun))
        await held.end_one()
        assert [task.cancelled() for task in (first, second, third)] == [False, True, False]
        return seen

    assert asyncio.run(call()) == [[b"1"], [b"1", b"3"]]


@pytest.mark.parametrize("waits", [True, False], ids=["another waits", "nobody waits"])
def test_who_is_cancelled_in_the_turn_of_its_worker_passes_it_on(held: Held, waits: bool) -> None:
    async def call() -> list[bytes]:
        first, second = await held.called(b"1", b"2")
        later = await held.called(b"3") if waits else []
        assert held.end is not None
        held.end.set_result(None)
        await asyncio.sleep(0)
        assert (first.done(), held.begun) == (True, [b"1"]), "the second has not run yet"
        second.cancel()
        await turns()
        later = later or await held.called(b"3")
        assert second.cancelled()
        begun = list(held.begun)
        await held.end_one()
        assert later[0].done()
        return begun

    assert asyncio.run(call()) == [b"1", b"3"]


@pytest.mark.parametrize("end", ["ended", "cancelled"])
def test_after_the_last_who_waited_there_is_one_worker_again(held: Held, end: str) -> None:
    async def call() -> list[bytes]:
        _, second = await held.called(b"1", b"2")
        if end == "cancelled":
            second.cancel()
        else:
            await held.end_one()
        await held.end_one()
        await held.called(b"3", b"4")
        return held.begun

    expected = [b"1", b"3"] if end == "cancelled" else [b"1", b"2", b"3"]
    assert asyncio.run(call()) == expected
