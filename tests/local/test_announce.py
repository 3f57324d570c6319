"""What is said at the start, word for word."""

from __future__ import annotations

import pytest

from framework.local.announce import NOT_PROVED, curl, lines
from framework.local.environment import Credentials
from framework.local.model import read
from framework.plan.resource import Attr, Plan
from tests.support.plans import PlanBuilder

DEVELOPER = Credentials("AKIAEXAMPLE", "secret", "")
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
        .route("GET /custom", "list-notes", authorizationType="CUSTOM")
        .route("GET /forbidden", "list-notes", permitted=False)
        .bucket("notes")
        .parameter("signing-key")
        .parameter("page-title", "Notes")
        .plan()
    )
    assert list(lines([read(plan)], [URL], DEVELOPER, ["python3.13 is not installed"])) == [
        "notes-dev is up on http://127.0.0.1:8000 (region eu-west-1, account 123456789012)",
        "  GET /notes       functions.list-notes",
        "                   curl http://127.0.0.1:8000/notes",
        "  PUT /notes/{id}  functions.list-notes",
        "                   curl -X PUT -H 'authorization: Bearer TOKEN'"
        " -H 'content-type: application/json' -d '{}' http://127.0.0.1:8000/notes/id",
        "  GET /signed      functions.list-notes",
        "                   curl --aws-sigv4 aws:amz:eu-west-1:execute-api"
        ' http://127.0.0.1:8000/signed --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"',
        "  GET /custom      functions.list-notes",
        "  GET /forbidden   functions.list-notes",
        "                   curl http://127.0.0.1:8000/forbidden",
        "  buckets.notes  bucket notes-dev-notes-123456789012-eu-west-1",
        "  parameters.signing-key  SecureString /notes/dev/signing-key",
        "  parameters.page-title  String /notes/dev/page-title",
        "NOT SERVED: local mode does not know the authorization CUSTOM of GET /custom:"
        " it answers 501",
        "NOT PERMITTED: GET /forbidden may not invoke functions.list-notes: it answers 500",
        "Requests to AWS_IAM routes are signed with, for example,",
        "  export AWS_ACCESS_KEY_ID=AKIAEXAMPLE",
        "  export AWS_SECRET_ACCESS_KEY=secret",
        "Note: python3.13 is not installed",
        NOT_PROVED,
        "Press Ctrl-C to end.",
    ]


@pytest.mark.parametrize(
    ("route", "line"),
    [
        ("GET /notes", "  look at it: http://127.0.0.1:8000/_services"),
        ("$default", "  look at it: http://127.0.0.1:8000/_services"),
        (
            "GET /_services",
            "  no page to look at: its place is taken by routes.GET /_services",
        ),
    ],
)
def test_the_page_is_the_second_line(route: str, line: str) -> None:
    model = read(PlanBuilder().function("f", "app.f").route(route, "f").plan())

    assert list(lines([model], [URL], DEVELOPER, page=True))[1] == line


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

    assert curl(model.routes[0], URL, "eu-west-1") == command


def test_a_plan_without_an_api() -> None:
    assert next(lines([read(Plan(()))], [URL], DEVELOPER)) == (
        "is up on http://127.0.0.1:8000 (region us-east-1, account 000000000000)"
    )
