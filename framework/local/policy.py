"""What a role may do, judged as IAM judges an identity-based policy.

In: the text of the role's policies in the plan. Out: `Policy.decide`. Rules: IAM user guide,
"Policy evaluation logic": an explicit deny wins, then an allow, else an implicit deny. Actions and
condition keys are compared without case, resources with it; `*` and `?` are wildcards. A condition
operator that is not known here never allows and always denies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import lru_cache
from typing import NamedTuple


class Decision(Enum):
    """How a request is judged."""

    ALLOWED = "allowed"
    DENIED = "an explicit deny in an identity-based policy"
    UNMENTIONED = "no identity-based policy allows the {action} action"


@lru_cache(maxsize=4096)
def _pattern(text: str, ignore_case: bool) -> re.Pattern[str]:
    escaped = re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def like(pattern: str, text: str, ignore_case: bool = False) -> bool:
    """Whether `text` fits a pattern of IAM: `*` any run of characters, `?` any one."""
    return _pattern(pattern, ignore_case).fullmatch(text) is not None


def _equal(pattern: str, text: str) -> bool:
    return pattern == text


def _equal_ignoring_case(pattern: str, text: str) -> bool:
    return pattern.lower() == text.lower()


_OPERATORS: Mapping[str, tuple[Callable[[str, str], bool], bool]] = {
    "StringEquals": (_equal, True),
    "StringNotEquals": (_equal, False),
    "StringLike": (like, True),
    "StringNotLike": (like, False),
    "ArnEquals": (like, True),
    "ArnLike": (like, True),
    "Bool": (_equal_ignoring_case, True),
}
"""Operator: how one value is compared, and whether a match makes it hold."""


class Condition(NamedTuple):
    """One operator on one key of the request (lower case), with the values it is compared to."""

    operator: str
    key: str
    values: tuple[str, ...]

    def holds(self, context: Mapping[str, str], when_unknown: bool = False) -> bool:
        """Whether the request's `context` meets it; an absent key meets only the negated ones.

        `when_unknown` is the answer for an operator that is not known here.
        """
        name = self.operator.removesuffix("IfExists")
        if name not in _OPERATORS:
            return when_unknown
        compare, wanted = _OPERATORS[name]
        if self.key not in context:
            return not wanted or name != self.operator
        return any(compare(value, context[self.key]) for value in self.values) is wanted


class Statement(NamedTuple):
    """One statement; `other_actions` and `other_resources` are NotAction and NotResource."""

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...]
    other_actions: bool = False
    other_resources: bool = False

    def about_action(self, action: str) -> bool:
        """Whether the statement speaks of `action`, whatever the resource."""
        found = any(like(pattern, action, ignore_case=True) for pattern in self.actions)
        return found is not self.other_actions

    def about(self, action: str, resource: str, context: Mapping[str, str]) -> bool:
        """Whether the statement speaks of this request."""
        found = any(like(pattern, resource) for pattern in self.resources)
        return (
            self.about_action(action)
            and found is not self.other_resources
            and all(condition.holds(context, not self.allows) for condition in self.conditions)
        )


class Policy(NamedTuple):
    """Every statement of the policies of one role."""

    statements: tuple[Statement, ...] = ()

    def decide(
        self, action: str, resource: str, context: Mapping[str, str] | None = None
    ) -> Decision:
        """Judge one action ("s3:GetObject") on one resource (an ARN)."""
        keys = {key.lower(): value for key, value in (context or {}).items()}
        about = [
            statement for statement in self.statements if statement.about(action, resource, keys)
        ]
        if any(not statement.allows for statement in about):
            return Decision.DENIED
        return Decision.ALLOWED if about else Decision.UNMENTIONED

    def allows_within(self, action: str, arn: str) -> bool:
        """Whether some statement allows `action` on a part of what `arn` names."""
        return any(
            statement.allows
            and statement.about_action(action)
            and any(r == arn or r.startswith(f"{arn}/") for r in statement.resources)
            for statement in self.statements
        )


def parse(documents: Iterable[str]) -> Policy:
    """The statements of policy documents in JSON; a string stands for a list of one, as in IAM."""
    return Policy(
        tuple(
            _statement(raw)
            for document in documents
            for raw in _list(json.loads(document)["Statement"])
            if isinstance(raw, dict)
        )
    )


def _statement(raw: Mapping[str, object]) -> Statement:
    return Statement(
        allows=raw["Effect"] == "Allow",
        actions=_texts(raw.get("Action", raw.get("NotAction", ()))),
        resources=_texts(raw.get("Resource", raw.get("NotResource", ()))),
        conditions=tuple(_conditions(raw.get("Condition", {}))),
        other_actions="NotAction" in raw,
        other_resources="NotResource" in raw,
    )


def _conditions(raw: object) -> Iterable[Condition]:
    if not isinstance(raw, dict):
        return
    for operator, keys in raw.items():
        for key, values in keys.items():
            yield Condition(operator, key.lower(), _texts(values))


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _texts(value: object) -> tuple[str, ...]:
    return tuple(
        str(item).lower() if isinstance(item, bool) else str(item) for item in _list(value)
    )
