"""The fixture for a project's own tests, used by a project of its own."""

from __future__ import annotations

from textwrap import dedent

import pytest

pytest_plugins = ["pytester"]

SERVICES = """
    service: notes
    regions: [eu-west-1]
    alarms: {enabled: false, reason: a test}
    functions:
      list-notes: {handler: app.list_notes, environment: {TITLE: Notes}}
      fail: {handler: app.fail}
      look: {handler: app.look}
    routes:
      GET /notes: {function: list-notes, auth: none}
      POST /notes: {function: list-notes, auth: none}
    buckets: {notes: {}}
"""
HANDLERS = """
    import os

    def list_notes(event, context):
        print("listing")
        return {"title": os.environ["TITLE"], "body": event.get("body")}

    def fail(event, context):
        raise ValueError(event["why"])

    def look(event, context):
        import boto3
        boto3.client("s3").get_object(Bucket="notes-local-notes-000000000000-eu-west-1", Key="x")
"""
TESTS = """
    import pytest
    from framework.testing import FunctionFailed

    def test_a_request(local_service):
        answer = local_service.get("/notes")
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == {"title": "Notes", "body": None}
        assert local_service.url.startswith("http://127.0.0.1:")
        assert "listing" in local_service.logs

    @pytest.mark.parametrize("body", [{"a": 1}, '{"a": 1}'])
    def test_a_body(local_service, body):
        answer = local_service.request(
            "POST", "/notes", body, headers={"content-type": "application/json"}
        )
        assert answer.json()["body"] == '{"a": 1}'
        assert answer.text.startswith('{"title"')

    def test_an_invocation(local_service):
        assert local_service.invoke("list-notes") == {"title": "Notes", "body": None}

    def test_a_failure(local_service):
        with pytest.raises(FunctionFailed, match="ValueError: because") as caught:
            local_service.invoke("fail", {"why": "because"})
        assert caught.value.error["errorType"] == "ValueError"
        assert local_service.problems[0] == "functions.fail: ValueError: because"

    def test_a_denial(local_service):
        with pytest.raises(FunctionFailed, match="AccessDenied"):
            local_service.invoke("functions.look")
        assert local_service.denied[0].endswith("add  uses: {buckets.notes: [read]}")
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    (pytester.mkdir("handlers") / "app.py").write_text(dedent(HANDLERS), "utf-8")
    (pytester.path / "services.yaml").write_text(dedent(SERVICES), "utf-8")
    pytester.makepyfile(TESTS)
    return pytester


def test_a_project_tests_itself(project: pytest.Pytester) -> None:
    project.makeconftest("from framework.testing import local_service as local_service")

    project.runpytest_subprocess("-q", "-p", "no:cacheprovider").assert_outcomes(passed=6)


def test_a_file_of_another_name_and_a_mistake_in_it(project: pytest.Pytester) -> None:
    (project.path / "services.yaml").rename(project.path / "other.yaml")
    project.makeconftest(
        "from framework.testing import service_fixture\n"
        "local_service = service_fixture('other.yaml')"
    )
    file = project.path / "other.yaml"
    file.write_text(file.read_text().replace("app.fail", "app.fial"))

    result = project.runpytest_subprocess("-q", "-p", "no:cacheprovider")

    result.assert_outcomes(errors=6)
    result.stdout.fnmatch_lines(["the service does not start: *other.yaml:7:*did you mean 'fail'?"])
    result.stdout.no_fnmatch_line("*Traceback*")
