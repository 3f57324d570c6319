"""A Pulumi program run in this process, against a monitor and engine of the tests' own.

In: the program, its settings, and the state of an earlier `Run`. Out: a `Run`: every request kept
whole, the step for each resource, the stack's outputs, the log, and the state for the next run.
Nothing listens on a port: the SDK calls the monitor's methods directly. Each run has a fresh event
loop, fresh settings and a context of its own, so that any number may follow each other.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias
from unittest.mock import patch

import grpc
from pulumi.runtime import Settings, configure, set_all_config
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.settings import ROOT
from pulumi.runtime.stack import run_in_stack

from tests.support.aws import GET_CALLER_IDENTITY, caller_identity
from tests.support.deployment import (
    STACK,
    Deployment,
    EngineError,
    Registered,
    State,
    Step,
    shown,
    urn_of,
)
from tests.support.wire import Plain, Properties, decode, encode

Severity: TypeAlias = Literal["info", "warning", "error"]

REGION: Final = "eu-west-1"

GET_RESOURCE: Final = "pulumi:pulumi:getResource"

_SEVERITIES: Final[Mapping[int, Severity]] = {
    engine_pb2.INFO: "info",
    engine_pb2.WARNING: "warning",
    engine_pb2.ERROR: "error",
}

_FEATURES: Final = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ERROR_HOOKS,
)


@dataclass(frozen=True)
class Log:
    """One line that the program, or the SDK for it, sent to the person."""

    severity: Severity
    message: str
    urn: str = ""


@dataclass(frozen=True)
class Invoked:
    """One call of a provider function; `provider` is the provider's URN, empty for the default."""

    token: str
    arguments: Mapping[str, Plain]
    provider: str


@dataclass(frozen=True)
class Run:
    """What one run of a program did.

    `resources` are all requests in order, the stack's own left out; `deleted` are those of earlier
    runs that this one deleted. `outputs` are the stack's and
    `component_outputs` those of the components, by URN. `error` is the engine's error or, when
    there is none, `exception`'s text; both are None after a run without fault.
    """

    stack_urn: str
    resources: tuple[Registered, ...]
    deleted: tuple[Registered, ...]
    steps: Mapping[str, Step]
    outputs: Mapping[str, Plain]
    component_outputs: Mapping[str, Mapping[str, Plain]]
    invokes: tuple[Invoked, ...]
    logs: tuple[Log, ...]
    state: State
    error: str | None
    exception: BaseException | None

    @property
    def registered(self) -> Mapping[str, Registered]:
        """The custom resources and providers by name; raises where a name is not unique."""
        return _by_name(item for item in self.resources if item.custom)

    @property
    def components(self) -> Mapping[str, Registered]:
        """The components by name; raises where a name is not unique."""
        return _by_name(item for item in self.resources if not item.custom)

    @property
    def changes(self) -> Mapping[str, Step]:
        """The steps other than same, by URN."""
        return {urn: step for urn, step in self.steps.items() if step != "same"}

    def step(self, name: str) -> Step:
        """The step taken for a custom resource of this run, by its name."""
        return self.steps[self.registered[name].urn]

    def changed(self) -> Mapping[str, Step]:
        """The steps other than same of custom resources, by name, deleted ones included."""
        customs = (item for item in (*self.resources, *self.deleted) if item.custom)
        return {item.name: self.changes[item.urn] for item in customs if item.urn in self.changes}


def _by_name(resources: Iterable[Registered]) -> Mapping[str, Registered]:
    named: dict[str, Registered] = {}
    for resource in resources:
        if named.setdefault(resource.name, resource) is not resource:
            raise ValueError(f"two resources have the name {resource.name}")
    return named


class Stopped(grpc.RpcError):
    """How a call of the engine fails; the SDK makes the person's error of `details`."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self._code, self._details = code, details

    def code(self) -> grpc.StatusCode:
        """The gRPC status; UNAVAILABLE when the deployment has ended."""
        return self._code

    def details(self) -> str:
        """What the engine says."""
        return self._details


class Monitor:
    """The methods of Pulumi's resource monitor that the SDK calls; one lock, one call at a time."""

    def __init__(self, deployment: Deployment, project: str, stack: str, account: str) -> None:
        self._deployment = deployment
        self._project, self._stack, self._account = project, stack, account
        self._lock = threading.Lock()
        self.resources: list[Registered] = []
        self.invokes: list[Invoked] = []
        self.hooks: list[str] = []
        self.outputs: dict[str, Properties] = {}
        self.error: str | None = None

    def GetDeploymentInfo(self, request: object) -> resource_pb2.DeploymentInfo:
        """The features; all others are refused by the SDK with a clear error."""
        return resource_pb2.DeploymentInfo(
            project=self._project, stack=self._stack, supportedFeatures=_FEATURES
        )

    def RegisterResource(
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        """Keep the request, carry out its step, answer with id and outputs."""
        registered = self._registered(request)
        with self._ending_the_deployment():
            self.resources.append(registered)
            kept = self._deployment.register(registered)
        return resource_pb2.RegisterResourceResponse(
            urn=registered.urn, id=kept.id, object=encode(shown(kept))
        )

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> None:
        """Keep the outputs of a component or the stack, which may be given once."""
        with self._ending_the_deployment():
            if request.urn in self.outputs:
                raise EngineError(f"outputs of {request.urn} were registered twice")
            self.outputs[request.urn] = decode(request.outputs)

    def RegisterErrorHook(self, request: resource_pb2.RegisterErrorHookRequest) -> None:
        """Keep the hook's name; that it is called is for the tests of the real engine."""
        self.hooks.append(request.name)

    def Invoke(
        self, request: resource_pb2.ResourceInvokeRequest
    ) -> resource_pb2.ResourceInvokeResponse:
        """Answer getCallerIdentity, and getResource as the engine does; no others are known."""
        if request.tok == GET_RESOURCE:
            return _response(self._resource(str(decode(request.args)["urn"])))
        invoked = Invoked(request.tok, decode(request.args), _provider_urn(request.provider))
        self.invokes.append(invoked)
        failure = self._deployment.failure(request.tok)
        if failure is not None or request.tok != GET_CALLER_IDENTITY:
            text = failure or f"unknown function {request.tok}"
            raise Stopped(grpc.StatusCode.UNKNOWN, text)
        return _response(caller_identity(self._account))

    def _resource(self, urn: str) -> Properties:
        """A resource of this run: the SDK asks for it where another resource refers to it and the
        generated class of its type has been imported."""
        kept = self._deployment.state[urn]
        return {"urn": urn, "id": kept.id, "state": dict(shown(kept))}

    def SignalAndWaitForShutdown(self, request: object) -> None:
        """The program has ended: delete what it no longer asks for."""
        with self._ending_the_deployment():
            self._deployment.finish()

    def _registered(self, request: resource_pb2.RegisterResourceRequest) -> Registered:
        urn = urn_of(self._stack, self._project, request.parent, request.type, request.name)
        dependencies = request.propertyDependencies.items()
        return Registered(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=request.custom,
            inputs=decode(request.object),
            dependencies=tuple(sorted(request.dependencies)),
            property_dependencies={
                name: tuple(sorted(urns.urns)) for name, urns in sorted(dependencies) if urns.urns
            },
            protect=request.protect,
            provider=_provider_urn(request.provider),
            version=request.version,
            ignore_changes=tuple(request.ignoreChanges),
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
            retain_on_delete=request.retainOnDelete,
            deleted_with=request.deletedWith,
            delete_before_replace=request.deleteBeforeReplace,
            replace_on_changes=tuple(request.replaceOnChanges),
        )

    @contextmanager
    def _ending_the_deployment(self) -> Iterator[None]:
        """One call at a time; the first error ends the deployment and every later call with it."""
        with self._lock:
            try:
                if self.error is not None:
                    raise EngineError(self.error)
                yield
            except EngineError as error:
                self.error = str(error)
                raise Stopped(grpc.StatusCode.UNAVAILABLE, self.error) from None


class Engine:
    """The methods of Pulumi's engine that the SDK calls: the log."""

    def __init__(self) -> None:
        self.logs: list[Log] = []

    def Log(self, request: engine_pb2.LogRequest) -> None:
        """Keep the line, unless it is for debugging."""
        severity = _SEVERITIES.get(request.severity)
        if severity is not None:
            self.logs.append(Log(severity, request.message, request.urn))


def _response(properties: Properties) -> resource_pb2.ResourceInvokeResponse:
    """`return` is a word of Python, so the field is filled by its name."""
    response = resource_pb2.ResourceInvokeResponse()
    getattr(response, "return").update(encode(properties))
    return response


def _provider_urn(reference: str) -> str:
    """The URN of `urn::id`."""
    return reference.rpartition("::")[0]


@dataclass(frozen=True)
class _Settings:
    """What the engine tells a program about its run."""

    project: str
    stack: str
    config: Mapping[str, str]
    secret_keys: Sequence[str]
    dry_run: bool


def run(
    program: Callable[[], object],
    *,
    stack: str = "dev",
    project: str = "notes",
    config: Mapping[str, str] = MappingProxyType({"aws:region": REGION}),
    secret_keys: Sequence[str] = (),
    state: State = MappingProxyType({}),
    dry_run: bool = False,
    account: str = "123456789012",
    fail: Mapping[str, str] = MappingProxyType({}),
) -> Run:
    """Run `program` once, as `pulumi up` would, or as `pulumi preview` with `dry_run`.

    `config` has full keys ("notes:page", "aws:region"), objects as JSON text. `fail` maps the name
    of a resource, or the token of a function, to the error that AWS answers. Nothing is raised for
    an error of the program: it is in the `Run`.
    """
    deployment = Deployment(
        state,
        account=account,
        region=config.get("aws:region", ""),
        dry_run=dry_run,
        failures=fail,
    )
    monitor, engine = Monitor(deployment, project, stack, account), Engine()
    settings = _Settings(project, stack, config, secret_keys, dry_run)
    with _pulumi_environment():
        exception = copy_context().run(_execute, program, settings, monitor, engine)
    return _result(deployment, monitor, engine, exception)


def _result(
    deployment: Deployment, monitor: Monitor, engine: Engine, exception: BaseException | None
) -> Run:
    stack = next((item for item in monitor.resources if item.type == STACK), None)
    stack_urn = stack.urn if stack else ""
    outputs = monitor.outputs
    return Run(
        stack_urn=stack_urn,
        resources=tuple(item for item in monitor.resources if item.urn != stack_urn),
        deleted=tuple(deployment.deleted),
        steps=deployment.steps,
        outputs=outputs.get(stack_urn, {}),
        component_outputs={urn: kept for urn, kept in outputs.items() if urn != stack_urn},
        invokes=tuple(monitor.invokes),
        logs=tuple(engine.logs),
        state=deployment.state,
        error=monitor.error or (str(exception) if exception else None),
        exception=exception,
    )


@contextmanager
def _pulumi_environment() -> Iterator[None]:
    """No setting of the person's own Pulumi; an Output in a plain string is an error."""
    with patch.dict(os.environ):
        for name in [name for name in os.environ if name.startswith("PULUMI_")]:
            del os.environ[name]
        os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "true"
        yield


def _execute(
    program: Callable[[], object], settings: _Settings, monitor: Monitor, engine: Engine
) -> BaseException | None:
    """Run the program to its end; its exception, if it raised one.

    Must be called in a context of its own: the SDK keeps its settings in context variables.
    """
    configure(
        Settings(
            project=settings.project,
            stack=settings.stack,
            monitor=monitor,
            engine=engine,
            dry_run=settings.dry_run,
        )
    )
    set_all_config(dict(settings.config), list(settings.secret_keys))
    ROOT.set(None)
    with asyncio.Runner() as runner:
        # What still waits when a program fails is cancelled; asyncio need not log it.
        runner.get_loop().set_exception_handler(lambda loop, context: None)
        try:
            runner.run(run_in_stack(_awaitable_or_none(program)), context=copy_context())
        except (Exception, SystemExit) as exception:
            return exception
    return None


def _awaitable_or_none(program: Callable[[], object]) -> Callable[[], Awaitable[None] | None]:
    """The program as the SDK's types want it; other results are of no interest to the SDK."""

    def started() -> Awaitable[None] | None:
        result = program()
        return result if isinstance(result, Awaitable) else None

    return started
