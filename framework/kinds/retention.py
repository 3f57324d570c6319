"""How long CloudWatch Logs keeps events, shared by the kinds that own a log group."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

from framework.kinds.kind import Context, Relaxation
from framework.language.document import Document
from framework.language.problems import Path

LogRetention: TypeAlias = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
]  # fmt: skip
"""Days (CloudWatch Logs API, PutRetentionPolicy). There is no "for ever" here."""

PRODUCTION = re.compile(r"prod(uction)?([-_.*].*)?\Z")
"""Stacks and environments whose logs are kept for a year unless said (Security Hub CloudWatch.16):
prod, production, and what begins with them, such as prod-eu."""


def days(context: Context, said: int | None) -> int:
    """The days that are said or, without any, 365 in production and 30 elsewhere."""
    if said is not None:
        return said
    return 365 if is_production(context.target.stack, context.target.environment) else 30


def shorter(document: Document, path: Path, said: int | None) -> Iterator[Relaxation]:
    """A relaxation where logs are kept for less than they would be unsaid."""
    usual = 365 if is_production(document.environment) else 30
    if said is not None and said < usual:
        yield Relaxation(path, f"logs are kept for {said} days", None, explicit=True)


def is_production(*names: str) -> bool:
    """Whether one of the names of a stack or an environment is production's."""
    return any(PRODUCTION.match(name) for name in names)
