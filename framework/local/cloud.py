"""The local cloud: moto in a process of its own, started in the background.

In: the buckets and parameters of a `Model`. Out: `Cloud.send`, one request to moto once it is up;
`Cloud.hold` again when services.yaml has changed.
moto's import takes a second or two, so nothing waits for it but the calls that need it. State lives
in that process and ends with it.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from framework.local.errors import LocalError
from framework.local.http_messages import Request, Response
from framework.local.model import Model, Parameter
from framework.plan.resource import Secret

if TYPE_CHECKING:
    from framework.local.cloud_contents import Contents, ParameterSeed

PROGRAM = Path(__file__).with_name("cloud_main.py")
TOKEN_HEADER = "x-local-cloud-token"
CALLS_AT_ONCE = 16
CALL_SECONDS = 60.0
END_SECONDS = 0.5

SAVE_SECONDS = 60.0
"""How long the process may take to write what it holds."""

_OF_THE_CONNECTION = frozenset(
    {
        "connection",
        "keep-alive",
        "transfer-encoding",
        "expect",
        "content-length",
        "host",
        TOKEN_HEADER,
    }
)
_NOT_PASSED_BACK = frozenset({"connection", "date", "server", "transfer-encoding"})


class CloudGone(Exception):
    """The cloud's process has ended or never came up."""


Value = Callable[[Secret], str]
"""The value of a secret."""


class State:
    """The file that outlives the cloud, for one service at a time.

    Raises `LocalError` where another has it, or where it cannot be read.
    """

    def __init__(self, file: Path) -> None:
        import fcntl

        from framework.local import cloud_state

        self.file = file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self.lock = (file.parent / f"{file.name}.lock").open("w")
        except OSError as error:
            raise LocalError(f"{file.parent} cannot be used: {error.strerror}") from None
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if file.exists():
                cloud_state.check(file)
        except BlockingIOError:
            self.lock.close()
            raise LocalError("another services local of this project runs with --persist") from None
        except cloud_state.Unreadable as problem:
            self.lock.close()
            text = f"{file} cannot be read ({problem}): move it away, or leave --persist out"
            raise LocalError(text) from None

    def close(self) -> None:
        """Let others have it."""
        self.lock.close()


class Cloud:
    """The process of moto and the way to it. `say` writes a line on the terminal.

    With `early` it starts as soon as there is something to hold, else with the first call. With
    `state`, everything is taken from its file at the start and written there at the end.
    """

    def __init__(
        self, say: Callable[[str], None], state: State | None = None, early: bool = True
    ) -> None:
        self.early = early
        self.say = say
        self.state = state
        self.token = secrets.token_urlsafe(24)
        self.process: subprocess.Popen[bytes] | None = None
        self.port: asyncio.Future[int | None] | None = None
        self.calls = ThreadPoolExecutor(CALLS_AT_ONCE, "local-cloud")
        self.account = ""
        self.contents: Contents = {"buckets": [], "parameters": []}
        self.order = asyncio.Lock()

    async def hold(self, models: Sequence[Model], value: Value) -> None:
        """Hold the buckets and parameters of `models`, also what a running cloud lacks.

        Whatever is no longer among them stays: nobody is granted it.
        """
        self.account = models[0].account
        self.contents = _contents(models, value)
        if self.port is not None and await asyncio.shield(self.port) is not None:
            async with self.order:
                answer = await self._ask(json.dumps(self.contents).encode())
            self._tell(answer)
        elif self.early and (self.contents["buckets"] or self.contents["parameters"]):
            self.start()

    def start(self) -> None:
        """Start the process; does not wait for it. Twice is once."""
        if self.port is not None:
            return
        self.process = subprocess.Popen(
            [sys.executable, "-P", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(self.account),
            start_new_session=True,
        )
        self.port = asyncio.ensure_future(self._started())

    def stop(self) -> None:
        """End the process."""
        if self.port is not None:
            self.port.cancel()
        if self.process is not None:
            code = _end(self.process, SAVE_SECONDS if self.state else END_SECONDS)
            if self.state and code:
                self.say(f"what the buckets and parameters held was not kept in {self.state.file}")
        self.calls.shutdown(wait=False, cancel_futures=True)

    @property
    def up(self) -> bool:
        """Whether it answers, so that nothing has to wait."""
        port = self.port
        return port is not None and port.done() and not port.cancelled() and bool(port.result())

    async def send(self, request: Request) -> Response:
        """moto's answer to a request. Raises `CloudGone`."""
        self.start()
        port = await asyncio.shield(self.port) if self.port else None
        if port is None:
            raise CloudGone("its process ended at the start")
        call = partial(_call, port, self.token, request)
        try:
            return await asyncio.get_running_loop().run_in_executor(self.calls, call)
        except OSError as error:
            raise CloudGone(str(error)) from None

    async def _started(self) -> int | None:
        """The port once the process is up, None when it ended instead."""
        # Values go through a pipe, never through arguments.
        state = {"state": str(self.state.file)} if self.state else {}
        seed = {"token": self.token, **state, **self.contents}
        answer = await self._ask(json.dumps(seed).encode())
        if not answer:
            self.say("the local cloud did not start: calls to S3 and SSM fail")
            return None
        self._tell(answer)
        port: int = json.loads(answer)["port"]
        return port

    async def _ask(self, line: bytes) -> bytes:
        """The process's answer to a line; empty when it has ended."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.calls, partial(_exchange, self.process, line))

    def _tell(self, answer: bytes) -> None:
        for problem in json.loads(answer or b'{"problems": []}')["problems"]:
            self.say(f"{problem}: the local cloud could not make it")


def _contents(models: Sequence[Model], value: Value) -> Contents:
    return {
        "buckets": [
            {
                "entry": bucket.entry,
                "region": model.region,
                "name": bucket.name,
                "versioned": bucket.versioned,
            }
            for model in models
            for bucket in model.buckets
        ],
        "parameters": [
            _parameter(model.region, parameter, value)
            for model in models
            for parameter in model.parameters
        ],
    }


def _parameter(region: str, parameter: Parameter, value: Value) -> ParameterSeed:
    found = parameter.value
    return {
        "entry": parameter.entry,
        "region": region,
        "name": parameter.name,
        "type": parameter.type,
        "value": value(found) if isinstance(found, Secret) else found,
    }


def _environment(account: str) -> dict[str, str]:
    """This process's environment without the person's own AWS settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "MOTO_ACCOUNT_ID": account,
        "PYTHONPATH": str(PROGRAM.parents[2]),
    }


def _exchange(process: subprocess.Popen[bytes] | None, line: bytes) -> bytes:
    """Hand a line over and read the answer; empty when the process ended."""
    if process is None or process.stdin is None or process.stdout is None:
        return b""
    with suppress(BrokenPipeError):
        process.stdin.write(line + b"\n")
        process.stdin.flush()
    return process.stdout.readline()


def _end(process: subprocess.Popen[bytes], seconds: float) -> int:
    """Close its input, which is its order to end; kill it when it does not hear. Its exit code."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
    return process.returncode


def _call(port: int, token: str, request: Request) -> Response:
    """One HTTP request, in a thread. Raises `OSError`."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=CALL_SECONDS)
    target = f"{request.path}?{request.query}" if request.query else request.path
    try:
        connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers:
            if name not in _OF_THE_CONNECTION:
                connection.putheader(name, value)
        # The caller's own Host could name a bucket that was not judged: moto reads it as one.
        connection.putheader("host", f"127.0.0.1:{port}")
        connection.putheader(TOKEN_HEADER, token)
        connection.putheader("content-length", str(len(request.body)))
        connection.endheaders(request.body)
        answer = connection.getresponse()
        body = answer.read()
    except http.client.HTTPException as error:
        raise ConnectionError(f"{type(error).__name__}: {error}") from None
    finally:
        connection.close()
    headers = ((name.lower(), value) for name, value in answer.getheaders())
    kept = tuple(header for header in headers if header[0] not in _NOT_PASSED_BACK)
    return Response(answer.status, kept, body)
