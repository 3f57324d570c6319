"""services.yaml as a running service: the one way into this room.

In: a `Compile`, which reads the file as often as it changes, `Settings`, a `Feed` for all that
people should see. Out: `serve`, which runs until Ctrl-C or SIGTERM, and `running`, a context
manager for tests. The user's mistakes are `LocalError` and `Mistakes`, clear lines each.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from framework.local import announce, running_file
from framework.local.authorizer import keys_of_file, keys_of_issuer
from framework.local.changes import changes
from framework.local.cloud import Cloud, CloudGone, State
from framework.local.compiled import Compile, Compiled
from framework.local.console.mount import is_below, own_routes
from framework.local.deployment import Deployment, Grounds
from framework.local.environment import Credentials
from framework.local.errors import LocalError
from framework.local.events import Feed, Ready, Reloaded
from framework.local.http_messages import Request, Response
from framework.local.interpreters import interpreter_for
from framework.local.loop import new_loop
from framework.local.model import Model, read_all
from framework.local.processes import Processes
from framework.local.reload import Reloader
from framework.local.running_file import RunningService
from framework.local.sources import Looks

if TYPE_CHECKING:
    from framework.local.console.console import Console, Region
    from framework.local.console.history import History
    from framework.local.server import HttpServer

LARGEST_BODY = 10_000_000
"""Bytes of a request: API Gateway quota "Payload size" of HTTP APIs, 10 MB."""

LARGEST_CALL = 100_000_000
"""Bytes of one call to the local cloud; larger objects go up in parts."""

LOOK_SECONDS = 0.25
"""How often services.yaml is looked at between requests, and unused workers are looked for."""

LOOPBACK = "127.0.0.1"

Listeners: TypeAlias = tuple[socket.socket, socket.socket]

NEEDED = ("boto3", "flask", "flask_cors", "httptools", "jwt", "moto", "uvloop")


class Settings(NamedTuple):
    """How to serve: port 0 takes a free one; further regions take the ports after it.

    `jwks` is a key set for every JWT authorizer; `state` a file that keeps what buckets and
    parameters hold from one start to the next; `running` a file that says where the service is.
    With `console` each region shows a page under /_services. `runtimes` are those of the functions:
    processes of theirs start first of all. With `for_one_invocation` nothing is announced, and the
    cloud starts with the first call.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    jwks: Path | None = None
    state: Path | None = None
    running: Path | None = None
    console: bool = False
    runtimes: Sequence[str] = ()
    for_one_invocation: bool = False


class Service:
    """One services.yaml, ready to start. Making it reads the file and binds the ports.

    Raises `LocalError` and `Mistakes` for what is the user's to mend.
    """

    def __init__(self, compile: Compile, settings: Settings, feed: Feed) -> None:
        _check_packages()
        self.settings = settings
        self.feed = feed
        self.history = self._history() if settings.console else None
        self.processes = Processes()
        self.listeners: tuple[Listeners, ...] = ()
        self.state: State | None = None
        try:
            self._prepare(settings.runtimes)
            self._make(compile)
        except BaseException:
            self.close()
            raise
        self.servers: list[HttpServer] = []
        self.console: Console | None = None
        self.housekeeping: asyncio.Task[None] | None = None

    def _prepare(self, runtimes: Iterable[str]) -> None:
        """Have processes begin now: they are ready when everything else is."""
        self.processes.prepare({interpreter_for(each).executable for each in runtimes})

    def _make(self, compile: Compile) -> None:
        settings, feed = self.settings, self.feed
        keys = keys_of_file(settings.jwks) if settings.jwks else keys_of_issuer
        looks = Looks()
        self.reloader = Reloader(
            compile, self._apply, feed, lambda: self.deployment.sources, looks.turns
        )
        self.compiled = self.reloader.first()
        models = read_all(self.compiled.plan)
        self.listeners = _bind_all(models, settings)
        gates = {m.region: _address(gate, LOOPBACK) for m, (_, gate) in self._by_region(models)}
        self.state = State(settings.state) if settings.state else None
        witness = self.history.invoked if self.history else None
        self.grounds = Grounds(
            feed, self._cloud(), keys, gates, self.processes, looks, witness=witness
        )
        self.deployment = Deployment(self.compiled, models, self.grounds)

    @property
    def url(self) -> str:
        """Where the API of the home region answers."""
        return next(iter(self.urls.values()))

    @property
    def urls(self) -> Mapping[str, str]:
        """Where the APIs answer, by region, home first."""
        host = self.settings.host
        pairs = self._by_region(self.deployment.models)
        return {model.region: _address(api, host) for model, (api, _) in pairs}

    @property
    def gate_url(self) -> str:
        """Where calls to AWS of the home region's handlers go."""
        return next(iter(self.grounds.gates.values()))

    async def start(self) -> None:
        """Be up: requests are answered from now on; the cloud comes up beside."""
        self.loop = asyncio.get_running_loop()
        from framework.local.server import HttpServer

        for number, (api, gate) in enumerate(self.listeners):
            self.servers += [
                HttpServer(api, self._served(number), LARGEST_BODY),
                HttpServer(gate, self._gate(number), LARGEST_CALL),
            ]
        for server in self.servers:
            await server.start()
        await self.grounds.cloud.hold(self.deployment.models, self.compiled.secrets)
        self.housekeeping = asyncio.ensure_future(self._keep_house())
        if self.settings.running:
            running_file.write(self.settings.running, self._whereabouts())
        if not self.settings.for_one_invocation:
            self.feed.publish(self._ready())

    async def stop(self) -> None:
        """End every process and close every socket."""
        try:
            if self.housekeeping is not None:
                self.housekeeping.cancel()
                with suppress(asyncio.CancelledError):
                    await self.housekeeping
        finally:
            # A mistake in there is told, and the rest ends all the same.
            await self._end()

    async def _end(self) -> None:
        if self.history is not None:
            self.history.close()
        if self.settings.running:
            running_file.remove(self.settings.running, self._whereabouts())
        self.deployment.close()
        self.grounds.cloud.stop()
        await asyncio.gather(*(server.stop() for server in self.servers))
        self.close()

    def close(self) -> None:
        """Give the ports back, the processes that wait, and the file of the cloud's contents."""
        self.processes.close()
        for pair in self.listeners:
            for listener in pair:
                listener.close()
        if self.state is not None:
            self.state.close()

    def _cloud(self) -> Cloud:
        return Cloud(self.feed.say, self.state, early=not self.settings.for_one_invocation)

    def _whereabouts(self) -> RunningService:
        developer = self.grounds.developer
        return RunningService(self.grounds.gates, developer.access_key, developer.secret_key)

    def _by_region(self, models: Sequence[Model]) -> Iterator[tuple[Model, Listeners]]:
        return iter(zip(models, self.listeners, strict=True))

    def _history(self) -> History:
        from framework.local.console.history import History

        history = History()
        history.listen_to(self.feed)
        return history

    def _console(self, history: History) -> Console:
        """The page; it is imported when somebody looks at it."""
        if self.console is None:
            from framework.local.console.console import Console

            self.console = Console(history, self._regions, self._credentials)
        return self.console

    def _regions(self) -> list[Region]:
        """Every region as it is now, for the page."""
        from framework.local.console.console import Region

        models, invocations = self.deployment.models, self.deployment.invocations
        return [
            Region(model, address, self._api(number), invocations[number].handle)
            for number, (model, address) in enumerate(zip(models, self.urls.values(), strict=True))
        ]

    def _credentials(self) -> list[Credentials]:
        return [self.grounds.developer, *self.grounds.credentials.values()]

    def _served(self, number: int) -> Callable[[Request], Awaitable[Response]]:
        """What answers on a region's port: its API, and the page beside it."""
        api, history = self._api(number), self.history
        if history is None:
            return api

        def handle(request: Request) -> Awaitable[Response]:
            if is_below(request.path) and not any(own_routes(self.deployment.models[number])):
                return self._console(history).handle(number, request)
            return api(request)

        return handle

    def _api(self, number: int) -> Callable[[Request], Awaitable[Response]]:
        history = self.history

        async def handle(request: Request) -> Response:
            if self.reloader.stale():
                await self.reloader.fresh()
            api = self.deployment.apis[number]
            if history is None:
                return await api(request)
            return await history.watch(self.deployment.models[number].region, request, api)

        return handle

    def _gate(self, number: int) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            return await self.deployment.gates[number](request)

        return handle

    async def _apply(self, compiled: Compiled) -> None:
        """Follow a new reading of services.yaml."""
        before = self.deployment
        models = read_all(compiled.plan)
        if [m.region for m in models] != [m.region for m in before.models]:
            raise LocalError("the regions have changed: start services local again to follow them")
        after = await asyncio.to_thread(Deployment, compiled, models, self.grounds, before)
        await self.grounds.cloud.hold(models, compiled.secrets)
        self.deployment = after
        after.retire_replaced()
        lines = [*changes(before.models, models)]
        lines += [line for model in models for line in announce.warnings(model)]
        lines += [note for note in after.notes if note not in before.notes]
        self.feed.publish(Reloaded(tuple(lines)))

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.reloader.fresh()
            self.deployment.reap()
            if not self.settings.for_one_invocation:
                self.deployment.prepare()
            try:
                await self.grounds.logs.bring()
            except CloudGone as problem:
                self.feed.say(f"log lines are lost, the local cloud does not answer: {problem}")

    def _ready(self) -> Ready:
        models, notes = self.deployment.models, self.deployment.notes
        addresses = tuple(self.urls.values())
        lines = announce.lines(
            models, addresses, self.grounds.developer, notes, self.settings.console
        )
        routes = ((m.region, route.key, route.function.entry) for m in models for route in m.routes)
        name = models[0].api.name if models[0].api else ""
        return Ready(name, self.urls, tuple(routes), tuple(lines))


def serve(compile: Compile, settings: Settings, feed: Feed) -> None:
    """Run the service until Ctrl-C or SIGTERM, then end all of it.

    Raises `LocalError` and `Mistakes`.
    """
    service = Service(compile, settings, feed)
    # What the start made stays: searching it again and again would delay requests.
    gc.freeze()
    gc.enable()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_until_told(service))


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
def running(compile: Compile, settings: Settings, feed: Feed) -> Iterator[Service]:
    """The service in a thread of its own, up inside the `with` block.

    Raises `LocalError` and `Mistakes`.
    """
    service = Service(compile, settings, feed)
    loop = new_loop()
    thread = threading.Thread(target=loop.run_forever, name="local-mode")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(service.start(), loop).result()
        yield service
    finally:
        try:
            asyncio.run_coroutine_threadsafe(_finish(service), loop).result()
        finally:
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


def _bind_all(models: Sequence[Model], settings: Settings) -> tuple[Listeners, ...]:
    """Two sockets for each region: the API's and the gate's."""
    from framework.local.server import bind

    bound: list[socket.socket] = []
    try:
        for number in range(len(models)):
            bound.append(bind(settings.host, settings.port + number if settings.port else 0))
            bound.append(bind(LOOPBACK, 0))
    except LocalError:
        for listener in bound:
            listener.close()
        raise
    return tuple(zip(bound[::2], bound[1::2], strict=True))


def _address(listener: socket.socket, host: str) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
