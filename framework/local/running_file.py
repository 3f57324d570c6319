"""How `services invoke` finds the `services local` that runs: a file in the project's cache.

In: the addresses of the gates and the developer's credentials, for their owner alone. Out: the same
again, as long as that service answers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunningService:
    """Where a running service is: its gates by region, home first, and the developer's key."""

    gates: Mapping[str, str]
    access_key: str
    secret_key: str


def write(file: Path, service: RunningService) -> None:
    """Say where the service is; whoever wrote before is forgotten."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        json.dump(asdict(service), stream)


def read(file: Path) -> RunningService | None:
    """Where the service is, if one said so."""
    try:
        found = json.loads(file.read_bytes())
        return RunningService(dict(found["gates"]), found["access_key"], found["secret_key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove(file: Path, service: RunningService) -> None:
    """Take it back, unless another service has come meanwhile."""
    if read(file) == service:
        with suppress(OSError):
            file.unlink()
