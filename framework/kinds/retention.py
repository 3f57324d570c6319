"""How long CloudWatch Logs may keep events, shared by the kinds that own a log group."""

from typing import Literal, TypeAlias

LogRetention: TypeAlias = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
]  # fmt: skip
"""Days (CloudWatch Logs API, PutRetentionPolicy). There is no "for ever" here."""
