"""Deploying roles' policies of all golden plans: golden themselves, complete, and no wider.

A new type or property in a golden plan needs its facts in framework/data/deployer.toml: the tests
here name what is missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from framework.data.deployer import Grant, deployer_needs
from framework.local.policy import like
from framework.plan.deployer import MOST_CHARACTERS, deployer_policy, size
from framework.plan.plain import JsonData, plain
from framework.plan.resource import Plan, Resource
from framework.plan.target import Target, partition_of
from tests.support import typed
from tests.support.golden import matches
from tests.support.projects import ROOT, TARGET, planned
from tests.test_cases import CASES, target_of

RECORDED = ("every-field", "environments-china")
"""Cases with a golden policy, beside the sample: all there is, and two regions of aws-cn."""

ANYWHERE = {
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "ssm:DescribeParameters",
}
"""Actions that the Service Authorization Reference has no resource type for."""

OPEN_ENDED = re.compile(
    r"arn:[a-z-]+:apigateway:[a-z0-9-]+::/apis/\*(/(authorizers|integrations|routes|stages))?"
    r"|arn:[a-z-]+:apigateway:[a-z0-9-]+::/tags/[A-Za-z0-9%-]+%2Fapis%2F\*"
    r"|arn:[a-z-]+:logs:[a-z0-9-]+:[0-9]{12}:log-group:([A-Za-z0-9/_-]+:)?\*"
    r"|arn:[a-z-]+:cloudwatch:[a-z0-9-]+:[0-9]{12}:alarm:\*"
    r"|arn:[a-z-]+:s3:::[a-z0-9-]+--artifacts-[0-9]{12}-[a-z0-9-]+/\*"
    r"|arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+:\*"
)
"""ARNs with a wildcard that are as narrow as AWS lets them be."""

ARN = re.compile(r"arn:([a-z-]+):([a-z0-9]+):([a-z0-9-]*):([0-9]*):(.+)")

PLANS = {case.name: (case / "services.yaml", target_of(case)) for case in CASES} | {
    "sample": (ROOT / "services.yaml", TARGET)
}


@cache
def plan_of(name: str) -> tuple[Plan, Target]:
    file, target = PLANS[name]
    return planned(file, target), target


def documents(name: str) -> list[JsonData]:
    return [plain(document.document) for document in deployer_policy(*plan_of(name)).documents]


def statements(name: str) -> Iterator[tuple[set[str], set[str], object]]:
    for document in json.loads(json.dumps(documents(name))):
        for each in document["Statement"]:
            yield set(each["Action"]), set(each["Resource"]), each.get("Condition")


def golden(name: str) -> Path:
    cases = ROOT / "tests" / "cases"
    return cases / "sample.policy.json" if name == "sample" else cases / name / "policy.json"


@pytest.mark.parametrize("name", ["sample", *RECORDED])
def test_policy(name: str, update: bool) -> None:
    printed = json.dumps({"policies": documents(name)}, indent=2) + "\n"
    matches(printed, golden(name), update)


def resources() -> Iterator[Resource]:
    for name in PLANS:
        yield from plan_of(name)[0].resources


def test_every_type_has_its_facts() -> None:
    missing = sorted({resource.type for resource in resources()} - deployer_needs().keys())
    assert missing == [], f"framework/data/deployer.toml lacks {', '.join(missing)}"


def test_every_property_has_been_thought_of() -> None:
    unknown = {
        f"{resource.type}: {name}"
        for resource in resources()
        if (known := deployer_needs()[resource.type].properties) is not None
        for name in resource.inputs.keys() - known - {"region", "tags"}
    }
    assert unknown == set(), "which actions do these take? say so in framework/data/deployer.toml"


def grants() -> Iterator[tuple[str, Grant]]:
    for token, needs in deployer_needs().items():
        yield from ((token, grant) for grant in needs.grants)


def test_actions_are_written_out() -> None:
    for token, grant in grants():
        assert grant.actions, token
        for action in grant.actions:
            assert re.fullmatch("[a-z0-9]+:[A-Z][a-zA-Z]+", action), action


def test_every_fact_is_of_use() -> None:
    assert deployer_needs().keys() == {resource.type for resource in resources()}


def test_what_can_be_tagged_is_tagged_and_its_tags_are_changed() -> None:
    """Every resource gets the provider's default tags."""
    for token, needs in deployer_needs().items():
        actions = {action for grant in needs.grants for action in grant.actions}
        tags = any("Tag" in action for action in actions) or any(
            "/tags/" in arn for grant in needs.grants for arn in grant.on
        )
        assert tags == ("tags" in typed.properties(token)), token


@pytest.mark.parametrize("name", PLANS)
def test_documents_fit_into_managed_policies(name: str) -> None:
    for document in deployer_policy(*plan_of(name)).documents:
        assert size(document) <= MOST_CHARACTERS


@pytest.mark.parametrize("name", PLANS)
def test_arns_lie_in_the_target(name: str) -> None:
    _, target = plan_of(name)
    partitions = {partition_of(region) for region in target.regions}
    for arn in {arn for _, arns, _ in statements(name) for arn in arns - {"*"}}:
        found = ARN.fullmatch(arn)
        assert found, arn
        partition, service, region, account, _ = found.groups()
        assert partition in partitions, arn
        assert region in target.regions or service in ("iam", "s3", "cloudwatch"), arn
        assert account == target.account or service in ("apigateway", "s3"), arn


@pytest.mark.parametrize("name", PLANS)
def test_nothing_is_wider_than_aws_makes_it(name: str) -> None:
    _, target = plan_of(name)
    regions = {"StringEquals": {"aws:RequestedRegion": sorted(target.regions)}}
    for actions, arns, condition in statements(name):
        for arn in arns:
            if arn == "*":
                assert actions <= ANYWHERE
                assert condition == regions
            elif "*" in arn:
                assert OPEN_ENDED.fullmatch(arn), arn


@pytest.mark.parametrize("by_prefix", [False, True])
@pytest.mark.parametrize("name", PLANS)
def test_nothing_that_is_needed_is_lost_on_the_way(name: str, by_prefix: bool) -> None:
    plan, target = plan_of(name)
    allowed: dict[str, set[str]] = {}
    for document in deployer_policy(plan, target, by_prefix).documents:
        for each in json.loads(json.dumps(plain(document.document)))["Statement"]:
            for action in each["Action"]:
                allowed.setdefault(action, set()).update(each["Resource"])
    for resource in plan.resources:
        alone = deployer_policy(Plan((resource,), provider=plan.provider), target)
        for document in alone.documents:
            for each in json.loads(json.dumps(plain(document.document)))["Statement"]:
                for action, arn in ((a, r) for a in each["Action"] for r in each["Resource"]):
                    assert any(like(pattern, arn) for pattern in allowed[action]), (action, arn)
