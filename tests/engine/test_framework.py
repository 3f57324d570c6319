"""The sample on the real engine: what `pulumi up` does from the first day to the last."""

from __future__ import annotations

import json

import pytest

from tests.engine.stack import Stack
from tests.support.projects import ROOT

pytestmark = pytest.mark.engine

SECRET = "a-key-that-nobody-may-see"


@pytest.fixture
def sample(stack: Stack) -> Stack:
    """The sample as a project of its own, its secret set."""
    stack.copy_project(ROOT, "Pulumi.yaml", "__main__.py", "services.yaml", "handlers")
    stack.config_set("parameters.signing-key", SECRET, secret=True, path=True)
    return stack


def test_the_life_of_a_service(sample: Stack) -> None:
    preview = sample.preview()
    assert set(preview.changed().values()) == {"create"}

    created = sample.up()
    assert created.changed() == preview.changed()
    assert sample.outputs()["functions"] == {
        name: f"notes-dev-{name}"
        for name in ("list-notes", "read-note", "write-note", "delete-note")
    }
    assert str(sample.outputs()["url"]).startswith("https://")
    assert SECRET not in json.dumps(sample.export())

    assert sample.up().changed() == {}

    handler = sample.project / "handlers" / "notes.py"
    handler.write_text(handler.read_text("utf-8") + "\n# changed\n", "utf-8")
    assert sample.up().changed() == {
        f"functions.{name}": "update"
        for name in ("list-notes", "read-note", "write-note", "delete-note")
    }

    services = sample.project / "services.yaml"
    route = "  DELETE /notes/{id}: {function: delete-note}\n"
    services.write_text(services.read_text("utf-8").replace(route, ""), "utf-8")
    assert sample.up().changed() == {
        "routes.DELETE /notes/{id}": "delete",
        "routes.DELETE /notes/{id}/permission": "delete",
        "functions.delete-note/integration": "delete",
    }

    sample.destroy()
    assert sample.cloud.resources() == {}


TWO = """\
service: pair
functions:
  one: {handler: app.main, source: one}
  two: {handler: app.main, source: two}
parameters:
  key: {}
"""


@pytest.fixture
def pair(stack: Stack) -> Stack:
    """A service of two functions, each in a folder of its own, and a secret without a value."""
    stack.copy_project(ROOT, "Pulumi.yaml", "__main__.py")
    for name in ("one", "two"):
        (stack.project / name).mkdir()
        (stack.project / name / "app.py").write_text("def main(event, context): ...\n", "utf-8")
    (stack.project / "services.yaml").write_text(TWO, "utf-8")
    return stack


def test_a_changed_handler_updates_its_function_alone(pair: Stack) -> None:
    pair.config_set("parameters.key", SECRET, secret=True, path=True)
    pair.up()
    (pair.project / "one" / "app.py").write_text("def main(event, context): return 1\n", "utf-8")
    assert pair.up().changed() == {"functions.one": "update"}


def test_a_secret_without_a_value_stops_the_preview(pair: Stack) -> None:
    refused = pair.preview(succeeds=False)
    assert (
        "services.yaml:6:3: parameters.key: has no value in stack 'dev': "
        "run  pulumi config set --secret --path parameters.key --stack dev"
    ) in refused.output
    assert "Traceback" not in refused.output
    assert pair.cloud.resources() == {}


def test_a_mistake_in_services_yaml_stops_the_preview(pair: Stack) -> None:
    (pair.project / "services.yaml").write_text(TWO.replace("app.main", "app.mian"), "utf-8")
    refused = pair.preview(succeeds=False)
    assert "functions.one.handler: one/app.py has no function mian" in refused.output
    assert "Traceback" not in refused.output
