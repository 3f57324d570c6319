"""Whether a function's runtime is one that AWS supports, by the dates of data/runtimes.

In: a runtime's name and the day. Out: problems: a warning from the day it is deprecated, an error
once AWS creates no functions with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from framework.data.runtimes import Runtime, runtimes
from framework.language.problems import Path, Problem

DEFAULT = "python3.13"
"""The runtime of functions that name none, and the one that is advised."""


def check_runtime(name: str, path: Path, today: date) -> Iterator[Problem]:
    """The problems of the runtime that stands at `path`."""
    runtime = runtimes().get(name)
    if runtime is None:
        yield _unknown(name, path)
    elif runtime.deprecated and runtime.deprecated <= today:
        yield _deprecated(runtime, path, today)


def minor(name: str) -> int:
    """The minor version of a runtime's Python: 13 for python3.13."""
    return int(name.rpartition(".")[2])


def _unknown(name: str, path: Path) -> Problem:
    """One above all that are known may be new; AWS has no other."""
    if minor(name) > max(map(minor, runtimes())):
        message = f"{name} is not known here; the newest that is known is {next(iter(runtimes()))}"
        return Problem(message, path, rule="unknown-runtime", severity="warning")
    return Problem(f"Lambda has no {name}: use {DEFAULT}", path, rule="unknown-runtime")


def _deprecated(runtime: Runtime, path: Path, today: date) -> Problem:
    message = f"{runtime.name} is deprecated since {runtime.deprecated}"
    if runtime.no_create and runtime.no_create <= today:
        message = f"{message}, and AWS creates no functions with it since {runtime.no_create}"
        return Problem(f"{message}: use {DEFAULT}", path, rule="deprecated-runtime")
    message = f"{message}; AWS creates no functions with it from {runtime.no_create}: use {DEFAULT}"
    return Problem(message, path, rule="deprecated-runtime", severity="warning")
