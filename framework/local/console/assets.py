"""The files of the page, as they lie beside this module: nothing is built, nothing fetched.

In: a file's name in a URL. Out: its type and its bytes, read once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).with_name("assets")
_NAME = re.compile(r"[a-z]+\.(css|js|svg)")
_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_TOKEN = b"{{token}}"


class Asset(NamedTuple):
    """A file of the page."""

    type: str
    data: bytes


def asset(name: str) -> Asset | None:
    """A style sheet, script or picture of the page; None where there is none of that name."""
    return _assets().get(name)


@cache
def _assets() -> Mapping[str, Asset]:
    """All of them: a name from outside is looked up, never opened, and none is remembered."""
    named = ((_NAME.fullmatch(file.name), file) for file in _FOLDER.iterdir())
    return {found[0]: Asset(_TYPES[found[1]], file.read_bytes()) for found, file in named if found}


def document(token: str) -> Asset:
    """The page itself; the token is of letters that mean nothing in HTML."""
    page = (_FOLDER / "page.html").read_bytes()
    return Asset("text/html; charset=utf-8", page.replace(_TOKEN, token.encode()))
