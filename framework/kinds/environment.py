"""A function's environment: what may be in it, and what is.

In: the variables of services.yaml, and those that `uses` brings. Out: problems, and the variables
as Lambda takes them, all of them text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, TypeAlias

from pydantic import JsonValue

from framework.kinds.kind import Context, Link
from framework.kinds.uses import Uses, variable_names_for, variables_for
from framework.language.fields import Pattern
from framework.language.problems import Problem
from framework.plan.resource import Value

MOST_BYTES = 4096
"""Of all environment variables of a function (Lambda quotas)."""

VariableName: TypeAlias = Annotated[
    str,
    Pattern(
        "^[A-Za-z][A-Za-z0-9_]+$",
        "a variable's name begins with a letter and has at least two letters, digits or _",
    ),
]
"""Lambda API, Environment: the pattern of its keys."""

Variables: TypeAlias = Mapping[str, JsonValue]

_RESERVED = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
})  # fmt: skip
"""Lambda developer guide, "Defined runtime environment variables": reserved ones."""


def check(
    link: Link, entry: tuple[str, ...], variables: Variables, uses: Uses
) -> Iterator[Problem]:
    """What is wrong with the variables of the function at the path `entry`."""
    brought = variable_names_for(link, uses)
    for variable, value in variables.items():
        path = (*entry, "environment", variable)
        if variable in _RESERVED:
            yield Problem("Lambda sets this variable itself", path, "key", "reserved-variable")
        elif variable in brought:
            message = f"this variable comes from uses of {brought[variable]}: remove one of the two"
            yield Problem(message, path, "key", "variable-twice")
        elif (written := link.document.source.text_at(path)) and _changes(written, value):
            message = f"arrives as {as_text(value)}: put it in quotes to keep what is written"
            yield Problem(message, path, rule="number", severity="warning")


def _changes(written: str, value: JsonValue) -> bool:
    """Whether a number reads otherwise once it is a number: 1.10, 1e5, 0x10."""
    return (
        not isinstance(value, bool) and isinstance(value, int | float) and written != as_text(value)
    )


def fits(
    context: Context, entry: tuple[str, ...], written: Variables, uses: Uses
) -> Iterator[Problem]:
    """A problem where there is more than Lambda takes."""
    size = sum(len(f"{key}{value}".encode()) for key, value in _all(context, written, uses).items())
    if size > MOST_BYTES:
        message = (
            f"its environment has {size:,} bytes, and Lambda takes {MOST_BYTES:,}"
            ": move text to a parameter or a bucket"
        )
        yield Problem(message, (*entry, "environment"), "key", "environment-size")


def variables(context: Context, written: Variables, uses: Uses) -> dict[str, Value]:
    """Every variable of a function, sorted by its name."""
    return dict(sorted(_all(context, written, uses).items()))


def _all(context: Context, written: Variables, uses: Uses) -> Mapping[str, str]:
    own = {name: as_text(value) for name, value in written.items()}
    return {**variables_for(context, uses), **own}


def as_text(value: JsonValue) -> str:
    """A value as a function receives it: text as it is, anything else as compact JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
