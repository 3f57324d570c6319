"""Fourteen faults that systems of this sort are known for: one test for each, by its name.

In: the sample and the golden cases. A fault is impossible where every plan is free of it. Two have
their tests where they would be made: "handler not decrypting" in tests/handlers, "package without
its dependencies or different each time" in tests/packaging.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pulumi
import pytest

import framework
from framework import Json, Plan, Resource, Secret, Text
from framework.data.runtimes import runtimes
from framework.kinds.function import Function
from framework.language.problems import Rejected
from framework.plan.resource import Value, attributes
from framework.plan.target import Target
from tests.support.monitor import run
from tests.support.naming import WITHIN_ANOTHER
from tests.support.projects import ROOT, TODAY, planned, project

FILES = [ROOT / "services.yaml", *sorted((ROOT / "tests" / "cases").glob("*/services.yaml"))]

every_plan = pytest.mark.parametrize(
    "plan", [planned(file) for file in FILES], ids=[file.parent.name for file in FILES]
)


def of(plan: Plan, type_name: str) -> list[Resource]:
    return [resource for resource in plan.resources if resource.type.endswith(f":{type_name}")]


def document(value: Value) -> Mapping[str, Value]:
    assert isinstance(value, Json)
    assert isinstance(value.document, Mapping)
    return value.document


def statements(value: Value) -> Iterator[Mapping[str, Value]]:
    found = document(value)["Statement"]
    assert isinstance(found, list)
    for each in found:
        assert isinstance(each, Mapping)
        yield each


def listed(value: Value) -> list[str]:
    assert isinstance(value, list)
    return [str(each) for each in value]


def test_outdated_runtime_by_default() -> None:
    default = runtimes()[Function.model_fields["runtime"].default]
    assert default.deprecated is None
    assert all(
        newer.deprecated is None or newer.deprecated > TODAY
        for newer in list(runtimes().values())[: list(runtimes()).index(default.name) + 1]
    )


@every_plan
def test_managed_or_broad_iam_policy_and_wrong_log_arn(plan: Plan) -> None:
    assert not of(plan, "RolePolicyAttachment")
    assert not any("managedPolicyArns" in role.inputs for role in of(plan, "Role"))
    for resource in of(plan, "RolePolicy"):
        for statement in statements(resource.inputs["policy"]):
            actions, resources = listed(statement["Action"]), listed(statement["Resource"])
            assert not any("*" in action for action in actions)
            assert resources == ["*"] or "*" not in resources
            if resources == ["*"]:
                assert actions == ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
            for arn in (each for each in resources if each.startswith("arn:aws:logs:")):
                assert re.fullmatch(
                    r"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/[a-z-]+:\*", arn
                )
            assert all("CreateLogGroup" not in action for action in actions)


@every_plan
def test_environment_in_the_wrong_shape(plan: Plan) -> None:
    for function in of(plan, "Function"):
        environment = function.inputs.get("environment", {"variables": {}})
        assert isinstance(environment, Mapping)
        assert environment.keys() == {"variables"}
        assert isinstance(environment["variables"], Mapping)
        assert all(isinstance(text, str) for text in environment["variables"].values())


@every_plan
def test_parameter_value_or_secret_in_the_environment_instead_of_its_name(plan: Plan) -> None:
    names = {parameter.inputs["name"] for parameter in of(plan, "Parameter")}
    plain = {parameter.inputs.get("insecureValue") for parameter in of(plan, "Parameter")}
    for function in of(plan, "Function"):
        assert not any(isinstance(value, Secret) for value in function.inputs.values())
        environment = function.inputs.get("environment", {"variables": {}})
        assert isinstance(environment, Mapping)
        variables = environment["variables"]
        assert isinstance(variables, Mapping)
        for name, value in variables.items():
            assert value not in plain
            assert not name.endswith("_PARAMETER") or value in names


def test_look_ups_by_output_keys(tmp_path: Path) -> None:
    """What is deployed is found by plain text known beforehand, never by a value of AWS's."""
    file = project(tmp_path, "service: x\nfunctions: {a: {handler: app.main}}\n")
    found: dict[str, pulumi.CustomResource] = {}
    run(lambda: found.update(framework.deploy(file)))
    assert list(found) == [resource.key for resource in planned(file).resources]
    assert all(type(key) is str for key in found)


@every_plan
def test_bucket_without_explicit_public_access_block_and_encryption(plan: Plan) -> None:
    blocks = {block.inputs["bucket"]: block.inputs for block in of(plan, "BucketPublicAccessBlock")}
    encrypted = {
        each.inputs["bucket"] for each in of(plan, "BucketServerSideEncryptionConfiguration")
    }
    for bucket in of(plan, "Bucket"):
        name = bucket.inputs["bucket"]
        flags = {key: value for key, value in blocks[name].items() if key != "bucket"}
        assert flags == {
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        }
        assert name in encrypted
        assert "acl" not in bucket.inputs
        assert "forceDestroy" not in bucket.inputs or bucket.origin == "functions"


@every_plan
def test_policy_json_with_unresolved_outputs_in_it(plan: Plan) -> None:
    for resource in plan.resources:
        for name in ("policy", "assumeRolePolicy"):
            if name in resource.inputs:
                assert list(attributes(resource.inputs[name])) == []
                json.dumps(document(resource.inputs[name]))


@every_plan
def test_wildcard_cors(plan: Plan) -> None:
    for api in of(plan, "Api"):
        assert "*" not in json.dumps(api.inputs.get("corsConfiguration"))
    for cors in of(plan, "BucketCorsConfiguration"):
        assert "*" not in json.dumps(cors.inputs["corsRules"])


def test_wildcard_cors_cannot_be_written(tmp_path: Path) -> None:
    file = project(tmp_path, 'service: x\napi: {cors: {origins: ["*"]}}\n')
    with pytest.raises(Rejected, match=r"api\.cors\.origins\[0\]: '\*' does not fit"):
        planned(file)


@every_plan
def test_routes_wired_by_guessing_names(plan: Plan) -> None:
    """A route leads over its integration to the ARN of exactly the function it names."""
    functions = {function.inputs["name"] for function in of(plan, "Function")}
    for route in of(plan, "Route"):
        target = route.inputs["target"]
        assert isinstance(target, Text)
        assert target.parts[0] == "integrations/"
        (integration,) = attributes(target)
        uri = str(plan.by_key[integration.key].inputs["integrationUri"])
        assert uri.startswith("arn:aws:lambda:eu-west-1:123456789012:function:")
        assert uri.rpartition(":")[2] in functions


def test_url_stored_by_mutating_a_resource(tmp_path: Path) -> None:
    """The URL is an output of the stack; the resources stay as Pulumi made them, plans frozen."""
    routes = "routes: {GET /: {function: a, auth: none}}\n"
    file = project(tmp_path, f"service: x\nfunctions: {{a: {{handler: app.main}}}}\n{routes}")
    done = run(lambda: framework.deploy(file))
    assert done.outputs["url"] == done.state[done.registered["api"].urn].outputs["apiEndpoint"]
    with pytest.raises(AttributeError):
        planned(file).resources[0].key = "other"  # type: ignore[misc]


def test_region_taken_for_granted() -> None:
    """The same service in another region: every ARN and every name outside of a region differs."""
    here, there = (
        planned(ROOT / "services.yaml", Target("dev", "123456789012", (region,)))
        for region in ("eu-west-1", "ap-southeast-2")
    )
    for one, other in zip(here.resources, there.resources, strict=True):
        arns = re.findall(r"arn:aws:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:", repr(one.inputs))
        assert not any("ap-southeast-2" in arn for arn in arns)
        if arns and any(":eu-west-1:" in arn for arn in arns):
            assert one.inputs != other.inputs, one.key
    assert "eu-west-1" not in repr(there.resources)
    roles = [{role.inputs["name"] for role in of(plan, "Role")} for plan in (here, there)]
    assert not roles[0] & roles[1]


def test_region_is_in_the_keys_of_every_other_region() -> None:
    target = Target("dev", "123456789012", ("eu-west-1", "us-east-1"))
    both = planned(ROOT / "services.yaml", target)
    home = planned(ROOT / "services.yaml")
    assert {key for key in both.by_key if "@" not in key} == home.by_key.keys()
    away = [resource for resource in both.resources if resource.key.endswith("@us-east-1")]
    assert len(away) == len(home.resources)
    for resource in away:
        expected = None if resource.type.startswith("aws:iam/") else "us-east-1"
        assert resource.inputs.get("region") == expected


def names_of(plan: Plan) -> set[tuple[str, str]]:
    naming = ("name", "bucket", "dashboardName")
    return {
        (resource.type, str(resource.inputs[name]))
        for resource in plan.resources
        if resource.type not in WITHIN_ANOTHER
        for name in naming
        if name in resource.inputs
    }


@pytest.mark.parametrize(
    ("one", "other", "types"),
    [
        (("dev", "1" * 12, "eu-west-1"), ("prod", "1" * 12, "eu-west-1"), {"aws"}),
        (("dev", "1" * 12, "eu-west-1"), ("Dev", "1" * 12, "eu-west-1"), {"aws"}),
        (("dev", "1" * 12, "eu-west-1"), ("dev", "2" * 12, "eu-west-1"), {"aws:s3"}),
        (
            ("dev", "1" * 12, "eu-west-1"),
            ("dev", "1" * 12, "us-east-1"),
            {"aws:s3", "aws:iam", "aws:cloudwatch/dashboard"},
        ),
    ],
    ids=["stacks", "spelling", "accounts", "regions"],
)
def test_names_that_collide_between_stacks_accounts_or_regions(
    one: tuple[str, str, str], other: tuple[str, str, str], types: set[str]
) -> None:
    plans = (
        planned(ROOT / "services.yaml", Target(stack, account, (region,)))
        for stack, account, region in (one, other)
    )
    shared = set.intersection(*(names_of(plan) for plan in plans))
    assert not [name for name in shared if any(name[0].startswith(each) for each in types)]


@every_plan
def test_observability_cut_short(plan: Plan) -> None:
    """Log groups with retention, made before what logs into them; access logs of every stage."""
    groups = {group.inputs["name"]: group for group in of(plan, "LogGroup")}
    assert all(group.inputs["retentionInDays"] for group in groups.values())
    for function in of(plan, "Function"):
        logging = function.inputs["loggingConfig"]
        assert isinstance(logging, Mapping)
        assert groups[logging["logGroup"]].key in function.after
        assert logging["logFormat"] == "JSON"
    for stage in of(plan, "Stage"):
        settings = stage.inputs["accessLogSettings"]
        assert isinstance(settings, Mapping)
        group = groups[str(settings["destinationArn"]).partition(":log-group:")[2]]
        assert group.key in stage.after
