"""services.yaml is followed while the service runs, and a mistake in it changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.local.events import Reloaded
from tests.support.local import wait_until, write_handlers
from tests.support.running import Running, run

HANDLERS = """
    import os
    import boto3

    calls = 0

    def one(event, context):
        global calls
        calls += 1
        long = context.get_remaining_time_in_millis() > 15_000
        return {"calls": calls, "size": os.environ.get("SIZE"), "timeout": long}

    def read(event, context):
        ssm = boto3.client("ssm")
        try:
            found = ssm.get_parameter(Name=os.environ["TITLE_PARAMETER"], WithDecryption=True)
        except ssm.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
        return found["Parameter"]["Value"]

    def put(event, context):
        boto3.client("s3").put_object(Bucket=os.environ["NOTES_BUCKET"], Key="a", Body=b"x")
        return "done"

    def slow(event, context):
        import os, time
        from pathlib import Path
        folder = Path(event["queryStringParameters"]["folder"])
        (folder / "begun").write_text(str(os.getpid()))
        while not (folder / "go").exists():
            time.sleep(0.01)
        return "old"
"""
TEXT = """
    service: notes
    regions: [eu-west-1]
    alarms: {enabled: false, reason: a test}
    functions:
      one: {handler: app.one, environment: {SIZE: "1"}}
    routes:
      GET /one: {function: one, auth: none}
"""


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Running]:
    with run(tmp_path, TEXT, HANDLERS) as running:
        yield running


def test_a_new_route_is_there_at_the_next_request(up: Running) -> None:
    assert up.client.get("/two").status_code == 404

    up.write(TEXT + "      GET /two: {function: one, auth: none}\n")

    assert up.client.get("/two").status_code == 200
    assert Reloaded(("new routes.GET /two",)) in up.events
    assert up.lines.said[-2:] == ["services.yaml has changed:", "  new routes.GET /two"]


def test_a_route_that_is_gone_is_not_found(up: Running) -> None:
    up.write(TEXT.replace("GET /one", "GET /other"))

    assert up.client.get("/one").status_code == 404
    assert up.client.get("/other").status_code == 200


def test_a_changed_environment_is_that_of_the_next_request(up: Running) -> None:
    assert up.client.get("/one").json()["size"] == "1"

    up.write(TEXT.replace('SIZE: "1"', 'SIZE: "2"').replace("app.one,", "app.one, timeout: 20,"))

    assert up.client.get("/one").json() == {"calls": 1, "size": "2", "timeout": True}


def test_what_has_not_changed_stays_warm(up: Running) -> None:
    up.client.get("/one")

    up.write(TEXT + "      GET /two: {function: one, auth: none}\n")

    assert up.client.get("/two").json()["calls"] == 2


def test_a_mistake_is_said_with_its_line_and_changes_nothing(up: Running) -> None:
    up.write(TEXT.replace("handler: app.one", "handlr: app.one"))

    assert up.client.get("/one").json()["size"] == "1"
    said = up.lines.wait_for("did you mean 'handler'?")
    assert f"{up.folder}/services.yaml:6:" in said
    assert said.endswith("\nthe service goes on as it was before this change")


def test_a_mistake_is_said_once_and_its_end_too(up: Running) -> None:
    up.write(TEXT.replace("app.one", "app.tow"))
    for _ in range(3):
        assert up.client.get("/one").status_code == 200
    up.write(TEXT.replace("GET /one", "GET /won"))

    assert up.client.get("/won").status_code == 200
    assert len([line for line in up.lines.said if "goes on as it was" in line]) == 1


def test_a_handler_written_after_it_is_named(up: Running) -> None:
    up.write(TEXT.replace("app.one", "other.main"))
    up.client.get("/one")
    up.lines.wait_for("goes on as it was")

    write_handlers(up.folder, "def main(event, context): return 'other'", module="other")

    assert up.client.get("/one").text == "other"


def test_a_file_that_is_gone_for_a_moment_is_a_mistake_alone(up: Running) -> None:
    (up.folder / "services.yaml").unlink()
    assert up.client.get("/one").status_code == 200
    up.lines.wait_for("goes on as it was")

    up.write(TEXT)

    assert up.client.get("/one").status_code == 200


def test_a_change_is_followed_without_a_request(up: Running) -> None:
    up.write(TEXT + "      GET /two: {function: one, auth: none}\n")

    up.lines.wait_for("new routes.GET /two")


def test_other_regions_need_another_start(up: Running) -> None:
    up.write(TEXT.replace("[eu-west-1]", "[eu-central-1]"))

    assert up.client.get("/one").status_code == 200
    up.lines.wait_for("the regions have changed: start services local again to follow them")


GRANTED = """
    service: notes
    regions: [eu-west-1]
    alarms: {enabled: false, reason: a test}
    functions:
      read: {handler: app.read, uses: {parameters.title: read}}
      put: {handler: app.put, uses: {buckets.notes: write}}
    routes:
      GET /read: {function: read, auth: none}
      PUT /put: {function: put, auth: none}
    buckets: {notes: {}}
    parameters:
      title: {secret: false, value: Notes}
"""


def test_buckets_parameters_and_grants_follow(up: Running) -> None:
    up.write(GRANTED)
    assert up.client.get("/read").text == "Notes"
    assert up.client.put("/put").text == "done"

    up.write(GRANTED.replace("value: Notes", "value: Others"))
    assert up.client.get("/read").text == "Others"

    up.write(GRANTED.replace("parameters.title: read", "parameters.title: write"))
    assert up.client.get("/read").text == "AccessDeniedException"


def test_an_invocation_under_way_ends_as_it_began(up: Running, tmp_path: Path) -> None:
    import threading

    up.write(TEXT.replace("app.one", "app.slow"))
    answers: list[str] = []

    def call() -> None:
        answers.append(up.client.get("/one", params={"folder": str(tmp_path)}).text)

    thread = threading.Thread(target=call)
    thread.start()
    wait_until(lambda: (tmp_path / "begun").exists())
    old = up.service.deployment.pools["functions.one"]

    up.write(TEXT)
    assert up.client.get("/one").json()["calls"] == 1
    pid = int((tmp_path / "begun").read_text())
    (tmp_path / "go").touch()
    thread.join()

    assert answers == ["old"]
    wait_until(lambda: not old.workers)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
