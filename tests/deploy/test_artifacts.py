"""Packages that go through a bucket, on an in-process engine: what is registered, what changes."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import framework
from tests.support.aws import BUCKET_OBJECT
from tests.support.deployment import Registered
from tests.support.monitor import Run, run
from tests.support.projects import project
from tests.support.wheels import make_folder
from tests.support.wire import Archive, Asset

SERVICE = """\
service: images
functions:
  render: {handler: app.main, source: handlers/heavy, upload: bucket}
  crop: {handler: app.main, source: handlers/heavy, upload: bucket}
  other: {handler: app.main, source: handlers/other, upload: bucket}
  health: {handler: app.main, source: handlers/heavy}
alarms: {enabled: false, reason: a test}
"""

HEAVY = "functions/artifacts/handlers/heavy/python3.13-arm64"
OTHER = "functions/artifacts/handlers/other/python3.13-arm64"


def service(folder: Path) -> Path:
    for name in ("heavy", "other"):
        files = {"app.py": f"NAME = {name!r}\ndef main(event, context): ...\n"}
        make_folder(folder / "handlers" / name, files)
    return project(folder, SERVICE)


def deployed(file: Path, before: Run | None = None) -> Run:
    done = run(
        lambda: framework.deploy(file),
        config={"aws:region": "eu-west-1"},
        state=before.state if before else {},
    )
    assert done.error is None
    return done


def digest(source: object) -> str:
    assert isinstance(source, Asset)
    return sha256(Path(source.path).read_bytes()).hexdigest()


def objects(done: Run) -> dict[str, Registered]:
    return {key: each for key, each in done.registered.items() if each.type == BUCKET_OBJECT}


def test_a_package_is_one_object_that_is_named_by_its_content(tmp_path: Path) -> None:
    done = deployed(service(tmp_path))
    assert list(objects(done)) == [HEAVY, OTHER]
    for key, each in objects(done).items():
        folder = key.removeprefix("functions/artifacts/")
        assert each.inputs["key"] == f"{folder}/{digest(each.inputs['source'])}.zip"
        assert each.inputs["bucket"] == done.registered["functions/artifacts"].inputs["bucket"]
        assert each.retain_on_delete
        assert not each.delete_before_replace


def test_functions_fetch_it_and_come_after_it(tmp_path: Path) -> None:
    done = deployed(service(tmp_path))
    heavy = done.registered[HEAVY]
    for name in ("functions.render", "functions.crop"):
        function = done.registered[name]
        assert function.inputs["s3Bucket"] == heavy.inputs["bucket"]
        assert function.inputs["s3Key"] == heavy.inputs["key"]
        assert "code" not in function.inputs
        assert heavy.urn in function.dependencies
    direct = done.registered["functions.health"]
    assert isinstance(direct.inputs["code"], Archive)
    assert direct.inputs.keys().isdisjoint({"s3Bucket", "s3Key"})


def test_another_content_is_another_object_and_changes_nothing_else(tmp_path: Path) -> None:
    file = service(tmp_path)
    first = deployed(file)
    assert deployed(file, first).changed() == {}
    make_folder(tmp_path / "handlers/other", {"more.py": "MORE = 1\n"})
    second = deployed(file, first)
    assert second.changed() == {OTHER: "replace", "functions.other": "update"}
    one, other = (done.registered[OTHER].inputs["key"] for done in (first, second))
    assert one != other
    assert second.registered["functions.other"].inputs["s3Key"] == other


def test_it_moves_from_one_way_to_the_other_in_place(tmp_path: Path) -> None:
    file = service(tmp_path)
    first = deployed(file)
    file.write_text(SERVICE.replace("heavy, upload: bucket", "heavy"), "utf-8")
    assert deployed(file, first).changed() == {
        "functions.render": "update",
        "functions.crop": "update",
        HEAVY: "delete",
    }
