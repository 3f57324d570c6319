"""What a new plan opens or weakens, control by control.

In: an old and a new `Plan`. Out: one `Widening` for each access that is wider and each protection
that is weaker, in the order of `RULES`. A rule looks at one control and at nothing else, and says
nothing about the way back: what narrows access or strengthens a control is no widening.
"""

from __future__ import annotations

from typing import NamedTuple

from framework.plan.resource import Plan
from framework.plan.widening import access, protection, watching
from framework.plan.widening.rule import Rule

RULES: tuple[Rule, ...] = (
    access.role_permissions,
    access.managed_policies,
    access.role_trust,
    access.role_boundary,
    access.open_routes,
    access.route_scopes,
    access.route_authorizer,
    access.authorization_kinds,
    access.layers,
    access.authorizers,
    access.cors,
    access.invocations,
    access.resource_policies,
    protection.protect,
    protection.public_access_block,
    protection.object_ownership,
    protection.encryption,
    protection.encryption_keys,
    protection.secure_parameters,
    protection.versioning,
    protection.data_retention,
    protection.account_pin,
    protection.throttles,
    protection.concurrency,
    watching.log_retention,
    watching.access_logs,
    watching.tracing,
    watching.alarms,
    watching.subscriptions,
)


class Widening(NamedTuple):
    """One sentence about one resource. `rule` is a stable word, `entry` that of services.yaml."""

    rule: str
    key: str
    entry: str
    sentence: str


def widenings(old: Plan, new: Plan) -> tuple[Widening, ...]:
    """Everything that the new plan opens or weakens."""
    return tuple(
        Widening(name(rule), resource.key, resource.origin, sentence)
        for rule in RULES
        for resource, sentence in rule(old, new)
    )


def name(rule: Rule) -> str:
    """The stable word of a rule: its function's name with hyphens."""
    return rule.__name__.replace("_", "-")
