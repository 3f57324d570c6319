"""Which line of services.yaml would allow a call that was denied.

In: the function, the permission it lacks. Out: one line for the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from framework.local.model import Bucket, Function, Model, Parameter, without_region
from framework.local.needs import Need
from framework.local.policy import Decision

VERBS: Mapping[str, str] = {
    "s3:GetObject": "read",
    "s3:ListBucket": "list",
    "s3:PutObject": "write",
    "s3:AbortMultipartUpload": "write",
    "s3:DeleteObject": "delete",
    "ssm:GetParameter": "read",
    "ssm:GetParameters": "read",
    "ssm:PutParameter": "write",
}
"""The verb of `uses` that grants an action; the kinds hold the grants themselves."""


def of_denial(model: Model, function: Function, need: Need, decision: Decision) -> str:
    """What `function` may not do, and what would let it."""
    fact = f"{function.entry} may not {need.action} on {need.resource}"
    return f"{fact}: {_remedy(model, function, need, decision)}"


def uses_line(entry: str, verb: str) -> str:
    """The line of the function's entry that grants `verb` on `entry`."""
    return f"add  uses: {{{without_region(entry)}: [{verb}]}}"


def _remedy(model: Model, function: Function, need: Need, decision: Decision) -> str:
    entry = next(_entries(model, need.resource), None)
    verb = VERBS.get(need.action)
    if entry is None:
        return "services.yaml has no entry of that name"
    if verb is None:
        return "no verb of uses grants it"
    if decision is Decision.DENIED:
        return "a statement of its policy denies it"
    if _granted_in_part(function, need, entry):
        return f"the prefix of {entry.entry} in its uses does not cover it"
    return uses_line(entry.entry, verb)


def _granted_in_part(function: Function, need: Need, entry: Bucket | Parameter) -> bool:
    return function.policy.allows_within(need.action, entry.arn)


def _entries(model: Model, resource: str) -> Iterator[Bucket | Parameter]:
    """What of the plan an ARN is about."""
    for bucket in model.buckets:
        if resource == bucket.arn or resource.startswith(f"{bucket.arn}/"):
            yield bucket
    for parameter in model.parameters:
        if resource == parameter.arn:
            yield parameter
