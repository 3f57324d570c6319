"""Events made for routes."""

from __future__ import annotations

import pytest

from framework.local.errors import LocalError
from framework.local.model import Model, read
from framework.local.samples import sample
from framework.plan.resource import Attr, Value
from tests.support.plans import PlanBuilder

MAIN = Attr("api.authorizers.main", "id")


def model(route: str = "GET /a/{id}/{rest+}", stage: str = "$default", **inputs: Value) -> Model:
    builder = PlanBuilder(stage={"name": stage}).function("f", "app.f")
    builder.authorizer("main", "https://login.example.com/", "notes")
    return read(builder.route(route, "f", permitted=True, **inputs).plan())


def test_a_sample_is_what_the_route_would_get() -> None:
    found = model()
    event = sample(found, found.routes[0], {"id": "a b", "rest": "c/d"}, "x=1&x=2")

    assert event["routeKey"] == "GET /a/{id}/{rest+}"
    assert event["rawPath"] == "/a/a b/c/d"
    assert event["pathParameters"] == {"id": "a b", "rest": "c/d"}
    assert event["queryStringParameters"] == {"x": "1,2"}
    assert event["isBase64Encoded"] is False
    assert "body" not in event
    headers = event["headers"]
    assert isinstance(headers, dict)
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-port"] == "443"
    assert headers["host"].endswith(".execute-api.eu-west-1.amazonaws.com")


def test_a_body_and_a_named_stage() -> None:
    found = model("POST /a", stage="v1")
    event = sample(found, found.routes[0], {}, body="{}")

    assert (event["rawPath"], event["body"]) == ("/v1/a", "{}")


@pytest.mark.parametrize(
    ("inputs", "identity"),
    [
        ({"authorizationType": "NONE"}, None),
        (
            {"authorizationType": "JWT", "authorizerId": MAIN},
            {
                "jwt": {
                    "claims": {
                        "aud": "notes",
                        "iss": "https://login.example.com/",
                        "sub": "sample-user",
                    },
                    "scopes": None,
                }
            },
        ),
        (
            {"authorizationType": "JWT", "authorizerId": MAIN, "authorizationScopes": ["a", "b"]},
            {
                "jwt": {
                    "claims": {
                        "aud": "notes",
                        "iss": "https://login.example.com/",
                        "scope": "a b",
                        "sub": "sample-user",
                    },
                    "scopes": ["a", "b"],
                }
            },
        ),
        (
            {"authorizationType": "AWS_IAM"},
            {
                "iam": {
                    "accessKey": "AKIDEXAMPLE",
                    "accountId": "123456789012",
                    "callerId": "sample-user",
                    "cognitoIdentity": None,
                    "principalOrgId": None,
                    "userArn": "arn:aws:iam::123456789012:user/sample-user",
                    "userId": "sample-user",
                }
            },
        ),
    ],
)
def test_the_caller_is_somebody_who_may(
    inputs: dict[str, Value], identity: dict[str, object] | None
) -> None:
    found = model("ANY /a", "$default", **inputs)
    context = sample(found, found.routes[0], {})["requestContext"]

    assert isinstance(context, dict)
    assert context.get("authorizer") == identity
    assert context["http"]["method"] == "GET"


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"id": "a"}, "GET /a/{id}/{rest+} needs  --path-parameter rest=VALUE"),
        ({"id": "", "rest": "b"}, "GET /a/{id}/{rest+} needs  --path-parameter id=VALUE"),
        (
            {"id": "a", "rest": "b", "x": "c"},
            "GET /a/{id}/{rest+} has no path parameter 'x'",
        ),
    ],
)
def test_the_parts_of_the_path_have_to_be_said(parameters: dict[str, str], text: str) -> None:
    found = model()
    with pytest.raises(LocalError) as caught:
        sample(found, found.routes[0], parameters)

    assert str(caught.value) == text
