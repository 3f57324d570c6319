"""What functions may do, read back from their policies, and the document that the page draws."""

from __future__ import annotations

import json

import pytest

from framework.local.console.describe import described
from framework.local.console.grants import Use, says_more, uses_of
from framework.local.console.mount import is_below, own_routes
from framework.local.model import Model, read
from framework.plan.resource import Attr, Value
from tests.support.plans import (
    PlanBuilder,
    Statement,
    allow,
    bucket_arn,
    bucket_name,
    parameter_arn,
)

NOTES, KEY = bucket_arn("notes"), parameter_arn("key")
GET, LIST = "s3:GetObject", "s3:ListBucket"
WRITE = ["s3:AbortMultipartUpload", "s3:PutObject"]
READ_KEY = ["ssm:GetParameter", "ssm:GetParameters"]


def model_of(*statements: Statement) -> Model:
    builder = PlanBuilder().function("f", "app.f", *statements)
    return read(builder.bucket("notes").bucket("other").parameter("key").plan())


def deny(action: str, resource: str) -> Statement:
    return {"Effect": "Deny", "Action": [action], "Resource": [resource]}


@pytest.mark.parametrize(
    ("statements", "uses"),
    [
        ([], []),
        ([allow(GET, f"{NOTES}/*")], [Use("buckets.notes", ("read",))]),
        (
            [allow(GET, f"{NOTES}/*"), allow(LIST, NOTES), allow(WRITE, f"{NOTES}/*")],
            [Use("buckets.notes", ("read", "list", "write"))],
        ),
        ([allow("s3:DeleteObject", f"{NOTES}/*")], [Use("buckets.notes", ("delete",))]),
        ([allow(GET, f"{NOTES}/drafts/*")], [Use("buckets.notes", ("read",), "drafts/")]),
        (
            [
                allow(GET, f"{NOTES}/drafts/*"),
                allow(LIST, NOTES, {"StringLike": {"s3:prefix": ["drafts/*"]}}),
            ],
            [Use("buckets.notes", ("read", "list"), "drafts/")],
        ),
        (
            [allow(GET, f"{NOTES}/*"), allow(WRITE, f"{NOTES}/new/*")],
            [Use("buckets.notes", ("read",)), Use("buckets.notes", ("write",), "new/")],
        ),
        (
            [allow("s3:PutObject", f"{NOTES}/*"), allow("s3:GetObjectTagging", f"{NOTES}/*")],
            [Use("buckets.notes", ("s3:PutObject", "s3:GetObjectTagging"))],
        ),
        ([allow(READ_KEY, KEY)], [Use("parameters.key", ("read",))]),
        ([allow("ssm:PutParameter", KEY)], [Use("parameters.key", ("write",))]),
        (
            [allow("s3:*", "*")],
            [Use("buckets.notes", ("s3:*",)), Use("buckets.other", ("s3:*",))],
        ),
        ([allow(["xray:PutTraceSegments"], "*")], []),
        ([deny(GET, f"{NOTES}/*")], []),
    ],
)
def test_a_policy_in_the_verbs_of_services_yaml(
    statements: list[Statement], uses: list[Use]
) -> None:
    model = model_of(*statements)

    assert list(uses_of(model, model.functions[0])) == uses


def test_a_policy_with_more_than_verbs_can_say_is_known() -> None:
    plain, denying = model_of(allow(GET, f"{NOTES}/*")), model_of(deny(GET, NOTES))

    assert (says_more(plain.functions[0]), says_more(denying.functions[0])) == (False, True)


def test_the_document_of_a_region() -> None:
    builder = (
        PlanBuilder()
        .function("read", "app.read", allow(GET, f"{NOTES}/a/*"), reservedConcurrentExecutions=2)
        .function("lone", "app.lone", timeout=3)
        .authorizer("main", "https://login.example.com/", "notes")
        .route("GET /notes/{id}", "read")
        .route(
            "POST /notes",
            "read",
            authorizationType="JWT",
            authorizerId=Attr("api.authorizers.main", "id"),
            authorizationScopes=["notes:write"],
        )
        .route("ANY /signed/{path+}", "read", authorizationType="AWS_IAM")
        .route("GET /custom", "read", authorizationType="CUSTOM", permitted=False)
        .route("$default", "read")
        .bucket("notes", versioned=False)
        .parameter("key")
        .parameter("title", "A title that is no secret")
    )
    document = described(read(builder.plan()), "http://127.0.0.1:8000")

    assert "A title" not in json.dumps(document)
    routes, functions = document["routes"], document["functions"]
    assert isinstance(routes, list)
    assert isinstance(functions, list)
    assert routes[0] == {
        "key": "GET /notes/{id}",
        "entry": "routes.GET /notes/{id}",
        "method": "GET",
        "path": "/notes/{id}",
        "function": "functions.read",
        "auth": "none",
        "authorizer": "",
        "scopes": [],
        "permitted": True,
        "example": {"method": "GET", "path": "/notes/id", "body": ""},
    }
    assert routes[1]["example"] == {"method": "POST", "path": "/notes", "body": "{}"}
    assert [(r["method"], r["auth"], r["authorizer"], r["scopes"]) for r in routes[1:]] == [
        ("POST", "jwt", "main", ["notes:write"]),
        ("ANY", "iam", "", []),
        ("GET", "unknown", "", []),
        ("", "none", "", []),
    ]
    assert routes[2]["example"] == {"method": "GET", "path": "/signed/path", "body": ""}
    assert (routes[3]["permitted"], routes[4]["path"]) == (False, "$default")
    event = json.loads(functions[0].pop("event"))
    assert (event["routeKey"], event["pathParameters"]) == ("GET /notes/{id}", {"id": "id"})
    assert functions == [
        {
            "entry": "functions.read",
            "handler": "app.read",
            "runtime": "python3.13",
            "memory": 256,
            "timeout": 10,
            "concurrency": 2,
            "uses": [{"entry": "buckets.notes", "verbs": ["read"], "prefix": "a/"}],
            "more": False,
        },
        {
            "entry": "functions.lone",
            "handler": "app.lone",
            "runtime": "python3.13",
            "memory": 256,
            "timeout": 3,
            "concurrency": None,
            "uses": [],
            "more": False,
            "event": "{}",
        },
    ]
    assert document["buckets"] == [
        {"entry": "buckets.notes", "name": bucket_name("notes"), "versioned": False}
    ]
    assert document["parameters"] == [
        {"entry": "parameters.key", "name": "/notes/dev/key", "type": "SecureString"},
        {"entry": "parameters.title", "name": "/notes/dev/title", "type": "String"},
    ]


def test_a_stage_of_its_own_is_part_of_every_path() -> None:
    builder = PlanBuilder(stage={"name": "v1"}).function("f", "app.f").route("GET /a/{id}", "f")
    document = described(read(builder.plan()), "http://127.0.0.1:8000")

    assert isinstance(document["routes"], list)
    assert document["routes"][0]["example"]["path"] == "/v1/a/id"


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("/_services", True),
        ("/_services/", True),
        ("/_services/page.css", True),
        ("/_servicesx", False),
        ("/a/_services", False),
        ("/%5Fservices", False),
        ("/", False),
    ],
)
def test_where_the_page_stands(path: str, below: bool) -> None:
    assert is_below(path) is below


@pytest.mark.parametrize(
    ("stage", "routes", "own"),
    [
        ({}, ["GET /a", "$default", "ANY /{path+}"], []),
        ({}, ["GET /_services"], ["GET /_services"]),
        ({}, ["GET /a", "ANY /_services/{path+}"], ["ANY /_services/{path+}"]),
        ({"name": "v1"}, ["GET /_services"], []),
        ({"name": "_services"}, ["GET /a"], ["GET /a"]),
    ],
)
def test_routes_that_stand_where_the_page_would(
    stage: dict[str, Value], routes: list[str], own: list[str]
) -> None:
    builder = PlanBuilder(stage=stage).function("f", "app.f")
    for route in routes:
        builder.route(route, "f")

    assert list(own_routes(read(builder.plan()))) == own
