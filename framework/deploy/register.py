"""The plan to registrations: one raw resource each, in a loop that knows no kind.

In: a `Plan` and a `Resolver`. Out: the registered resources by key. Raw registrations by token and
property name take half the time of the generated classes and need no import of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pulumi
from pulumi.resource_hooks import ErrorHook

from framework.deploy.values import Input, Resolver
from framework.plan.resource import Plan, Resource, attributes, secrets


def register(
    plan: Plan, provider: pulumi.ProviderResource, resolver: Resolver,
    on_error: ErrorHook, into: dict[str, pulumi.CustomResource],
) -> None:  # fmt: skip
    """Registers every resource of the plan under a component for its entry, and fills `into`."""
    outputs = _wanted_outputs(plan)
    hooks = pulumi.ResourceHookBinding(on_error=[on_error])
    entries: dict[str, pulumi.ComponentResource] = {}
    for resource in plan.resources:
        if resource.origin not in entries:
            entries[resource.origin] = _entry(resource.origin)
        options = pulumi.ResourceOptions(
            parent=entries[resource.origin],
            provider=provider,
            depends_on=[into[key] for key in resource.after],
            protect=resource.protect or None,
            retain_on_delete=resource.retain or None,
            replace_on_changes=list(resource.replace_on) or None,
            # The provider asks for it by itself only where it replaces: two cannot share a name.
            delete_before_replace=bool(resource.replace_on) or None,
            additional_secret_outputs=list(_secret_properties(resource)) or None,
            hooks=hooks,
        )
        inputs = {name: resolver.resolved(value) for name, value in resource.inputs.items()}
        unset: dict[str, Input] = dict.fromkeys(outputs.get(resource.key, ()))
        into[resource.key] = pulumi.CustomResource(
            resource.type, resource.key, unset | inputs, options
        )
    for entry in entries.values():
        entry.register_outputs({})


def _entry(origin: str) -> pulumi.ComponentResource:
    """The component of an entry. Its type and name are part of every URN: they never change."""
    section = origin.partition(".")[0]
    return pulumi.ComponentResource(f"services:{section}:Entry", origin)


def _wanted_outputs(plan: Plan) -> Mapping[str, set[str]]:
    """The outputs that something in the plan refers to: a raw resource has to declare its own."""
    wanted: dict[str, set[str]] = {}
    values = [*(resource.inputs for resource in plan.resources), plan.outputs]
    for attribute in (each for value in values for each in attributes(value)):
        if attribute.name != "id":
            wanted.setdefault(attribute.key, set()).add(attribute.name)
    return wanted


def _secret_properties(resource: Resource) -> Iterator[str]:
    return (name for name, value in resource.inputs.items() if any(secrets(value)))
