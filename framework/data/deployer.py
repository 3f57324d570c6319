"""What deploying a resource of each Pulumi type takes, as IAM actions on ARNs.

In: deployer.toml, where every fact stands with its source. Out: grants by Pulumi type token.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import NamedTuple, TypeAlias

Conditions: TypeAlias = tuple[tuple[str, str, tuple[str, ...]], ...]
"""(operator, key, values): ("StringEquals", "iam:PassedToService", ("lambda.amazonaws.com",))."""


class Grant(NamedTuple):
    """Actions that are needed on ARNs, which have {fields} for what is known of a resource only.

    `deleting` are those of the actions that only deleting takes. `given` names the property
    without which the grant is not needed.
    """

    on: tuple[str, ...]
    actions: frozenset[str]
    deleting: frozenset[str] = frozenset()
    given: str = ""
    conditions: Conditions = ()


class Needs(NamedTuple):
    """What deploying one type takes.

    `properties` are those that the grants were chosen for; None where one call writes them all.
    """

    grants: tuple[Grant, ...]
    properties: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class _Written:
    """A grant as the file has it, its actions by what they are for."""

    on: list[str]
    create: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    given: str = ""
    condition: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def grant(self) -> Grant:
        kept = frozenset((*self.create, *self.read, *self.update, *self.tag))
        deleting = frozenset(self.delete) - kept
        conditions = (
            (operator, key, (value,))
            for operator, keys in self.condition.items()
            for key, value in keys.items()
        )
        return Grant(tuple(self.on), kept | deleting, deleting, self.given, tuple(conditions))


@cache
def deployer_needs() -> Mapping[str, Needs]:
    """What deploying takes, by Pulumi type token."""
    text = files("framework.data").joinpath("deployer.toml").read_text("utf-8")
    return {
        token: Needs(
            tuple(_Written(**each).grant() for each in written["grants"]),
            frozenset(written["properties"]) if "properties" in written else None,
        )
        for token, written in tomllib.loads(text).items()
    }
