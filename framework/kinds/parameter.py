"""parameters: a value in SSM's Parameter Store, secret unless said otherwise.

In: the `parameters` section. Out: per entry one parameter. A secret's value comes from the stack's
secret configuration alone; functions receive the parameter's name, never its value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from framework.kinds.kind import Context, Grant, Kind, Link, Relaxation, Variable
from framework.kinds.secrets import looks_secret
from framework.kinds.uses import unused
from framework.language.document import Document, Section
from framework.language.fields import Entry, Reason
from framework.language.problems import Problem
from framework.plan.iam import Statement
from framework.plan.resource import Resource, Secret, Value

MOST_CHARACTERS = 4096
"""A standard parameter's value (SSM quotas)."""

FIXED = ("type",)
"""SSM never changes a parameter's type, and the provider tries (SSM API, PutParameter:
HierarchyTypeMismatchException)."""


class Parameter(Entry):
    """A parameter in SSM's Parameter Store."""

    secret: Annotated[bool, Field(examples=[False])] = True
    """Whether it is a SecureString, its value set by pulumi config set --secret."""

    value: Annotated[
        str | None, Field(min_length=1, max_length=MOST_CHARACTERS, examples=["Notes"])
    ] = None
    """The value of a parameter that is no secret."""

    reason: Annotated[Reason | None, Field(examples=["every visitor reads it"])] = None
    """Why it is no secret, for whoever reads the plan."""

    description: Annotated[str | None, Field(max_length=1024, examples=["Signs the notes"])] = None
    """What the parameter is for, shown in AWS's console."""


SECTION = Section("parameters", Parameter, "Parameters in SSM by name.")


def parameter_name(context: Context, entry: str) -> str:
    """The physical name of a parameter: a path."""
    return context.names.path(entry)


def setting(entry: str) -> str:
    """The command that sets a secret's value; it asks for the value, so no shell remembers it."""
    return f"pulumi config set --secret --path parameters.{entry}"


def _check(link: Link) -> Iterator[Problem]:
    entries = link.document.entries(SECTION)
    if entries and link.document.service.startswith(("aws", "ssm")):
        message = (
            "a parameter's name begins with the service's, and SSM refuses names in aws and ssm"
        )
        yield Problem(message, ("service",), rule="reserved-name")
    for name, parameter in entries.items():
        path = ("parameters", name)
        if parameter.secret and parameter.value is not None:
            message = (
                "a secret's value does not stand here: remove it and run  "
                f"{setting(name)}  (or say secret: false)"
            )
            yield Problem(message, (*path, "value"), "key", "secret-value")
        elif not parameter.secret and parameter.value is None:
            message = "'value' is missing: a parameter with secret: false has its value here"
            yield Problem(message, path, "key", "missing-field")
        elif not parameter.secret:
            yield from _check_plain((*path, "value"), parameter.value or "")
    yield from unused(link, SECTION.name)


def _check_plain(path: tuple[str, ...], value: str) -> Iterator[Problem]:
    if looks_secret(value):
        message = "looks like a secret: remove it, and secret: false, and set it with pulumi config"
        yield Problem(message, path, "key", "secret-value")
    if "{{" in value:
        message = "SSM refuses {{ in a value: it would be a reference to another parameter"
        yield Problem(message, path, "key", "parameter-reference")


def _relaxed(document: Document) -> Iterator[Relaxation]:
    for name, parameter in document.entries(SECTION).items():
        if not parameter.secret:
            path = ("parameters", name, "secret")
            yield Relaxation(path, "its value is in clear", parameter.reason, explicit=True)


def _build(context: Context) -> Iterator[Resource]:
    for name, parameter in context.document.entries(SECTION).items():
        inputs: dict[str, Value] = {
            "name": parameter_name(context, name),
            **_value(name, parameter),
        }
        if parameter.description is not None:
            inputs["description"] = parameter.description
        yield Resource(
            key=context.key(f"parameters.{name}"),
            type="aws:ssm/parameter:Parameter",
            inputs=inputs,
            protect=context.document.protect,
            replace_on=FIXED,
            origin=f"parameters.{name}",
        )


def _value(name: str, parameter: Parameter) -> dict[str, Value]:
    if parameter.secret:
        return {"type": "SecureString", "value": Secret(("parameters", name))}
    return {"type": "String", "insecureValue": parameter.value}


def _grant(*actions: str) -> Grant:
    def grant(context: Context, name: str, prefix: str) -> Iterator[Statement]:
        arn = context.names.arn("ssm", f"parameter{parameter_name(context, name)}")
        yield Statement(actions, (arn,))

    return grant


def _outputs(context: Context) -> Mapping[str, Value]:
    names = {name: parameter_name(context, name) for name in context.document.entries(SECTION)}
    return {"parameters": names} if names else {}


KIND = Kind(
    SECTION,
    build=_build,
    check=_check,
    outputs=_outputs,
    relaxed=_relaxed,
    grants={
        "read": _grant("ssm:GetParameter", "ssm:GetParameters"),
        "write": _grant("ssm:PutParameter"),
    },
    variable=Variable("PARAMETER", parameter_name),
)
