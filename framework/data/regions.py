"""AWS's regions, as far as they were known on the day of regions.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files


@cache
def regions() -> tuple[str, ...]:
    """The names of the regions."""
    text = files("framework.data").joinpath("regions.toml").read_text("utf-8")
    return tuple(tomllib.loads(text)["names"])
