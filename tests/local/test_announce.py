"""What is said at the start, word for word."""

from __future__ import annotations

import pytest

from framework.local.announce import NOT_PROVED, curl, lines
from framework.local.model import read
from framework.plan.resource import Attr, Plan, Resource
from tests.support.plans import PlanBuilder

URL = "http://127.0.0.1:8000"


def test_every_line_of_the_start() -> None:
    authorizer = Attr("api.authorizers.main", "id")
    plan = (
        PlanBuilder()
        .function("list-notes", "app.f")
        .authorizer("main", "https://login.example.com/", "notes")
        .route("GET /notes", "list-notes")
        .route("PUT /notes/{id}", "list-notes", authorizationType="JWT", authorizerId=authorizer)
        .route("GET /signed", "list-notes", authorizationType="AWS_IAM")
        .route("GET /forbidden", "list-notes", permitted=False)
        .bucket("notes")
        .parameter("signing-key")
        .parameter("page-title", "Notes")
        .plan()
    )
    elsewhere = Resource("functions.f@us-east-1", "aws:lambda/function:Function", {})
    model = read(Plan((*plan.resources, elsewhere)))

    assert list(lines(model, URL, ["python3.13 is not installed"])) == [
        "notes-dev is up on http://127.0.0.1:8000 (region eu-west-1, account 123456789012)",
        "  GET /notes       functions.list-notes",
        "                   curl http://127.0.0.1:8000/notes",
        "  PUT /notes/{id}  functions.list-notes",
        "                   curl -X PUT -H 'authorization: Bearer TOKEN'"
        " -H 'content-type: application/json' -d '{}' http://127.0.0.1:8000/notes/id",
        "  GET /signed      functions.list-notes",
        "  GET /forbidden   functions.list-notes",
        "                   curl http://127.0.0.1:8000/forbidden",
        "  buckets.notes  bucket notes-dev-notes-123456789012-eu-west-1",
        "  parameters.signing-key  SecureString /notes/dev/signing-key",
        "  parameters.page-title  String /notes/dev/page-title",
        "NOT SERVED: GET /signed takes AWS_IAM signatures, which local mode does not check:"
        " it answers 501",
        "NOT PERMITTED: GET /forbidden may not invoke functions.list-notes: it answers 500",
        "NOT SERVED: region us-east-1: local mode runs the home region alone",
        "Note: python3.13 is not installed",
        NOT_PROVED,
        "Press Ctrl-C to end.",
    ]


@pytest.mark.parametrize(
    ("route", "command"),
    [
        ("GET /", "curl http://127.0.0.1:8000/"),
        ("HEAD /a", "curl --head http://127.0.0.1:8000/a"),
        ("DELETE /a/{id}/{path+}", "curl -X DELETE http://127.0.0.1:8000/a/id/path"),
        ("ANY /a", "curl http://127.0.0.1:8000/a"),
        ("$default", "curl http://127.0.0.1:8000/"),
        ("GET /a'; rm -rf /", "curl 'http://127.0.0.1:8000/a'\"'\"'; rm -rf /'"),
    ],
)
def test_a_command_for_every_route(route: str, command: str) -> None:
    model = read(PlanBuilder().function("f", "app.f").route(route, "f").plan())

    assert curl(model.routes[0], URL) == command


def test_a_plan_without_an_api() -> None:
    assert next(lines(read(Plan(())), URL)) == (
        "is up on http://127.0.0.1:8000 (region us-east-1, account 000000000000)"
    )
