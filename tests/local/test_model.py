"""What is read from a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from framework.local.model import Model, read, read_all
from framework.plan.resource import Plan, PlanError, Resource, Value
from tests.support.plans import ACCOUNT, REGION, PlanBuilder, function_arn
from tests.support.projects import ROOT, TARGET, planned


def small() -> PlanBuilder:
    return PlanBuilder().function("f", "app.f").route("GET /a/{id}", "f").bucket("b")


def changed(key: str, **inputs: Value) -> Plan:
    """The small plan with other inputs on one resource; None leaves one out."""

    def change(resource: Resource) -> Resource:
        if resource.key != key:
            return resource
        merged: Mapping[str, Value] = {**resource.inputs, **inputs}
        return replace(resource, inputs={n: v for n, v in merged.items() if v is not None})

    return small().plan().transformed(change)


def permitted(model: Model) -> bool:
    return model.routes[0].permitted


def test_account_and_region_are_those_of_the_arns() -> None:
    model = read(small().plan())

    assert (model.partition, model.region, model.account) == ("aws", REGION, ACCOUNT)
    assert model.functions[0].arn == function_arn("f")


def test_an_empty_plan_is_an_empty_model() -> None:
    model = read(Plan(()))

    assert (model.region, model.account) == ("us-east-1", "000000000000")
    assert (model.functions, model.routes, model.api) == ((), (), None)


def test_every_region_has_a_model_of_its_own() -> None:
    target = replace(TARGET, regions=("eu-west-1", "us-east-1"))
    home, other = read_all(planned(ROOT / "services.yaml", target))

    assert (home.region, other.region) == ("eu-west-1", "us-east-1")
    assert home.functions[0].entry == "functions.list-notes"
    assert other.functions[0].entry == "functions.list-notes@us-east-1"
    assert other.functions[0].arn == function_arn("list-notes").replace(REGION, "us-east-1")
    assert [route.key for route in home.routes] == [route.key for route in other.routes]
    assert all(route.permitted for route in other.routes)


def test_a_region_without_arns_has_its_name_from_its_keys() -> None:
    bucket = Resource("buckets.b@eu-central-1", "aws:s3/bucket:Bucket", {"bucket": "b"})

    assert [model.region for model in read_all(Plan((bucket,)))] == ["us-east-1", "eu-central-1"]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({}, True),
        ({"function": function_arn("f")}, True),
        ({"sourceArn": None}, True),
        ({"sourceArn": "arn:aws:execute-api:eu-west-1:123456789012:*/*/GET/a/*"}, True),
        ({"sourceArn": "arn:aws:execute-api:eu-west-1:123456789012:*/*/PUT/a/*"}, False),
        ({"sourceArn": "arn:aws:execute-api:us-east-1:123456789012:*"}, False),
        ({"sourceArn": "arn:aws:execute-api:eu-west-1:123456789012:other/*"}, False),
        ({"function": "another"}, False),
        ({"principal": "events.amazonaws.com"}, False),
        ({"action": "lambda:GetFunction"}, False),
    ],
)
def test_which_permission_fits_a_route(inputs: dict[str, Value], expected: bool) -> None:
    assert permitted(read(changed("routes.GET /a/{id}/permission", **inputs))) is expected


@pytest.mark.parametrize("key", ["ANY /x", "$default", "GET /", "POST /files/{path+}", "GET /@me"])
def test_every_kind_of_route_can_be_permitted(key: str) -> None:
    assert permitted(read(PlanBuilder().function("f", "app.f").route(key, "f").plan()))


@pytest.mark.parametrize(
    ("key", "inputs", "message"),
    [
        ("functions.f", {"handler": None}, "functions.f: handler is not text"),
        ("functions.f", {"timeout": "5"}, "functions.f: timeout is not a number"),
        ("functions.f", {"timeout": True}, "functions.f: timeout is not a number"),
        ("functions.f", {"code": "x"}, "functions.f: code is not a package"),
        ("functions.f", {"environment": "x"}, "functions.f: environment is not an object"),
        (
            "functions.f",
            {"environment": {"variables": {"A": 1}}},
            "functions.f.environment.variables: A is not text",
        ),
        ("api", {"corsConfiguration": {"allowOrigins": "*"}}, "allowOrigins is not a list"),
        (
            "api",
            {"corsConfiguration": {"allowOrigins": [1]}},
            "allowOrigins is not a list of texts",
        ),
        (
            "api",
            {"corsConfiguration": {"allowCredentials": 1}},
            "allowCredentials is not true or false",
        ),
        (
            "api/stage",
            {"routeSettings": ["x"]},
            "api/stage: routeSettings is not a list of objects",
        ),
        (
            "routes.GET /a/{id}",
            {"target": "integrations/x"},
            "routes.GET /a/{id}: target is no integration of the plan",
        ),
        (
            "routes.GET /a/{id}",
            {"authorizerId": "x"},
            "routes.GET /a/{id}: authorizerId is no authorizer of the plan",
        ),
        (
            "functions.f/integration",
            {"integrationUri": "x"},
            "functions.f/integration: integrationUri is no function of the plan",
        ),
    ],
)
def test_a_plan_that_does_not_fit_together_is_a_bug(
    key: str, inputs: dict[str, Value], message: str
) -> None:
    with pytest.raises(PlanError) as caught:
        read(changed(key, **inputs))

    assert str(caught.value).endswith(message)


def test_an_api_has_one_stage() -> None:
    plan = small().plan()
    without = Plan(tuple(r for r in plan.resources if r.key != "api/stage"))

    with pytest.raises(PlanError, match="the API needs a stage, the plan has 0"):
        read(without)


def test_a_parameter_has_a_value() -> None:
    plan = PlanBuilder().parameter("p", "x").plan()
    without = plan.transformed(lambda r: replace(r, inputs={**r.inputs, "insecureValue": 5}))

    with pytest.raises(PlanError, match=r"parameters\.p: insecureValue is not text or a secret"):
        read(without)


def test_reserved_concurrency_and_log_group() -> None:
    plan = changed("functions.f", reservedConcurrentExecutions=3, loggingConfig=None)

    function = read(plan).functions[0]
    assert (function.concurrency, function.log_group) == (3, "/aws/lambda/notes-dev-f")
    assert read(small().plan()).functions[0].concurrency is None
