"""What of a plan local mode does not have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from framework.local import unsupported
from framework.local.errors import LocalError
from framework.local.model import read
from framework.plan.resource import Attr, Plan, Resource, Value
from tests.support.plans import API_ID, PlanBuilder
from tests.support.projects import ROOT, planned

CASES = sorted((ROOT / "tests/cases").glob("*/services.yaml"))


def changed(key: str, **inputs: Value) -> Plan:
    """A small plan with other inputs on one resource; None leaves one out."""

    def change(resource: Resource) -> Resource:
        if resource.key != key:
            return resource
        merged = {**resource.inputs, **inputs}
        return replace(resource, inputs={n: v for n, v in merged.items() if v is not None})

    builder = PlanBuilder().function("f", "app.f").route("GET /f", "f")
    return builder.plan().transformed(change)


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.parent.name)
def test_nothing_is_amiss_in_what_the_kinds_make(file: Path) -> None:
    plan = planned(file)

    unsupported.refuse(plan.resources)
    assert list(unsupported.lines(plan.resources)) == []


@pytest.mark.parametrize(
    ("key", "inputs", "line"),
    [
        ("api", {"protocolType": None}, "api: protocolType is not set: only HTTP runs here"),
        (
            "api",
            {"disableExecuteApiEndpoint": True},
            "api: disableExecuteApiEndpoint is True: only False runs here",
        ),
        (
            "functions.f/integration",
            {"responseParameters": [{"statusCode": "200"}]},
            "functions.f/integration: responseParameters is set: local mode does not have that",
        ),
        (
            "functions.f",
            {"packageType": "x" * 40},
            "functions.f: packageType is set: only Zip runs here",
        ),
    ],
)
def test_a_property_that_would_not_be_honoured_is_refused(
    key: str, inputs: dict[str, Value], line: str
) -> None:
    with pytest.raises(LocalError) as caught:
        read(changed(key, **inputs))

    assert str(caught.value) == line


def test_all_of_them_are_said_at_once() -> None:
    plan = changed("api", protocolType="WEBSOCKET", disableExecuteApiEndpoint=True)

    with pytest.raises(LocalError) as caught:
        unsupported.refuse(plan.resources)

    assert len(str(caught.value).splitlines()) == 2


def test_a_route_with_another_authorizer_is_not_served() -> None:
    authorizer: dict[str, Value] = {"apiId": API_ID, "authorizerType": "REQUEST", "name": "own"}
    builder = PlanBuilder().function("f", "app.f")
    builder.route(
        "GET /f", "f", authorizationType="CUSTOM", authorizerId=Attr("api.authorizers.own", "id")
    )
    key = "api.authorizers.own"
    builder.resources.append(Resource(key, "aws:apigatewayv2/authorizer:Authorizer", authorizer))

    route = read(builder.plan()).routes[0]
    assert (route.authorizer, route.served) == (None, False)


@pytest.mark.parametrize(
    "token",
    [
        "aws:sqs/queue:Queue",
        "aws:s3/bucketNotification:BucketNotification",
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
    ],
)
def test_what_nothing_stands_for_is_said(token: str) -> None:
    lines = list(unsupported.lines([Resource("own.x", token, {})]))

    assert lines == [f"NOT SIMULATED: local mode has nothing for own.x ({token})"]
