"""How long CloudWatch Logs keeps events, shared by the kinds that own a log group."""

from __future__ import annotations

from typing import Literal, TypeAlias

from framework.kinds.kind import Context

LogRetention: TypeAlias = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
]  # fmt: skip
"""Days (CloudWatch Logs API, PutRetentionPolicy). There is no "for ever" here."""

PRODUCTION = ("prod", "production")
"""Environments whose logs are kept for a year unless said: Security Hub CloudWatch.16."""


def days(context: Context, said: int | None) -> int:
    """The days that are said or, without any, 365 in production and 30 elsewhere."""
    if said is not None:
        return said
    return 365 if context.target.environment in PRODUCTION else 30
