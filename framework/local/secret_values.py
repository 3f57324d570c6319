"""The values of secret parameters on this machine: a person's own, or made up once and kept.

In: `services.local.yaml` beside services.yaml, which git must ignore, and the project's cache.
Out: `SecretValues`. A value is never printed, and no message repeats one.

    parameters:
      signing-key: "a value for this machine alone"
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from framework import compiler
from framework.language.messages import suggestion
from framework.language.problems import Problem, Rejected
from framework.language.source import Plain
from framework.local.errors import LocalError
from framework.plan.resource import Secret

FILE = "services.local.yaml"
SECTION = "parameters"

LONGEST = 4_096
"""Characters of a parameter's value (Systems Manager quota "Parameter value size", standard)."""


def values_of(file: Path, known: Mapping[str, bool]) -> Mapping[str, str]:
    """The values that a person gave; none without the file.

    `known` are the parameters of services.yaml, true for the secret ones. Raises `Rejected`.
    """
    if not file.is_file():
        return {}
    source = compiler.read(file)
    document = source.root.plain()
    problems = source.located(_problems(document, known))
    if problems:
        raise Rejected(problems)
    section = document.get(SECTION) if isinstance(document, dict) else None
    values = section if isinstance(section, dict) else {}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _problems(document: Plain, known: Mapping[str, bool]) -> Iterator[Problem]:
    if document is None:
        return
    if not isinstance(document, dict):
        yield Problem("a map is expected:  parameters: {NAME: VALUE}")
        return
    for name, section in document.items():
        if name != SECTION:
            yield Problem(f"unknown section{suggestion(name, (SECTION,))}", (name,), "key")
        elif isinstance(section, dict):
            yield from _problems_of_values(section, known)
        elif section is not None:
            yield Problem("a map is expected:  {NAME: VALUE}", (name,))


def _problems_of_values(
    section: Mapping[str, Plain], known: Mapping[str, bool]
) -> Iterator[Problem]:
    for name, value in section.items():
        path = (SECTION, name)
        if name not in known:
            hint = suggestion(name, known)
            yield Problem(f"services.yaml has no parameter '{name}'{hint}", path, "key")
        elif not known[name]:
            yield Problem("its value is in services.yaml, for it is no secret", path, "key")
        elif not isinstance(value, str):
            yield Problem("a text is expected: put it in quotes", path)
        elif not 1 <= len(value) <= LONGEST:
            yield Problem(f"a text of 1 to {LONGEST:,} characters is expected", path)


def note_about(file: Path) -> tuple[str, ...]:
    """What to say where others can read the file."""
    with suppress(OSError):
        if os.name == "posix" and file.stat().st_mode & 0o077:
            return (f"{file.name} can be read by other users: chmod 600 {file.name}",)
    return ()


class SecretValues:
    """Gives every secret its value: `given` first, else one made up and kept in `folder`."""

    def __init__(self, given: Mapping[str, str], folder: Path) -> None:
        self.given = given
        self.file = folder / "made-up-secrets.json"

    def __call__(self, secret: Secret) -> str:
        """The value of one. Raises `LocalError` where what was kept cannot be read."""
        name = secret.path[-1]
        if name in self.given:
            return self.given[name]
        kept = self._kept()
        if name not in kept:
            kept[name] = secrets.token_urlsafe(24)
            self._keep(kept)
        return kept[name]

    def _kept(self) -> dict[str, str]:
        try:
            found = json.loads(self.file.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            found = None
        if isinstance(found, dict) and all(isinstance(value, str) for value in found.values()):
            return found
        raise LocalError(f"{self.file} cannot be read: remove it, and new values are made up")

    def _keep(self, values: Mapping[str, str]) -> None:
        """Write them, for their owner alone; whole or not at all."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.file.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(values, file)
        Path(name).replace(self.file)
