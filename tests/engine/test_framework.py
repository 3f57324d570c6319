"""The sample on the real engine: what `pulumi up` does from the first day to the last."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.engine.stack import Stack
from tests.support.projects import ROOT

pytestmark = pytest.mark.engine

SECRET = "a-key-that-nobody-may-see"


@pytest.fixture
def sample(stack: Stack) -> Iterator[Stack]:
    """The sample as a project of its own, its secret set."""
    stack.copy_project(ROOT, "Pulumi.yaml", "__main__.py", "services.yaml", "handlers")
    stack.config_set("parameters.signing-key", SECRET, secret=True, path=True)
    yield stack


def test_the_life_of_a_service(sample: Stack) -> None:
    preview = sample.preview()
    assert set(preview.changed().values()) == {"create"}

    created = sample.up()
    assert created.changed() == preview.changed()
    assert sample.outputs()["functions"] == {
        name: f"notes-dev-{name}" for name in ("list-notes", "read-note", "write-note", "delete-note")
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
