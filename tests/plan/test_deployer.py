"""The deploying role's policy as a function of a plan: exact first, then within AWS's sizes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest

from framework.plan.deployer import (
    MOST_CHARACTERS,
    MOST_DOCUMENTS,
    PREFIXABLE,
    DeployerPolicy,
    deployer_policy,
    size,
)
from framework.plan.plain import plain
from framework.plan.resource import Attr, Plan, PlanError, Resource, Value
from framework.plan.target import Target

TARGET = Target("dev", "123456789012", ("eu-west-1",))
TWO = Target("dev", "123456789012", ("eu-west-1", "us-east-1"))
PROVIDER: Mapping[str, Value] = {"defaultTags": {"tags": {"service": "x", "stack": "dev"}}}


def plan_of(*resources: Resource) -> Plan:
    return Plan(resources, provider=PROVIDER)


def role(name: str) -> Resource:
    return Resource(f"{name}/role", "aws:iam/role:Role", {"name": name})


def function(name: str, **more: Value) -> Resource:
    arn = f"arn:aws:iam::123456789012:role/{name}"
    return Resource(name, "aws:lambda/function:Function", {"name": name, "role": arn, **more})


def alarm(name: str) -> Resource:
    return Resource(name, "aws:cloudwatch/metricAlarm:MetricAlarm", {"name": name})


def statements(found: DeployerPolicy) -> Iterator[tuple[set[str], set[str], object]]:
    """(actions, resources, condition) of all documents."""
    for document in found.documents:
        data = json.loads(json.dumps(plain(document.document)))
        assert data["Version"] == "2012-10-17"
        for each in data["Statement"]:
            assert each["Effect"] == "Allow"
            yield set(each["Action"]), set(each["Resource"]), each.get("Condition")


def resources_for(found: DeployerPolicy, action: str) -> set[str]:
    return {arn for actions, arns, _ in statements(found) if action in actions for arn in arns}


def test_an_empty_plan_needs_no_policy() -> None:
    assert deployer_policy(plan_of(), TARGET) == DeployerPolicy(())


def test_roles_are_passed_to_lambda_alone() -> None:
    found = list(statements(deployer_policy(plan_of(function("x-dev-a")), TARGET)))
    passing = [each for each in found if "iam:PassRole" in each[0]]
    assert passing == [
        (
            {"iam:PassRole"},
            {"arn:aws:iam::123456789012:role/x-dev-a"},
            {"StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com"]}},
        )
    ]


def test_layers_are_read_where_there_are_some() -> None:
    layers: list[Value] = ["arn:aws:lambda:eu-west-1:111122223333:layer:a:1"]
    found = deployer_policy(
        plan_of(function("x-dev-a", layers=layers), function("x-dev-b")), TARGET
    )
    assert resources_for(found, "lambda:GetLayerVersion") == set(layers)
    without = deployer_policy(plan_of(function("x-dev-b")), TARGET)
    assert resources_for(without, "lambda:GetLayerVersion") == set()


def test_what_has_no_resource_type_is_held_to_the_regions() -> None:
    parameter = Resource("p", "aws:ssm/parameter:Parameter", {"name": "/x/dev/p"})
    found = list(statements(deployer_policy(plan_of(parameter), TWO)))
    condition = {"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}}
    assert ({"ssm:DescribeParameters"}, {"*"}, condition) in found


def test_a_resource_lies_in_its_own_region() -> None:
    inputs = {"name": "x-dev-a", "region": "us-east-1"}
    there = Resource("a@us-east-1", "aws:cloudwatch/metricAlarm:MetricAlarm", inputs)
    found = deployer_policy(plan_of(alarm("x-dev-a"), there), TWO)
    assert resources_for(found, "cloudwatch:PutMetricAlarm") == {
        "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:x-dev-a",
        "arn:aws:cloudwatch:us-east-1:123456789012:alarm:x-dev-a",
    }


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_partitions(region: str, partition: str) -> None:
    target = Target("dev", "123456789012", (region,))
    api = Resource("api", "aws:apigatewayv2/api:Api", {"name": "x-dev"})
    arns = {
        arn
        for _, resources, _ in statements(deployer_policy(plan_of(role("r"), api), target))
        for arn in resources
    }
    assert {arn.split(":")[1] for arn in arns} == {partition}


def bucket(protect: bool) -> Resource:
    return Resource("b", "aws:s3/bucket:Bucket", {"bucket": "x-dev-b"}, protect=protect)


def test_what_is_protected_cannot_be_deleted() -> None:
    open_, closed = (deployer_policy(plan_of(bucket(each)), TARGET) for each in (False, True))
    assert resources_for(open_, "s3:DeleteBucket") == {"arn:aws:s3:::x-dev-b"}
    assert resources_for(closed, "s3:DeleteBucket") == set()
    assert resources_for(closed, "s3:CreateBucket") == {"arn:aws:s3:::x-dev-b"}


def package(retain: bool) -> Resource:
    token, inputs = "aws:s3/bucketObjectv2:BucketObjectv2", {"bucket": "x-dev--artifacts"}
    return Resource("o", token, inputs, retain=retain)


def test_what_is_retained_is_not_deleted_either() -> None:
    deleted, kept = (deployer_policy(plan_of(package(each)), TARGET) for each in (False, True))
    assert resources_for(deleted, "s3:DeleteObjectVersion") == {"arn:aws:s3:::x-dev--artifacts/*"}
    assert resources_for(deleted, "s3:ListBucketVersions") == {"arn:aws:s3:::x-dev--artifacts"}
    assert resources_for(kept, "s3:PutObject") == {"arn:aws:s3:::x-dev--artifacts/*"}
    assert all(actions for actions, _, _ in statements(kept))
    assert not any("Delete" in action for actions, _, _ in statements(kept) for action in actions)


def test_a_long_policy_becomes_several() -> None:
    many = [role(f"x-dev-function-number-{number}") for number in range(200)]
    found = deployer_policy(plan_of(*many), TARGET)
    sizes = [size(document) for document in found.documents]
    assert 2 < len(sizes) <= MOST_DOCUMENTS
    assert max(sizes) <= MOST_CHARACTERS
    assert min(sizes[:-1]) > MOST_CHARACTERS * 0.9
    assert resources_for(found, "iam:CreateRole") == {
        f"arn:aws:iam::123456789012:role/{each.inputs['name']}" for each in many
    }
    assert found.by_prefix == ()


def test_names_become_a_prefix_only_where_documents_would_be_too_many() -> None:
    many = [alarm(f"x-dev-alarm-number-{number}") for number in range(1000)]
    found = deployer_policy(plan_of(*many, function("x-dev-a"), alarm("shared")), TARGET)
    assert (found.by_prefix, found.prefix) == (("cloudwatch",), "x-dev-")
    assert resources_for(found, "cloudwatch:PutMetricAlarm") == {
        "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:x-dev-*",
        "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:shared",
    }
    assert resources_for(found, "lambda:CreateFunction") == {
        "arn:aws:lambda:eu-west-1:123456789012:function:x-dev-a"
    }


def test_names_without_the_prefix_are_listed_however_many() -> None:
    many = [role(f"{'long-' * 10}{number}") for number in range(700)]
    found = deployer_policy(plan_of(*many), TARGET)
    assert found.by_prefix == ()
    assert len(found.documents) > MOST_DOCUMENTS
    assert len(resources_for(found, "iam:CreateRole")) == 700


def test_by_prefix_says_what_it_did() -> None:
    parameter = Resource("p", "aws:ssm/parameter:Parameter", {"name": "/x/dev/p"})
    group = Resource("l", "aws:cloudwatch/logGroup:LogGroup", {"name": "/aws/lambda/x-dev-a"})
    found = deployer_policy(plan_of(function("x-dev-a"), parameter, group), TARGET, by_prefix=True)
    assert found.by_prefix == ("logs", "lambda", "ssm", "iam")
    assert set(found.by_prefix) <= set(PREFIXABLE)
    expected = {
        "lambda:CreateFunction": "arn:aws:lambda:eu-west-1:123456789012:function:x-dev-*",
        "iam:PassRole": "arn:aws:iam::123456789012:role/x-dev-*",
        "ssm:PutParameter": "arn:aws:ssm:eu-west-1:123456789012:parameter/x/dev/*",
        "logs:CreateLogGroup": "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/x-dev-*",
    }
    for action, arn in expected.items():
        assert resources_for(found, action) == {arn}


def test_an_unknown_type_is_an_error_of_ours() -> None:
    with pytest.raises(PlanError, match="does not know what aws:sqs/queue:Queue takes"):
        deployer_policy(plan_of(Resource("q", "aws:sqs/queue:Queue", {})), TARGET)


def test_a_name_that_aws_decides_is_an_error_of_ours() -> None:
    nameless = Resource("r", "aws:iam/role:Role", {"name": Attr("api", "id")})
    with pytest.raises(PlanError, match="r: its name is not known before it is deployed"):
        deployer_policy(plan_of(nameless), TARGET)


def test_a_plan_without_its_service_is_an_error_of_ours() -> None:
    with pytest.raises(PlanError, match="does not tag resources with their service"):
        deployer_policy(Plan(()), TARGET)
