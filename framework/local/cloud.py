"""The local cloud: moto in a process of its own, started in the background.

In: the buckets and parameters of a `Model`. Out: `Cloud.send`, one request to moto once it is up.
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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from framework.local.http_messages import Request, Response
from framework.local.model import Model, Parameter
from framework.plan.resource import Secret

PROGRAM = Path(__file__).with_name("cloud_main.py")
TOKEN_HEADER = "x-local-cloud-token"
CALLS_AT_ONCE = 16
CALL_SECONDS = 60.0
END_SECONDS = 0.5

_OF_THE_CONNECTION = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "expect", "content-length", TOKEN_HEADER}
)
_NOT_PASSED_BACK = frozenset({"connection", "date", "server", "transfer-encoding"})


class CloudGone(Exception):
    """The cloud's process has ended or never came up."""


class Cloud:
    """The process of moto and the way to it. `say` writes a line on the terminal."""

    def __init__(
        self, model: Model, secret: Callable[[Secret], str], say: Callable[[str], None]
    ) -> None:
        self.model = model
        self.secret = secret
        self.say = say
        self.token = secrets.token_urlsafe(24)
        self.process: subprocess.Popen[bytes] | None = None
        self.port: asyncio.Future[int | None] | None = None
        self.calls = ThreadPoolExecutor(CALLS_AT_ONCE, "local-cloud")

    def start(self) -> None:
        """Start the process; does not wait for it. Twice is once."""
        if self.port is not None:
            return
        seed = self._seed()
        self.process = subprocess.Popen(
            [sys.executable, "-P", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(self.model.account),
            start_new_session=True,
        )
        self.port = asyncio.ensure_future(self._started(self.process, seed))

    def stop(self) -> None:
        """End the process."""
        if self.port is not None:
            self.port.cancel()
        if self.process is not None:
            _end(self.process)
        self.calls.shutdown(wait=False, cancel_futures=True)

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

    async def _started(self, process: subprocess.Popen[bytes], seed: bytes) -> int | None:
        """The port once the process is up, None when it ended instead."""
        answer = await asyncio.get_running_loop().run_in_executor(
            self.calls, partial(_introduce, process, seed)
        )
        if not answer:
            self.say("the local cloud did not start: calls to S3 and SSM fail")
            return None
        report = json.loads(answer)
        for problem in report["problems"]:
            self.say(f"{problem}: the local cloud could not make it")
        port: int = report["port"]
        return port

    def _seed(self) -> bytes:
        """What the process reads: values go through a pipe, never through arguments."""
        document = {
            "token": self.token,
            "region": self.model.region,
            "buckets": [
                {"entry": bucket.entry, "name": bucket.name, "versioned": bucket.versioned}
                for bucket in self.model.buckets
            ],
            "parameters": [self._parameter(parameter) for parameter in self.model.parameters],
        }
        return json.dumps(document).encode() + b"\n"

    def _parameter(self, parameter: Parameter) -> dict[str, str]:
        value = parameter.value
        return {
            "entry": parameter.entry,
            "name": parameter.name,
            "type": parameter.type,
            "value": self.secret(value) if isinstance(value, Secret) else value,
        }


def _environment(account: str) -> dict[str, str]:
    """This process's environment without the person's own AWS settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "MOTO_ACCOUNT_ID": account,
    }


def _introduce(process: subprocess.Popen[bytes], seed: bytes) -> bytes:
    """Hand the seed over and read the answer; empty when the process ended."""
    if process.stdin is None or process.stdout is None:
        return b""
    with suppress(BrokenPipeError):
        process.stdin.write(seed)
        process.stdin.flush()
    return process.stdout.readline()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close its input, which is its order to end; kill it when it does not hear."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


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
