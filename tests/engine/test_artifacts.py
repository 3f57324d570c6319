"""Packages in a bucket on the real engine: what is there, after failures and at the end."""

from __future__ import annotations

import pytest

from tests.engine.stack import Outcome, Stack
from tests.support.aws import BUCKET, BUCKET_OBJECT, FUNCTION, PARAMETER
from tests.support.projects import ROOT

pytestmark = pytest.mark.engine

SERVICE = """\
service: images
functions:
  render: {handler: app.main, upload: bucket}
alarms: {enabled: false, reason: a test}
"""

PACKAGE = "functions/artifacts/handlers/python3.13-arm64"


class Images(Stack):
    """A service with one package in a bucket."""

    def write(self, text: str) -> None:
        """Write services.yaml."""
        (self.project / "services.yaml").write_text(text, "utf-8")

    def handle(self, number: int) -> None:
        """Write a handler, another for each number."""
        (self.project / "handlers").mkdir(exist_ok=True)
        text = f"def main(event, context): return {number}\n"
        (self.project / "handlers" / "app.py").write_text(text, "utf-8")

    def made(self, type: str, name: str) -> list[str]:
        """What the cloud has of a type: the values of one of its properties, sorted."""
        made = (each for each in self.cloud.resources().values() if each.type == type)
        return sorted(str(each.outputs[name]) for each in made)


@pytest.fixture
def images(stack: Stack) -> Images:
    """The service, deployed."""
    images = Images(stack.project.parent)
    images.copy_project(ROOT, "Pulumi.yaml", "__main__.py")
    images.write(SERVICE)
    images.handle(1)
    images.up()
    return images


def of_package_and_function(outcome: Outcome) -> list[tuple[str, str]]:
    """What was done to the object and the function, in order."""
    found = ((operation, urn.split("::", 3)[3]) for operation, urn in outcome.operations)
    return [
        each for each in found if each[1] in (PACKAGE, "functions.render") and each[0] != "same"
    ]


def test_the_new_package_is_there_first_and_the_old_one_stays(images: Images) -> None:
    (first,) = images.made(BUCKET_OBJECT, "key")
    assert images.made(FUNCTION, "s3Key") == [first]
    assert images.up().changed() == {}
    images.handle(2)
    changed = images.up()
    assert changed.changed() == {PACKAGE: "replace", "functions.render": "update"}
    order = [each for each in of_package_and_function(changed) if each[0] != "replace"]
    assert order[:2] == [("create-replacement", PACKAGE), ("update", "functions.render")]
    (second,) = images.made(FUNCTION, "s3Key")
    assert images.made(BUCKET_OBJECT, "key") == sorted([first, second])


def test_going_back_after_a_failure_finds_the_old_package(images: Images) -> None:
    (first,) = images.made(FUNCTION, "s3Key")
    images.handle(2)
    images.cloud.fail("update", "functions.render", "InvalidParameterValueException: too large")
    images.up(succeeds=False)
    images.cloud.heal()
    images.handle(1)
    images.up()
    assert images.made(FUNCTION, "s3Key") == [first]
    assert first in images.made(BUCKET_OBJECT, "key")
    images.write(SERVICE.replace("alarms", "  crop: {handler: app.main, upload: bucket}\nalarms"))
    images.up()
    assert images.made(FUNCTION, "s3Key") == [first, first]


def test_what_was_emptied_is_uploaded_again(images: Images) -> None:
    (key,) = images.made(BUCKET_OBJECT, "key")
    images.cloud.forget(BUCKET_OBJECT, key)
    assert images.up("--refresh").changed() == {PACKAGE: "create"}
    assert images.made(BUCKET_OBJECT, "key") == [key]


def test_the_bucket_goes_with_the_last_function_that_needs_it(images: Images) -> None:
    images.write(SERVICE.replace(", upload: bucket", ""))
    done = images.up()
    assert done.changed()["functions.render"] == "update"
    assert done.changed()[PACKAGE] == "delete"
    assert done.changed()["functions/artifacts"] == "delete"
    assert images.made(BUCKET_OBJECT, "key") == []
    assert images.made(BUCKET, "bucket") == []


def test_destroying_empties_it(images: Images) -> None:
    images.handle(2)
    images.up()
    assert len(images.made(BUCKET_OBJECT, "key")) == 2
    images.destroy()
    assert images.cloud.resources() == {}


PARAMETERS = """\
service: images
parameters:
  title: {secret: false, value: Images}
"""


def test_a_parameter_that_becomes_a_secret_is_another_one(images: Images) -> None:
    images.write(PARAMETERS)
    images.up()
    images.config_set("parameters.title", "hunter2", secret=True, path=True)
    images.write("service: images\nparameters: {title: {}}\n")
    assert images.up().changed() == {"parameters.title": "replace"}
    assert images.made(PARAMETER, "type") == ["SecureString"]
    assert images.up().changed() == {}
