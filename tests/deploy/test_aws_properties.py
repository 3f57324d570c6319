"""What the plan says in schema terms is what pulumi-aws's classes would say.

Every property of every golden plan is known to pulumi-aws and none that is required is left out;
and registering a plan through the generated classes sends the same requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pulumi
import pytest
from pulumi.resource_hooks import ErrorHook

from framework.deploy.register import register
from framework.deploy.values import Resolver
from framework.packaging.store import Package
from framework.plan.resource import Code, Plan, Resource, Secret, code_of
from tests.support import typed
from tests.support.aws import FUNCTION
from tests.support.monitor import Run, run
from tests.support.projects import ROOT, planned

FILES = [ROOT / "services.yaml", *sorted((ROOT / "tests" / "cases").glob("*/services.yaml"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_properties_are_known_and_complete(file: Path) -> None:
    for resource in planned(file).resources:
        assert typed.unknown(resource) == set(), resource.key
        assert typed.missing(resource) == set(), resource.key


def test_a_wrong_property_is_noticed() -> None:
    wrong = Resource(
        "x", "aws:apigatewayv2/api:Api", {"nam": "x", "corsConfiguration": {"allowOrigin": ["x"]}}
    )
    assert typed.unknown(wrong) == {"nam", "corsConfiguration.allowOrigin"}
    assert typed.missing(wrong) == {"protocol_type"}


def _packages(plan: Plan, package: Path) -> Mapping[Code, Package]:
    built = Package(package, "5a" * 32, size=17, unzipped=17)
    codes = (code_of(function) for function in plan.of_type(FUNCTION))
    return {code: built for code in codes if code}


def _secrets(plan: Plan) -> Mapping[Secret, str]:
    values = (value for resource in plan.resources for value in resource.inputs.values())
    return {value: "hunter2" for value in values if isinstance(value, Secret)}


def _registered(plan: Plan, package: Path, by_class: bool) -> Run:
    def program() -> None:
        provider = pulumi.ProviderResource("aws", "aws", {"region": "eu-west-1"})
        resources: dict[str, pulumi.CustomResource] = {}
        resolver = Resolver(resources, _packages(plan, package), _secrets(plan))
        if by_class:
            _register_by_class(plan, provider, resolver, resources)
        else:
            hook = ErrorHook("none", lambda failure: False)
            register(plan, provider, resolver, hook, resources)

    return run(program)


def _register_by_class(
    plan: Plan, provider: pulumi.ProviderResource, resolver: Resolver,
    into: dict[str, pulumi.CustomResource],
) -> None:  # fmt: skip
    entries: dict[str, pulumi.ComponentResource] = {}
    for resource in plan.resources:
        token = f"services:{resource.origin.partition('.')[0]}:Entry"
        if resource.origin not in entries:
            entries[resource.origin] = pulumi.ComponentResource(token, resource.origin)
        options = pulumi.ResourceOptions(
            provider=provider,
            parent=entries[resource.origin],
            depends_on=[into[key] for key in resource.after],
        )
        known = typed.properties(resource.type)
        arguments = {
            typed.snake(name): resolver.resolved(typed.spelled(value, known[typed.snake(name)]))
            for name, value in resource.inputs.items()
        }
        constructor: Callable[..., pulumi.CustomResource] = typed.resource_class(resource.type)
        into[resource.key] = constructor(resource.key, opts=options, **arguments)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_the_generated_classes_send_the_same_requests(file: Path, tmp_path: Path) -> None:
    package = tmp_path / "package.zip"
    package.write_bytes(b"the same for both")
    plan = planned(file)
    ours, theirs = (_registered(plan, package, by_class) for by_class in (False, True))
    assert (ours.error, theirs.error) == (None, None)
    for key in plan.by_key:
        one, other = ours.registered[key], theirs.registered[key]
        assert one.type == other.type
        assert one.inputs == other.inputs, key
        assert set(one.additional_secret_outputs) <= set(other.additional_secret_outputs)
        assert names(one.dependencies) == names(other.dependencies), key


def names(urns: tuple[str, ...]) -> set[str]:
    return {urn.rpartition("::")[2] for urn in urns}
