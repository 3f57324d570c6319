"""Properties that AWS cannot change in place, by type.

In: replacements.toml beside this file, with its source. Out: type token -> property names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def replacements() -> Mapping[str, frozenset[str]]:
    """The properties of every known type of which a change forces a replacement."""
    text = files("framework.data").joinpath("replacements.toml").read_text("utf-8")
    return {token: frozenset(names) for token, names in tomllib.loads(text).items()}
