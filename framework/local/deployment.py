"""What one plan has become: pools of workers, and for each region an API and a gate.

In: a `Compiled`, the deployment before it, and what outlives both. Out: `Deployment`, which answers
requests. Workers whose function is unchanged go on; the others end with their last invocation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from framework.local.authorizer import JwtAuthorizer, KeySource
from framework.local.cloud import Cloud
from framework.local.compiled import Compiled
from framework.local.environment import Credentials, WorkerEnvironment
from framework.local.events import Feed
from framework.local.gate import Developer, Gate
from framework.local.gateway import NOT_FOUND, Gateway
from framework.local.http_messages import Request, Response
from framework.local.interpreters import interpreter_for
from framework.local.invocations import Invocations, Witness
from framework.local.log_groups import LogGroups
from framework.local.model import Authorizer, Function, Model
from framework.local.processes import Processes
from framework.local.runtime_packages import runtime_packages
from framework.local.signatures import IamAuthorizer, Signer
from framework.local.sources import Looks
from framework.local.worker import Launch
from framework.local.workers import Pool
from framework.plan.resource import Code

Handle = Callable[[Request], Awaitable[Response]]


@dataclass
class Grounds:
    """What outlives a change of services.yaml. `gates` are the addresses of the gates by region.

    `developer` are the credentials of the person at this machine, who may do everything; `witness`
    is told of what is invoked by its name.
    """

    feed: Feed
    cloud: Cloud
    keys: KeySource
    gates: Mapping[str, str]
    processes: Processes
    looks: Looks
    credentials: dict[str, Credentials] = field(default_factory=dict)
    developer: Credentials = field(default_factory=Credentials.of_a_person)
    witness: Witness | None = None

    def __post_init__(self) -> None:
        self.logs = LogGroups(self.cloud)
        self.logs.listen_to(self.feed)

    def of_function(self, entry: str) -> Credentials:
        """The credentials of a function, the same until the end."""
        return self.credentials.setdefault(entry, Credentials.new())


class Deployment:
    """One plan, running. Making it asks for every import path and starts nothing."""

    def __init__(
        self,
        compiled: Compiled,
        models: Sequence[Model],
        grounds: Grounds,
        before: Deployment | None = None,
    ) -> None:
        self.models = tuple(models)
        self.grounds = grounds
        self.paths = _paths(models, compiled)
        self.pools: Mapping[str, Pool] = self._pools(before.pools if before else {})
        self.retiring = [*before.still_busy(), *self._replaced(before)] if before else []
        self.apis = tuple(self._api(model) for model in models)
        self.invocations = tuple(
            Invocations(model, self.pools, grounds.witness) for model in models
        )
        self.gates = tuple(
            self._gate(model, invocations).handle
            for model, invocations in zip(models, self.invocations, strict=True)
        )
        self.notes = (*compiled.notes, *_interpreter_notes(models))

    @property
    def sources(self) -> tuple[Path, ...]:
        """The folders of the author's own files."""
        return tuple(dict.fromkeys(paths[0] for paths in self.paths.values()))

    def retire_replaced(self) -> None:
        """End the workers that no request can reach any more, now or after their invocation."""
        for pool in self.retiring:
            pool.retire()

    def still_busy(self) -> list[Pool]:
        """Pools of earlier plans with an invocation under way."""
        return [pool for pool in self.retiring if pool.workers]

    def prepare(self) -> None:
        """Have a process wait for the next worker, of each Python that functions run on."""
        self.grounds.processes.prepare({pool.launch.interpreter for pool in self.pools.values()})

    def reap(self) -> None:
        """End workers that nobody uses."""
        for pool in self.pools.values():
            pool.reap()

    def close(self) -> None:
        """End every worker."""
        for pool in (*self.pools.values(), *self.retiring):
            pool.close()

    def _replaced(self, before: Deployment) -> list[Pool]:
        kept = set(self.pools.values())
        return [pool for pool in before.pools.values() if pool not in kept]

    def _pools(self, before: Mapping[str, Pool]) -> Mapping[str, Pool]:
        found: dict[str, Pool] = {}
        for model in self.models:
            for function in model.functions:
                launch = self._launch(model, function)
                old = before.get(function.entry)
                same = old is not None and old.launch == launch
                found[function.entry] = old if old and same else self._pool(launch)
        return found

    def _pool(self, launch: Launch) -> Pool:
        grounds = self.grounds
        return Pool(launch, grounds.feed, grounds.processes, grounds.looks.at(launch.source))

    def _launch(self, model: Model, function: Function) -> Launch:
        paths = self.paths[function.code]
        environment = WorkerEnvironment(
            function,
            model.region,
            self.grounds.of_function(function.entry),
            self.grounds.gates[model.region],
            paths[0],
        )
        executable = interpreter_for(function.runtime).executable
        return Launch(function, executable, paths, runtime_packages(), environment)

    def _api(self, model: Model) -> Handle:
        if model.api is None:
            return _nothing
        feed = self.grounds.feed
        iam = IamAuthorizer(model, self._signers(), feed.say)
        return Gateway.of(model, model.api, self.pools, self._authorizer, iam, feed).handle

    def _signers(self) -> Mapping[str, Signer]:
        developer = self.grounds.developer
        found = {developer.access_key: Signer(developer, None)}
        for function in (function for model in self.models for function in model.functions):
            own = self.grounds.of_function(function.entry)
            found[own.access_key] = Signer(own, function)
        return found

    def _authorizer(self, authorizer: Authorizer) -> JwtAuthorizer:
        return JwtAuthorizer(authorizer, self.grounds.keys, self.grounds.feed.say)

    def _gate(self, model: Model, invocations: Invocations) -> Gate:
        callers = {self.grounds.of_function(f.entry).access_key: f for f in model.functions}
        grounds = self.grounds
        developer = Developer(grounds.developer.access_key, invocations, grounds.logs)
        return Gate(model, callers, developer, self.grounds.cloud, self.grounds.feed)


def _paths(models: Sequence[Model], compiled: Compiled) -> Mapping[Code, tuple[Path, ...]]:
    codes = dict.fromkeys(function.code for model in models for function in model.functions)
    return {code: tuple(p.absolute() for p in compiled.import_paths(code)) for code in codes}


def _interpreter_notes(models: Sequence[Model]) -> tuple[str, ...]:
    runtimes = dict.fromkeys(f.runtime for model in models for f in model.functions)
    return tuple(note for runtime in runtimes if (note := interpreter_for(runtime).note))


async def _nothing(request: Request) -> Response:
    return NOT_FOUND
