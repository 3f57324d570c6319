"""functions: a Lambda function with a role, an exact policy and a log group of its own.

In: the `functions` section. Out: per entry the log group, the role, its one inline policy and the
function, in the order AWS wants them. Nothing may create a log group at run time, so the one with
the retention is the only one there is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import Field, JsonValue

from framework.kinds import artifacts, environment, handler
from framework.kinds.environment import VariableName
from framework.kinds.imports import broken_requirement, unprovided
from framework.kinds.kind import Context, Kind, Link, Relaxation, elsewhere
from framework.kinds.private_bucket import reserved_names
from framework.kinds.retention import LogRetention, days, shorter
from framework.kinds.runtime import DEFAULT, check_runtime, minor
from framework.kinds.secrets import check_secrets
from framework.kinds.uses import Use, Uses, check_uses, statements_for
from framework.language.document import Document, Section
from framework.language.fields import Entry, Pattern, Reason
from framework.language.problems import Problem
from framework.plan.iam import Statement, policy, trust
from framework.plan.resource import Code, Resource, Value

NAME_LIMIT = 64
"""Characters of a function's or a role's name (Lambda API, CreateFunction; IAM quotas)."""

MOST_POLICY_CHARACTERS = 10_240
"""Of all inline policies of a role, white space aside (IAM quotas)."""

MOST_RESERVED = 900
"""Reserved concurrency that a new account has room for (Lambda quotas: 1,000 less 100)."""

Handler: TypeAlias = Annotated[
    str,
    Pattern(
        r"^(?=.{1,128}$)[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$",
        "a handler is a module and a function, such as notes.list_notes, 128 characters at most",
    ),
]

SourceFolder: TypeAlias = Annotated[
    str,
    Pattern(
        r"^(?=.{1,200}$)(?!\.{1,2}(/|$))(?!.*/\.{1,2}(/|$))[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$",
        "a source is a folder of the project, such as handlers, without . and .. in its path",
    ),
]

RuntimeName: TypeAlias = Annotated[
    str, Pattern(r"^python3\.(0|[1-9][0-9]*)$", "a runtime is written like python3.13")
]

LayerArn: TypeAlias = Annotated[
    str,
    Pattern(
        r"^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+$",
        "a layer is the ARN of one of its versions, ending in :NAME:NUMBER",
    ),
]


class Function(Entry):
    """A Lambda function."""

    handler: Annotated[Handler, Field(examples=["notes.list_notes"])]
    """The module and the function in it that Lambda calls: function list_notes of notes.py."""

    source: Annotated[SourceFolder, Field(examples=["handlers/notes"])] = "handlers"
    """The folder that is packaged, with what its requirements.txt or uv.lock requires."""

    upload: Annotated[Literal["direct", "bucket"], Field(examples=["bucket"])] = "direct"
    """How Lambda gets the package: direct, 50 MB zipped at most, or through a bucket for it."""

    runtime: Annotated[RuntimeName, Field(examples=["python3.13"])] = DEFAULT
    """Lambda's Python."""

    architecture: Annotated[Literal["arm64", "x86_64"], Field(examples=["arm64"])] = "arm64"
    """The processor: arm64 costs a fifth less for the same time."""

    memory: Annotated[int, Field(ge=128, le=10240, examples=[512])] = 256
    """Memory in MB; the share of a processor grows with it."""

    timeout: Annotated[int, Field(ge=1, le=900, examples=[10])] = 10
    """Seconds after which a call is ended. Behind a route the caller waits 30 seconds at most."""

    environment: dict[VariableName, JsonValue] = Field(
        default_factory=dict, examples=[{"PAGE_SIZE": 20, "LIMITS": {"max": 100}}]
    )
    """Environment variables. Maps and lists arrive as JSON text. Secrets belong in parameters."""

    uses: Uses = Field(
        default_factory=dict,
        examples=[{"buckets.notes": ["read", "list"], "parameters.signing-key": "read"}],
    )
    """What the function may do with other entries: exact actions on exact ARNs."""

    concurrency: Annotated[int, Field(ge=0, le=100_000, examples=[10])] | None = None
    """Calls at the same time at most, reserved from the account's; 0 stops the function."""

    storage: Annotated[int, Field(ge=512, le=10240, examples=[1024])] = 512
    """Space in /tmp, in MB."""

    layers: Annotated[
        tuple[LayerArn, ...],
        Field(max_length=5, examples=[["arn:aws:lambda:eu-west-1:123456789012:layer:tools:3"]]),
    ] = ()
    """ARNs of layer versions to add, at most five."""

    tracing: Annotated[bool, Field(examples=[False])] = True
    """Whether X-Ray traces calls."""

    log_retention: Annotated[LogRetention | None, Field(examples=[90])] = None
    """Days that logs are kept. Default: 365 in the environment prod, 30 elsewhere."""

    not_secret: Annotated[
        dict[VariableName, Reason], Field(examples=[{"API_KEY": "the test key of their docs"}])
    ] = Field(default_factory=dict)
    """Variables that look like secrets and are none, each with the reason."""

    reason: Annotated[Reason | None, Field(examples=["called a million times a minute"])] = None
    """Why tracing is off."""

    description: Annotated[str, Field(max_length=256, examples=["Lists the notes"])] | None = None
    """What the function is for, shown in AWS's console."""


SECTION = Section("functions", Function, "Lambda functions by name.", defaults=True)


def function_name(context: Context, entry: str) -> str:
    """The physical name of a function."""
    return context.names.name(entry, NAME_LIMIT)


def function_arn(context: Context, entry: str) -> str:
    """The ARN of a function."""
    return context.names.arn("lambda", f"function:{function_name(context, entry)}")


def _check(link: Link) -> Iterator[Problem]:
    # One look at a module or a folder, however many functions share it.
    folders = _Folders(cache(_inside), cache(unprovided), cache(broken_requirement))
    for name, function in link.document.entries(SECTION).items():
        yield from _check_source(link, name, function, folders)
        path = _said(link, ("functions", name), "runtime")
        yield from check_runtime(function.runtime, path, link.today)
        yield from environment.check(link, ("functions", name), function.environment, function.uses)
        yield from check_secrets(("functions", name), function.environment, function.not_secret)
        yield from check_uses(link, ("functions", name, "uses"), function.uses)
    yield from _check_concurrency(link)
    if any(_fetched(link.document)) and not link.document.sections.get("buckets"):
        yield from reserved_names(link.document.service)


class _Folders(NamedTuple):
    """What one check asks of source folders: whether one is inside, what its modules lack."""

    inside: Callable[[Path, Path], bool]
    unprovided: Callable[[Path, str], tuple[str, ...]]
    broken: Callable[[Path, Path], str | None]


def _check_source(
    link: Link, name: str, function: Function, folders: _Folders
) -> Iterator[Problem]:
    folder = link.project / function.source
    path = ("functions", name)
    if not folder.is_dir():
        yield Problem(
            f"there is no folder {function.source}",
            _said(link, path, "source"),
            rule="missing-folder",
        )
    elif not folders.inside(folder, link.project):
        yield Problem(
            f"{function.source} leads out of the project",
            _said(link, path, "source"),
            rule="outside",
        )
    elif wrong := handler.missing(folder, function.handler, function.source):
        yield _wrong_handler(wrong, (*path, "handler"), function.runtime)
    elif broken := folders.broken(folder, link.project):
        yield Problem(broken, _said(link, path, "source"), rule="requirements")
    elif not function.layers:
        missing = folders.unprovided(folder, function.handler.rpartition(".")[0])
        yield from _check_imports(missing, (*path, "handler"), function)


def _wrong_handler(wrong: str, path: tuple[str, ...], runtime: str) -> Problem:
    """What this Python cannot parse may be fine for a newer runtime's."""
    if handler.NOT_VALID in wrong and minor(runtime) > sys.version_info.minor:
        message = f"{wrong} (for Python 3.{sys.version_info.minor}, which checks it)"
        return Problem(message, path, rule="missing-handler", severity="warning")
    return Problem(wrong, path, rule="missing-handler")


def _check_imports(
    missing: tuple[str, ...], path: tuple[str, ...], function: Function
) -> Iterator[Problem]:
    """Layers may bring anything, so functions with some are not asked."""
    if missing:
        message = (
            f"imports {', '.join(missing)}, which neither {function.source} nor its requirements "
            "(requirements.txt or pyproject.toml) nor Lambda provides"
        )
        yield Problem(message, path, rule="missing-import", severity="warning")


def _said(link: Link, path: tuple[str, ...], field: str) -> tuple[str, ...]:
    """The path of a field or, where the entry leaves it to the default, of the entry."""
    return (*path, field) if link.document.source.has((*path, field)) else (*path, "handler")


def _inside(folder: Path, project: Path) -> bool:
    return folder.resolve().is_relative_to(project.resolve())


def _fits(context: Context) -> Iterator[Problem]:
    """Limits of AWS that depend on names, and layers of other regions."""
    for name, function in context.document.entries(SECTION).items():
        path = ("functions", name)
        uses = {at: use for at, use in function.uses.items() if _granted(context, at, use)}
        yield from _policy_fits(context, path, function, uses)
        yield from environment.fits(context, path, function.environment, uses)
        for number, layer in enumerate(function.layers):
            yield from elsewhere(context, layer, (*path, "layers", number))


def _policy_fits(
    context: Context, path: tuple[str, ...], function: Function, uses: Uses
) -> Iterator[Problem]:
    statements = (*own_statements(context, path[1], function), *statements_for(context, uses))
    characters = len(json.dumps(policy(statements).document, separators=(",", ":")))
    if characters > MOST_POLICY_CHARACTERS:
        message = (
            f"its policy has {characters:,} characters, and a role takes {MOST_POLICY_CHARACTERS:,}"
            ": split the function, or use fewer entries"
        )
        yield Problem(message, (*path, "uses"), "key", "policy-size")


def _granted(context: Context, address: str, use: Use) -> bool:
    """Whether a use is without problems, so that its statements can be measured."""
    section, _, name = address.partition(".")
    kind = context.by_section.get(section)
    if kind is None or name not in context.document.sections[section]:
        return False
    return all(verb in kind.grants for verb in use.verbs)


def _check_concurrency(link: Link) -> Iterator[Problem]:
    reserved = {
        name: function.concurrency or 0 for name, function in link.document.entries(SECTION).items()
    }
    total = sum(reserved.values())
    if total > MOST_RESERVED:
        largest = max(reserved, key=lambda name: reserved[name])
        message = (
            f"{total:,} calls at the same time are reserved in all; a new account has 1,000, of "
            "which 100 stay unreserved: have AWS raise the quota first"
        )
        path = ("functions", largest, "concurrency")
        yield Problem(message, path, rule="concurrency", severity="warning")


def _relaxed(document: Document) -> Iterator[Relaxation]:
    for name, function in document.entries(SECTION).items():
        path = ("functions", name)
        if not function.tracing:
            what = "calls are not traced by X-Ray"
            yield Relaxation((*path, "tracing"), what, function.reason)
        yield from shorter(document, (*path, "log_retention"), function.log_retention)
        for variable, reason in function.not_secret.items():
            what = f"{variable} looks like a secret and is in clear"
            yield Relaxation((*path, "not_secret", variable), what, reason)


def _code(function: Function) -> Code:
    return Code(function.source, function.runtime, function.architecture)


def _fetched(document: Document) -> Iterator[Code]:
    """The packages that come through a bucket."""
    for function in document.entries(SECTION).values():
        if function.upload == "bucket":
            yield _code(function)


def _build(context: Context) -> Iterator[Resource]:
    yield from artifacts.resources(context, _fetched(context.document))
    for name, function in context.document.entries(SECTION).items():
        yield _log_group(context, name, function)
        yield _role(context, name)
        yield _policy(context, name, function)
        yield _function(context, name, function)


def _log_group(context: Context, name: str, function: Function) -> Resource:
    return Resource(
        key=context.key(f"functions.{name}", "logs"),
        type="aws:cloudwatch/logGroup:LogGroup",
        inputs={
            "name": log_group_name(context, name),
            "retentionInDays": days(context, function.log_retention),
        },
        origin=f"functions.{name}",
    )


def log_group_name(context: Context, name: str) -> str:
    """The name of a function's log group: the one that Lambda itself would make."""
    return f"/aws/lambda/{function_name(context, name)}"


def _role_name(context: Context, name: str) -> str:
    return context.names.regional(name, NAME_LIMIT)


def _role(context: Context, name: str) -> Resource:
    return Resource(
        key=context.key(f"functions.{name}", "role"),
        type="aws:iam/role:Role",
        inputs={
            "name": _role_name(context, name),
            "assumeRolePolicy": trust("lambda.amazonaws.com"),
        },
        origin=f"functions.{name}",
    )


def _policy(context: Context, name: str, function: Function) -> Resource:
    statements = (
        *own_statements(context, name, function),
        *statements_for(context, function.uses),
    )
    return Resource(
        key=context.key(f"functions.{name}", "policy"),
        type="aws:iam/rolePolicy:RolePolicy",
        inputs={
            "name": "function",
            "role": _role_name(context, name),
            "policy": policy(statements),
        },
        after=(context.key(f"functions.{name}", "role"),),
        origin=f"functions.{name}",
    )


def own_statements(context: Context, name: str, function: Function) -> Iterator[Statement]:
    """What the function needs for itself: its log group's streams, and X-Ray.

    X-Ray's actions have no resource types, so "*" is all that AWS accepts (Service Authorization
    Reference, "Actions, resources, and condition keys for AWS X-Ray").
    """
    streams = context.names.arn("logs", f"log-group:{log_group_name(context, name)}:*")
    yield Statement(("logs:CreateLogStream", "logs:PutLogEvents"), (streams,))
    if function.tracing:
        yield Statement(("xray:PutTelemetryRecords", "xray:PutTraceSegments"), ("*",))


def _function(context: Context, name: str, function: Function) -> Resource:
    role = context.names.global_arn("iam", f"role/{_role_name(context, name)}")
    inputs: dict[str, Value] = {
        "name": function_name(context, name),
        "role": role,
        "runtime": function.runtime,
        "handler": function.handler,
        "architectures": [function.architecture],
        "memorySize": function.memory,
        "timeout": function.timeout,
        **_package(context, function),
        "loggingConfig": {"logFormat": "JSON", "logGroup": log_group_name(context, name)},
        "tracingConfig": {"mode": "Active" if function.tracing else "PassThrough"},
        "ephemeralStorage": {"size": function.storage},
        **_environment(environment.variables(context, function.environment, function.uses)),
        **_optional(function),
    }
    parts = ("role", "policy", "logs")
    after = tuple(context.key(f"functions.{name}", part) for part in parts)
    return Resource(
        key=context.key(f"functions.{name}"),
        type="aws:lambda/function:Function",
        inputs=inputs,
        after=(*after, *_objects(context, function)),
        origin=f"functions.{name}",
    )


def _package(context: Context, function: Function) -> dict[str, Value]:
    code = _code(function)
    return artifacts.fetched(context, code) if function.upload == "bucket" else {"code": code}


def _objects(context: Context, function: Function) -> tuple[str, ...]:
    is_fetched = function.upload == "bucket"
    return (artifacts.object_key(context, _code(function)),) if is_fetched else ()


def _environment(variables: Mapping[str, Value]) -> dict[str, Value]:
    """Left out where it is empty: AWS answers none, which would be a difference for ever."""
    return {"environment": {"variables": variables}} if variables else {}


def _optional(function: Function) -> dict[str, Value]:
    given: dict[str, Value] = {}
    if function.description is not None:
        given["description"] = function.description
    if function.layers:
        given["layers"] = list(function.layers)
    if function.concurrency is not None:
        given["reservedConcurrentExecutions"] = function.concurrency
    return given


def _outputs(context: Context) -> Mapping[str, Value]:
    names = {name: function_name(context, name) for name in context.document.entries(SECTION)}
    return {"functions": names} if names else {}


KIND = Kind(SECTION, build=_build, check=_check, fits=_fits, outputs=_outputs, relaxed=_relaxed)
