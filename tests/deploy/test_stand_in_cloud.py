"""The stand-in provider's cloud refuses what AWS refuses. No `pulumi` command is needed here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.engine.provider.cloud import Cloud
from tests.support import aws
from tests.support.aws import Account, AwsError
from tests.support.wire import Plain, Properties

Wanted: TypeAlias = tuple[str, Properties]

HOME = Account("123456789012", "eu-west-1")
ROLE_ARN = "arn:aws:iam::123456789012:role/r"
FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:f"
TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:t"

ROLE: Wanted = (aws.ROLE, {"name": "r"})
LOG_GROUP: Wanted = (aws.LOG_GROUP, {"name": "g"})
FUNCTION: Wanted = (
    aws.FUNCTION,
    {"name": "f", "role": ROLE_ARN, "loggingConfig": {"logGroup": "g"}},
)
BUCKET: Wanted = (aws.BUCKET, {"bucket": "b"})
TOPIC: Wanted = (aws.TOPIC, {"name": "t"})
API: Wanted = (aws.API, {"name": "a"})
STAGE: Wanted = (
    aws.STAGE,
    {
        "name": "$default",
        "apiId": "API",
        "accessLogSettings": {"destinationArn": "arn:aws:logs:eu-west-1:123456789012:log-group:g"},
    },
)
INTEGRATION: Wanted = (aws.INTEGRATION, {"apiId": "API", "integrationUri": FUNCTION_ARN})
AUTHORIZER: Wanted = (aws.AUTHORIZER, {"apiId": "API", "name": "main"})


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path)


def create(cloud: Cloud, type: str, inputs: Properties, name: str = "made") -> str:
    id, _ = cloud.create(type, name, inputs, HOME, name)
    return id


def create_all(cloud: Cloud, resources: Sequence[Wanted]) -> dict[str, str]:
    """Make them in order; "API" and the like stand for the id of what was made before."""
    ids: dict[str, str] = {}
    for type, inputs in resources:
        filled: Properties = {key: _filled(value, ids) for key, value in inputs.items()}
        ids[type.rpartition(":")[2].upper()] = create(cloud, type, filled)
    return ids


def _filled(value: Plain, ids: dict[str, str]) -> Plain:
    if not isinstance(value, str):
        return value
    first, slash, last = value.rpartition("/")
    return first + slash + ids.get(last, last)


@pytest.mark.parametrize(
    ("resources", "error"),
    [
        ([(aws.ROLE_POLICY, {"name": "p", "role": "r"})], "NoSuchEntity: The role with name r"),
        ([LOG_GROUP, FUNCTION], "InvalidParameterValueException: The role defined for the"),
        ([ROLE, FUNCTION], "ResourceNotFoundException: The specified log group does not exist: g"),
        (
            [(aws.PERMISSION, {"statementId": "s", "function": "f"})],
            "ResourceNotFoundException: Function not found: f",
        ),
        (
            [(aws.PERMISSION, {"statementId": "s", "function": FUNCTION_ARN})],
            f"ResourceNotFoundException: Function not found: {FUNCTION_ARN}",
        ),
        ([(aws.INTEGRATION, {"apiId": "x"})], "NotFoundException: Invalid API identifier spec"),
        ([API, INTEGRATION], f"ResourceNotFoundException: Function not found: {FUNCTION_ARN}"),
        ([API, STAGE], "ResourceNotFoundException: The specified log group does not exist: arn"),
        (
            [API, (aws.ROUTE, {"apiId": "API", "routeKey": "GET /", "target": "integrations/x"})],
            "NotFoundException: Unable to find Integration by integrations/x",
        ),
        (
            [API, (aws.ROUTE, {"apiId": "API", "routeKey": "GET /", "authorizerId": "x"})],
            "NotFoundException: Unable to find Authorizer by id x",
        ),
        (
            [(aws.BUCKET_PUBLIC_ACCESS_BLOCK, {"bucket": "b"})],
            "NoSuchBucket: The specified bucket does not exist: b",
        ),
        (
            [(aws.LOG_METRIC_FILTER, {"name": "m", "logGroupName": "g"})],
            "ResourceNotFoundException: The specified log group does not exist: g",
        ),
        (
            [(aws.TOPIC_SUBSCRIPTION, {"topic": TOPIC_ARN, "protocol": "email", "endpoint": "e"})],
            f"NotFound: Topic does not exist: {TOPIC_ARN}",
        ),
        ([(aws.TOPIC_POLICY, {"arn": TOPIC_ARN})], f"NotFound: Topic does not exist: {TOPIC_ARN}"),
        ([(aws.ROLE, {})], "ValidationException: Missing required property 'name'"),
    ],
)
def test_what_must_exist_first_is_missed(cloud: Cloud, resources: list[Wanted], error: str) -> None:
    with pytest.raises(AwsError) as refused:
        create_all(cloud, resources)

    assert str(refused.value).startswith(error)
    assert len(cloud.resources()) == len(resources) - 1


WHOLE: list[Wanted] = [
    ROLE,
    (aws.ROLE_POLICY, {"name": "p", "role": "r"}),
    LOG_GROUP,
    FUNCTION,
    API,
    INTEGRATION,
    AUTHORIZER,
    (
        aws.ROUTE,
        {
            "apiId": "API",
            "routeKey": "GET /",
            "target": "integrations/INTEGRATION",
            "authorizerId": "AUTHORIZER",
        },
    ),
    STAGE,
    (aws.PERMISSION, {"statementId": "s", "function": FUNCTION_ARN}),
    BUCKET,
    (aws.BUCKET_PUBLIC_ACCESS_BLOCK, {"bucket": "b"}),
    (aws.LOG_METRIC_FILTER, {"name": "m", "logGroupName": "g"}),
    TOPIC,
    (aws.TOPIC_POLICY, {"arn": TOPIC_ARN}),
    (aws.TOPIC_SUBSCRIPTION, {"topic": TOPIC_ARN, "protocol": "email", "endpoint": "e"}),
    (aws.PARAMETER, {"name": "/x", "value": "v"}),
    (aws.METRIC_ALARM, {"name": "m"}),
    (aws.DASHBOARD, {"dashboardName": "d"}),
]


def test_in_the_right_order_everything_can_be_made(cloud: Cloud) -> None:
    create_all(cloud, WHOLE)

    assert len(cloud.resources()) == len(WHOLE)


@pytest.mark.parametrize("number", range(len(WHOLE)), ids=[type for type, _ in WHOLE])
def test_one_name_is_given_once(cloud: Cloud, number: int) -> None:
    """But for what AWS names itself: two APIs, or two integrations, may be alike."""
    create_all(cloud, WHOLE)
    type, _ = WHOLE[number]
    made = next(made for made in cloud.resources().values() if made.type == type)
    again: Properties = {
        key: value for key, value in made.outputs.items() if isinstance(value, str)
    }

    if type in (aws.API, aws.INTEGRATION):
        assert create(cloud, type, again) != made.id
    else:
        with pytest.raises(AwsError, match="already exists"):
            create(cloud, type, again)


@pytest.mark.parametrize(
    ("type", "name", "shared"),
    [
        (aws.LOG_GROUP, "name", False),
        (aws.PARAMETER, "name", False),
        (aws.BUCKET, "bucket", True),
        (aws.DASHBOARD, "dashboardName", True),
    ],
)
def test_names_are_unique_in_a_region_or_everywhere(
    cloud: Cloud, type: str, name: str, shared: bool
) -> None:
    create(cloud, type, {name: "same"})

    if shared:
        with pytest.raises(AwsError, match="already exists: same"):
            create(cloud, type, {name: "same", "region": "us-east-1"})
    else:
        create(cloud, type, {name: "same", "region": "us-east-1"})


def test_a_function_does_not_reach_into_another_region(cloud: Cloud) -> None:
    create_all(cloud, [ROLE, LOG_GROUP])

    with pytest.raises(AwsError, match="log group does not exist: g"):
        create(cloud, FUNCTION[0], {**FUNCTION[1], "region": "us-east-1"})


def test_update_changes_and_delete_takes_away(cloud: Cloud) -> None:
    api = create(cloud, *API)
    inputs: Properties = {"apiId": api, "routeKey": "GET /a"}
    id, old = cloud.create(aws.ROUTE, "route", inputs, HOME, "route")

    new = cloud.update(aws.ROUTE, "route", id, old, {**inputs, "routeKey": "GET /b"}, HOME)
    made = cloud.read(aws.ROUTE, "route", id, new, HOME)
    cloud.delete(aws.ROUTE, "route", id, new, HOME)

    assert made is not None
    assert made.outputs == {"apiId": api, "routeKey": "GET /b", "region": "eu-west-1"}
    assert [made.type for made in cloud.resources().values()] == [aws.API]
    with pytest.raises(AwsError, match=f"NotFound: {aws.ROUTE} {id} does not exist"):
        cloud.update(aws.ROUTE, "route", id, new, new, HOME)


def test_a_refused_update_leaves_all_as_it_was(cloud: Cloud) -> None:
    create_all(cloud, [ROLE, LOG_GROUP, FUNCTION])
    before = cloud.resources()
    (old,) = (made for made in before.values() if made.type == aws.FUNCTION)
    outputs: Properties = {"name": str(old.outputs["name"]), "region": old.region}

    with pytest.raises(AwsError, match="log group does not exist: no"):
        cloud.update(
            aws.FUNCTION,
            "made",
            old.id,
            outputs,
            {**FUNCTION[1], "loggingConfig": {"logGroup": "no"}},
            HOME,
        )

    assert cloud.resources() == before


def test_a_role_goes_after_its_policies(cloud: Cloud) -> None:
    create_all(cloud, WHOLE[:2])

    with pytest.raises(AwsError, match="DeleteConflict"):
        cloud.delete(aws.ROLE, "role", "r", {"name": "r"}, HOME)
    cloud.delete(aws.ROLE_POLICY, "policy", "r:p", {"name": "p", "role": "r"}, HOME)
    cloud.delete(aws.ROLE, "role", "r", {"name": "r"}, HOME)

    assert cloud.resources() == {}
    cloud.delete(aws.ROLE, "role", "r", {"name": "r"}, HOME)


def test_failures_can_be_asked_for_and_taken_back(cloud: Cloud) -> None:
    cloud.fail("create", "routes.GET /", "TooManyRequestsException")

    with pytest.raises(AwsError, match="TooManyRequestsException"):
        create(cloud, *API, name="routes.GET /")
    create(cloud, *API, name="another")
    cloud.heal()
    create(cloud, *API, name="routes.GET /")

    assert cloud.calls() == [("create", "another"), ("create", "routes.GET /")]


def test_forget_takes_away_behind_the_providers_back(cloud: Cloud) -> None:
    create_all(cloud, [TOPIC, LOG_GROUP])

    cloud.forget(aws.TOPIC, TOPIC_ARN)

    assert cloud.read(aws.TOPIC, "topic", TOPIC_ARN, {"name": "t"}, HOME) is None
    assert cloud.read(aws.LOG_GROUP, "logs", "g", {}, HOME) is not None
    with pytest.raises(KeyError):
        cloud.forget(aws.TOPIC, TOPIC_ARN)
