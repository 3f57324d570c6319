"""IAM policy documents as data: statements in, one canonical document out.

Equal grants give equal text: actions and resources are sorted, statements that differ in one of
them alone are combined. Nothing is ever put into JSON by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from framework.plan.resource import Json, Value

VERSION = "2012-10-17"
"""The policy language's version (IAM user guide, "IAM JSON policy elements: Version")."""

Conditions: TypeAlias = tuple[tuple[str, str, tuple[str, ...]], ...]
"""(operator, key, values): ("StringLike", "s3:prefix", ("drafts/*",))."""


@dataclass(frozen=True, slots=True, order=True)
class Statement:
    """What is allowed on what. Exact actions; exact ARNs wherever AWS has them."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Conditions = ()

    def document(self) -> Mapping[str, Value]:
        """The statement in IAM's own words."""
        written: dict[str, Value] = {
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }
        if self.conditions:
            written["Condition"] = _conditions(self.conditions)
        return written


def _conditions(conditions: Conditions) -> Mapping[str, Value]:
    operators: dict[str, dict[str, Value]] = {}
    for operator, key, values in conditions:
        operators.setdefault(operator, {})[key] = list(values)
    return dict(operators)


def combined(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """The same grants in as few statements as possible, sorted."""
    by_resource: dict[tuple[tuple[str, ...], Conditions], set[str]] = {}
    for each in statements:
        by_resource.setdefault((each.resources, each.conditions), set()).update(each.actions)
    by_action: dict[tuple[tuple[str, ...], Conditions], set[str]] = {}
    for (resources, conditions), actions in by_resource.items():
        by_action.setdefault((tuple(sorted(actions)), conditions), set()).update(resources)
    joined = (
        Statement(actions, tuple(sorted(resources)), conditions)
        for (actions, conditions), resources in by_action.items()
    )
    return tuple(sorted(joined))


def policy(statements: Iterable[Statement]) -> Json:
    """A policy document of the combined statements."""
    return Json(
        {
            "Version": VERSION,
            "Statement": [statement.document() for statement in combined(statements)],
        }
    )


def trust(service: str) -> Json:
    """A trust policy: exactly this AWS service may assume the role."""
    allow: dict[str, Value] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return Json({"Version": VERSION, "Statement": [allow]})
