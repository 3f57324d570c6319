"""Where a plan is for: everything about a deployment that services.yaml does not say.

In: Pulumi's settings or the command line's. Out: a frozen `Target`, known before any resource is
built, so that names, ARNs and policies are plain strings.
"""

from __future__ import annotations

from dataclasses import dataclass

UNKNOWN_ACCOUNT = "000000000000"
"""Stands for an AWS account that is not known while planning offline."""


def partition_of(region: str) -> str:
    """The ARN partition of a region (AWS General Reference, "Amazon Resource Names")."""
    prefixes = {
        "cn-": "aws-cn",
        "us-gov-": "aws-us-gov",
        "us-iso-": "aws-iso",
        "us-isob-": "aws-iso-b",
    }
    return next((name for start, name in prefixes.items() if region.startswith(start)), "aws")


def home_first(regions: tuple[str, ...], home: str | None) -> tuple[str, ...]:
    """The regions with the stack's own first, if it is one of them: whatever the order they are
    written in, the same region stays home, and no resource changes its key."""
    if home not in regions:
        return regions
    return (home, *(region for region in regions if region != home))


@dataclass(frozen=True, slots=True)
class Target:
    """One stack in one account. `regions[0]` is home; account is twelve digits.

    `environment` is the declared environment that the stack takes, or empty.
    """

    stack: str
    account: str
    regions: tuple[str, ...]
    environment: str = ""

    @property
    def home(self) -> str:
        """The region whose resources carry no `@region` in their keys."""
        return self.regions[0]

    @property
    def partition(self) -> str:
        """The partition of the home region; a stack never spans two."""
        return partition_of(self.home)
