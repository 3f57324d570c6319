"""What a function may do, in the verbs of services.yaml, read back from its policy in the plan.

In: a function and what the plan has. Out: `Use`, one for each entry and prefix. The policy is what
the gate judges by, so the page shows what is, not what the file meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from framework.local.advice import VERBS
from framework.local.model import Bucket, Function, Model, Parameter, without_region
from framework.local.policy import Condition, Statement, like

Entry = Bucket | Parameter

_ALWAYS = ("logs:", "xray:", "kms:")
"""What a function may without a word in `uses`, and the keys of a bucket."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a function may on an entry, or under a prefix of its keys.

    `verbs` are those of `uses`; an action that makes no whole verb stands for itself.
    """

    entry: str
    verbs: tuple[str, ...]
    prefix: str = ""


def uses_of(model: Model, function: Function) -> Iterator[Use]:
    """What a function may, entry by entry in the plan's order."""
    entries: tuple[Entry, ...] = (*model.buckets, *model.parameters)
    for entry in entries:
        granted: dict[str, list[str]] = {}
        for statement in function.policy.statements:
            for prefix in _prefixes(statement, entry):
                granted.setdefault(prefix, []).extend(_about(statement, entry))
        for prefix, actions in granted.items():
            if actions:
                yield Use(without_region(entry.entry), tuple(_verbs(actions, entry)), prefix)


def says_more(function: Function) -> bool:
    """Whether the policy has statements that no `Use` tells of: a transform's, for example."""
    return any(
        not statement.allows or statement.other_actions or statement.other_resources
        for statement in function.policy.statements
    )


def _service(entry: Entry) -> str:
    return "s3:" if isinstance(entry, Bucket) else "ssm:"


def _about(statement: Statement, entry: Entry) -> list[str]:
    """The actions of a statement that can be about an entry."""
    service = _service(entry)
    return [a for a in statement.actions if a == "*" or a.lower().startswith(service)]


def _prefixes(statement: Statement, entry: Entry) -> Iterator[str]:
    """Which keys of an entry a statement allows something on; the empty prefix is all of it."""
    if not statement.allows or statement.other_actions or statement.other_resources:
        return
    for resource in statement.resources:
        if resource.startswith(f"{entry.arn}/"):
            yield resource[len(entry.arn) + 1 :].removesuffix("*")
        elif like(resource, entry.arn):
            yield from _listed(statement.conditions)


def _listed(conditions: tuple[Condition, ...]) -> Iterator[str]:
    """The prefixes that a statement on a bucket itself is narrowed to."""
    narrowed = [each for each in conditions if each.key == "s3:prefix"]
    if not narrowed:
        yield ""
    for condition in narrowed:
        yield from (value.removesuffix("*") for value in condition.values)


def _verbs(actions: list[str], entry: Entry) -> Iterator[str]:
    """The verbs that the actions make, in the order of the reference, then what is left."""
    whole = {verb: needed for verb, needed in _needed(entry).items() if needed <= set(actions)}
    yield from whole
    covered = {action for needed in whole.values() for action in needed}
    yield from dict.fromkeys(action for action in actions if action not in covered)


def _needed(entry: Entry) -> Mapping[str, set[str]]:
    """The actions of each verb."""
    found: dict[str, set[str]] = {}
    for action, verb in VERBS.items():
        if action.startswith(_service(entry)):
            found.setdefault(verb, set()).add(action)
    return found
