"""A plan as a running service: the one way into this room.

In: a `Plan`, `Settings`, and two look-ups of the caller: the folders on a package's import path and
the values of secrets. Out: `serve`, which runs until Ctrl-C or SIGTERM, and `running`, a context
manager for tests. The user's mistakes are `LocalError`, one clear line each.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from framework.local import announce as announcement
from framework.local.authorizer import JwtAuthorizer, KeySource, keys_of_file, keys_of_issuer
from framework.local.cloud import Cloud
from framework.local.environment import Credentials, worker_environment
from framework.local.errors import LocalError
from framework.local.gate import Gate
from framework.local.gateway import NOT_FOUND, Gateway
from framework.local.http_messages import Request, Response
from framework.local.interpreters import Interpreter, interpreter_for
from framework.local.model import Authorizer, Function, Model, read
from framework.local.runtime_packages import runtime_packages
from framework.local.workers import Launch, Pool
from framework.plan.resource import Code, Plan, Secret

if TYPE_CHECKING:
    from framework.local.server import HttpServer

LARGEST_BODY = 10_000_000
"""Bytes of a request: API Gateway quota "Payload size" of HTTP APIs, 10 MB."""

LARGEST_CALL = 100_000_000
"""Bytes of one call to the local cloud; larger objects go up in parts."""

NEEDED = ("boto3", "flask", "flask_cors", "httptools", "jwt", "moto", "uvicorn")


@dataclass(frozen=True, slots=True)
class Settings:
    """How to serve: port 0 takes a free one; `jwks` is a key set for every JWT authorizer;
    `quiet` leaves out the line for each request."""

    host: str = "127.0.0.1"
    port: int = 8000
    jwks: Path | None = None
    quiet: bool = False


ImportPaths = Callable[[Code], Sequence[Path]]
"""The folders on the import path of a package: first the author's own, which is watched."""


class Service:
    """One plan, ready to start. Making it binds the ports and asks for every import path.

    Raises `LocalError` for what is the user's to mend.
    """

    def __init__(
        self,
        plan: Plan,
        settings: Settings,
        *,
        import_paths: ImportPaths,
        secrets: Callable[[Secret], str],
        announce: Callable[[str], None],
    ) -> None:
        _check_packages()
        self.model = read(plan)
        self.settings = settings
        self.announce = announce
        self.keys: KeySource = keys_of_file(settings.jwks) if settings.jwks else keys_of_issuer
        self.interpreters = {f.runtime: interpreter_for(f.runtime) for f in self.model.functions}
        self.listener, self.gate_listener = _bind(settings)
        try:
            self.paths = _paths(self.model, import_paths)
        except BaseException:
            self.close()
            raise
        self.cloud = Cloud(self.model, secrets, announce)
        self.credentials = {f.entry: Credentials.new() for f in self.model.functions}
        self.pools: Mapping[str, Pool] = {}
        self.servers: list[HttpServer] = []

    @property
    def url(self) -> str:
        """Where the API answers."""
        return _address(self.listener, self.settings.host)

    @property
    def gate_url(self) -> str:
        """Where handlers' calls to AWS go."""
        return _address(self.gate_listener, "127.0.0.1")

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know about the interpreters."""
        return tuple(one.note for one in self.interpreters.values() if one.note)

    async def start(self) -> None:
        """Be up: requests are answered from now on; the cloud comes up beside."""
        from framework.local.server import HttpServer

        self.pools = {f.entry: self._pool(f) for f in self.model.functions}
        callers = {self.credentials[f.entry].access_key: f for f in self.model.functions}
        gate = Gate(self.model, callers, self.cloud, self.announce)
        self.servers = [
            HttpServer(self.listener, self._api(), LARGEST_BODY),
            HttpServer(self.gate_listener, gate.handle, LARGEST_CALL),
        ]
        for server in self.servers:
            await server.start()
        if self.model.buckets or self.model.parameters:
            self.cloud.start()
        for line in announcement.lines(self.model, self.url, self.notes):
            self.announce(line)

    async def stop(self) -> None:
        """End every process and close every socket."""
        for pool in self.pools.values():
            pool.close()
        self.cloud.stop()
        await asyncio.gather(*(server.stop() for server in self.servers))
        self.close()

    def close(self) -> None:
        """Give the ports back."""
        self.listener.close()
        self.gate_listener.close()

    def _api(self) -> Callable[[Request], Awaitable[Response]]:
        api = self.model.api
        if api is None:
            return _nothing
        log = _ignore if self.settings.quiet else self.announce
        gateway = Gateway.of(self.model, api, self.pools, self._authorizer, self.announce, log)
        return gateway.handle

    def _authorizer(self, authorizer: Authorizer) -> JwtAuthorizer:
        return JwtAuthorizer(authorizer, self.keys, self.announce)

    def _pool(self, function: Function) -> Pool:
        paths = self.paths[function.code]
        environment = partial(
            worker_environment,
            function,
            self.model,
            self.credentials[function.entry],
            self.gate_url,
            source=paths[0],
        )
        interpreter: Interpreter = self.interpreters[function.runtime]
        launch = Launch(function, interpreter.executable, paths, runtime_packages(), environment)
        return Pool(launch, self.announce)


def serve(
    plan: Plan,
    settings: Settings,
    *,
    import_paths: ImportPaths,
    secrets: Callable[[Secret], str],
    announce: Callable[[str], None],
) -> None:
    """Run the service until Ctrl-C or SIGTERM, then end all of it.

    `import_paths` is called once for each distinct package, `secrets` for each secret parameter,
    `announce` for each line to show. Raises `LocalError`.
    """
    service = Service(plan, settings, import_paths=import_paths, secrets=secrets, announce=announce)
    asyncio.run(_until_told(service))


async def _until_told(service: Service) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    try:
        await service.start()
        await told.wait()
    finally:
        await service.stop()


@contextmanager
def running(
    plan: Plan,
    settings: Settings,
    *,
    import_paths: ImportPaths,
    secrets: Callable[[Secret], str],
    announce: Callable[[str], None],
) -> Iterator[Service]:
    """The service in a thread of its own, up inside the `with` block. Raises `LocalError`."""
    service = Service(plan, settings, import_paths=import_paths, secrets=secrets, announce=announce)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="local-mode")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(service.start(), loop).result()
        yield service
    finally:
        asyncio.run_coroutine_threadsafe(_finish(service), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _finish(service: Service) -> None:
    await service.stop()
    loop = asyncio.get_running_loop()
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()


def _check_packages() -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise LocalError(
            f"local mode needs {', '.join(missing)}: pip install 'pulumi-services[local]'"
        )


def _bind(settings: Settings) -> tuple[socket.socket, socket.socket]:
    from framework.local.server import bind

    listener = bind(settings.host, settings.port)
    try:
        return listener, bind("127.0.0.1", 0)
    except LocalError:
        listener.close()
        raise


def _paths(model: Model, import_paths: ImportPaths) -> Mapping[Code, tuple[Path, ...]]:
    codes = dict.fromkeys(function.code for function in model.functions)
    return {code: tuple(path.absolute() for path in import_paths(code)) for code in codes}


def _address(listener: socket.socket, host: str) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _nothing(request: Request) -> Response:
    return NOT_FOUND


def _ignore(line: str) -> None:
    """Show nothing."""
