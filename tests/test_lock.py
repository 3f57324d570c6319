"""requirements.lock as pip reads it: every line pinned with hashes, and no index named.

The pip that comes with Python 3.11 looks for `coverage[toml]`, which pytest-cov asks for, apart
from `coverage==7`: the day a newer one is out, it takes that and stops, since that is not pinned.
So extras that an installed distribution asks for stand in the lock as well.
"""

from __future__ import annotations

import re
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.projects import ROOT

TEXT = (ROOT / "requirements.lock").read_text("utf-8")
ENTRIES = re.split(r"\n(?=[a-z])", TEXT.strip())


def locked() -> dict[str, Requirement]:
    """The requirements of the lock by name."""
    found = [Requirement(entry.partition(" \\\n")[0]) for entry in ENTRIES]
    return {canonicalize_name(each.name): each for each in found}


def wanted_extras() -> set[tuple[str, str]]:
    """Distribution and extra, as the installed distributions ask for them without an extra."""
    lines = [line for each in metadata.distributions() for line in each.requires or ()]
    return {
        (canonicalize_name(wanted.name), extra)
        for wanted in map(Requirement, lines)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        for extra in wanted.extras
    }


def test_every_line_is_pinned_with_hashes() -> None:
    pinned = re.compile(
        r"[a-z0-9-]+(\[[a-z0-9, -]+\])?==\S+.*( \\\n    --hash=sha256:[0-9a-f]{64})+"
    )
    assert [entry for entry in ENTRIES if not pinned.match(entry)] == []


def test_no_index_is_named() -> None:
    assert "://" not in TEXT
    assert "--index" not in TEXT


def test_extras_that_are_asked_for_are_locked() -> None:
    pins, wanted = locked(), wanted_extras()
    assert ("coverage", "toml") in wanted
    assert {each for each in wanted if each[1] not in pins[each[0]].extras} == set()
