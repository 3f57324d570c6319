"""Lambda's Python runtimes with the dates from which AWS no longer supports them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Runtime(NamedTuple):
    """One runtime. Without dates it is supported with no end in sight."""

    name: str
    deprecated: date | None = None
    no_create: date | None = None
    no_update: date | None = None


@cache
def runtimes() -> Mapping[str, Runtime]:
    """The runtimes by name, newest first."""
    text = files("framework.data").joinpath("runtimes.toml").read_text("utf-8")
    return {name: Runtime(name, **dates) for name, dates in tomllib.loads(text).items()}
