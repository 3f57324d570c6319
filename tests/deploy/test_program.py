"""framework.deploy() on an in-process engine: what it registers, returns, exports and refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pulumi
import pytest

import framework
from framework import Resource, Secret
from framework.deploy import settings
from tests.support.monitor import Run, run
from tests.support.projects import project
from tests.support.wire import Archive, SecretValue

SERVICE = """\
service: notes
functions:
  hello:
    handler: app.main
    uses: {parameters.key: read, buckets.files: read}
routes:
  GET /: {function: hello, auth: none}
buckets:
  files: {}
parameters:
  key: {}
"""

CONFIG = {"aws:region": "eu-west-1", "notes:parameters": json.dumps({"key": "hunter2"})}


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A project with one entry of every kind."""
    return project(tmp_path, SERVICE)


def deployed(
    file: Path,
    *,
    config: Mapping[str, str] = CONFIG,
    transform: Callable[[Resource], Resource] | None = None,
    secret_keys: tuple[str, ...] = ("notes:parameters",),
    before: Run | None = None,
    dry_run: bool = False,
) -> Run:
    return run(
        lambda: framework.deploy(file, transform),
        config=config,
        secret_keys=secret_keys,
        state=before.state if before else {},
        dry_run=dry_run,
    )


def test_every_resource_of_the_plan_is_registered_under_its_entry(service: Path) -> None:
    done = deployed(service)
    assert done.error is None
    assert {name: each.type for name, each in done.components.items()} == {
        "functions.hello": "services:functions:Entry",
        "routes.GET /": "services:routes:Entry",
        "buckets.files": "services:buckets:Entry",
        "parameters.key": "services:parameters:Entry",
        "api": "services:api:Entry",
        "alarms": "services:alarms:Entry",
    }
    function = done.registered["functions.hello"]
    assert function.urn == (
        "urn:pulumi:dev::notes::services:functions:Entry$aws:lambda/function:Function"
        "::functions.hello"
    )
    assert isinstance(function.inputs["code"], Archive)


def test_a_second_run_changes_nothing(service: Path) -> None:
    first = deployed(service)
    assert set(first.changed().values()) == {"create"}
    assert deployed(service, before=first).changed() == {}


def test_the_text_of_a_comment_changes_nothing(service: Path) -> None:
    first = deployed(service)
    service.write_text(f"# a comment\n{SERVICE}", "utf-8")
    assert deployed(service, before=first).changed() == {}


def test_a_removed_route_takes_only_its_own_with_it(service: Path) -> None:
    two = SERVICE.replace("buckets:", "  GET /b: {function: hello, auth: none}\nbuckets:")
    service.write_text(two, "utf-8")
    first = deployed(service)
    service.write_text(SERVICE, "utf-8")
    assert deployed(service, before=first).changed() == {
        "routes.GET /b": "delete",
        "routes.GET /b/permission": "delete",
    }


def test_outputs_are_the_url_and_the_names(service: Path) -> None:
    done = deployed(service)
    api = done.state[done.registered["api"].urn]
    assert done.outputs == {
        "url": api.outputs["apiEndpoint"],
        "functions": {"hello": "notes-dev-hello"},
        "buckets": {"files": "notes-dev-files-123456789012-eu-west-1"},
        "parameters": {"key": "/notes/dev/key"},
    }


def test_a_preview_of_a_new_stack_does_not_know_the_url(service: Path) -> None:
    done = deployed(service, dry_run=True)
    assert done.error is None
    assert done.outputs["functions"] == {"hello": "notes-dev-hello"}
    assert "execute-api" not in str(done.outputs["url"])


def test_a_secret_is_registered_as_one_and_never_in_clear(service: Path) -> None:
    done = deployed(service)
    parameter = done.registered["parameters.key"]
    assert parameter.inputs["value"] == SecretValue("hunter2")
    assert parameter.additional_secret_outputs == ("value",)
    others = [each.inputs for name, each in done.registered.items() if name != "parameters.key"]
    assert "hunter2" not in repr(others)
    assert "hunter2" not in repr(done.logs)


def test_what_has_to_exist_first_is_a_dependency(service: Path) -> None:
    done = deployed(service)
    needs = {urn.rpartition("::")[2] for urn in done.registered["functions.hello"].dependencies}
    assert needs == {"functions.hello/role", "functions.hello/policy", "functions.hello/logs"}


def test_one_provider_with_the_stacks_settings(service: Path) -> None:
    config = {
        **CONFIG,
        "aws:profile": "work",
        "aws:maxRetries": "10",
        "aws:defaultTags": json.dumps({"tags": {"owner": "us", "stack": "theirs"}}),
    }
    done = deployed(service, config=config)
    provider = done.registered["aws"]
    assert provider.type == "pulumi:providers:aws"
    assert provider.inputs["profile"] == "work"
    assert provider.inputs["maxRetries"] == "10"
    assert provider.inputs["region"] == "eu-west-1"
    tags = json.loads(str(provider.inputs["defaultTags"]))
    assert tags == {"tags": {"owner": "us", "service": "notes", "stack": "dev"}}
    users = {each.provider for name, each in done.registered.items() if name != "aws"}
    assert users == {provider.urn}


def test_the_account_is_that_of_the_credentials(service: Path) -> None:
    done = run(
        lambda: framework.deploy(service),
        config=CONFIG,
        secret_keys=("notes:parameters",),
        account="210987654321",
    )
    assert done.registered["functions.hello"].inputs["role"] == (
        "arn:aws:iam::210987654321:role/notes-dev-hello-eu-west-1"
    )


def test_resources_are_returned_by_their_keys(service: Path) -> None:
    found: dict[str, pulumi.CustomResource] = {}

    def program() -> None:
        found.update(framework.deploy(service))
        pulumi.export("id", found["api"].id)

    done = run(program, config=CONFIG, secret_keys=("notes:parameters",))
    assert found.keys() == done.registered.keys() - {"aws"}
    assert done.outputs["id"] == done.state[done.registered["api"].urn].id


def test_a_transform_changes_what_services_yaml_cannot_say(service: Path) -> None:
    def transform(resource: Resource) -> Resource:
        if resource.key != "buckets.files":
            return resource
        return replace(resource, inputs={**resource.inputs, "objectLockEnabled": True})

    done = deployed(service, transform=transform)
    assert done.registered["buckets.files"].inputs["objectLockEnabled"] is True


def test_a_transform_may_not_rename(service: Path) -> None:
    done = deployed(service, transform=lambda resource: replace(resource, key="other"))
    assert (
        str(done.exception)
        == "nothing is deployed: the transform of functions.hello/logs did not return that resource"
    )


@pytest.mark.parametrize(
    ("config", "secret_keys", "said"),
    [
        (
            {"aws:region": "eu-west-1"},
            (),
            "{file}:11:3: parameters.key: has no value in stack 'dev': "
            "run  pulumi config set --secret --path parameters.key --stack dev",
        ),
        (
            CONFIG,
            (),
            "{file}:11:3: parameters.key: its value is not encrypted in stack 'dev': "
            "run  pulumi config set --secret --path parameters.key --stack dev",
        ),
        (
            {},
            (),
            "{file}:1:1: service: stack 'dev' has no region: "
            "run  pulumi config set aws:region REGION  or write  regions: [REGION]",
        ),
    ],
    ids=["missing", "plain", "region"],
)
def test_what_the_stack_lacks_is_said_with_the_command(
    service: Path, config: dict[str, str], secret_keys: tuple[str, ...], said: str
) -> None:
    done = deployed(service, config=config, secret_keys=secret_keys)
    assert str(done.exception) == f"nothing is deployed:\n  {said.format(file=service)}"
    assert isinstance(done.exception, pulumi.RunError)
    assert "functions.hello" not in done.registered
    assert "hunter2" not in str(done.exception)


def test_a_mistake_in_services_yaml_registers_nothing(service: Path) -> None:
    service.write_text(SERVICE.replace("app.main", "app.mian"), "utf-8")
    done = deployed(service)
    assert str(done.exception) == (
        f"nothing is deployed:\n  {service}:4:14: functions.hello.handler: "
        "handlers/app.py has no function mian, did you mean 'main'?"
    )
    assert done.registered == {}


def test_a_package_that_cannot_be_built_registers_nothing_of_the_plan(service: Path) -> None:
    (service.parent / "handlers" / "requirements.txt").write_text("-e .\n", "utf-8")
    done = deployed(service)
    assert isinstance(done.exception, pulumi.RunError)
    assert f"{service}:3:3: functions.hello.source: " in str(done.exception)
    assert set(done.registered) == {"aws"}


def test_warnings_are_logged(service: Path) -> None:
    text = SERVICE.replace("handler: app.main", "handler: app.main\n    runtime: python3.99")
    service.write_text(text, "utf-8")
    done = deployed(service)
    assert done.error is None
    assert any("python3.99 is not known here" in log.message for log in done.logs)


def test_several_regions_need_a_home(service: Path) -> None:
    service.write_text(f"regions: [eu-west-1, us-east-1]\n{SERVICE}", "utf-8")
    done = deployed(service, config={**CONFIG, "aws:region": "eu-north-1"})
    assert str(done.exception) == (
        f"nothing is deployed:\n  {service}:1:1: regions: stack 'dev' has to say which of these "
        "regions is its home: run  pulumi config set aws:region eu-west-1"
    )


def test_the_order_of_regions_changes_nothing(service: Path) -> None:
    service.write_text(f"regions: [eu-west-1, us-east-1]\n{SERVICE}", "utf-8")
    first = deployed(service)
    service.write_text(f"regions: [us-east-1, eu-west-1]\n{SERVICE}", "utf-8")
    assert deployed(service, before=first).changed() == {}


def test_encrypted_settings_of_the_provider_stay_secret(service: Path) -> None:
    config = {**CONFIG, "aws:profile": "hunter2", "aws:accessKey": "hunter3"}
    done = deployed(service, config=config, secret_keys=("notes:parameters", "aws:profile"))
    provider = done.registered["aws"]
    assert provider.inputs["profile"] == SecretValue("hunter2")
    assert provider.inputs["accessKey"] == SecretValue("hunter3")
    assert {"profile", "accessKey"} <= set(provider.additional_secret_outputs)


def test_credentials_that_do_not_work_are_a_line(service: Path) -> None:
    failing = {"aws:index/getCallerIdentity:getCallerIdentity": "ExpiredToken: log in again"}
    done = run(lambda: framework.deploy(service), config=CONFIG, fail=failing)
    assert isinstance(done.exception, pulumi.RunError)
    assert str(done.exception).startswith(
        "nothing is deployed: AWS does not say which account this is: "
    )
    assert "ExpiredToken: log in again" in str(done.exception)


@pytest.mark.parametrize("tags", ['["x"]', '{"tags": ["x"]}'])
def test_default_tags_of_the_wrong_form(service: Path, tags: str) -> None:
    done = deployed(service, config={**CONFIG, "aws:defaultTags": tags})
    assert isinstance(done.exception, pulumi.RunError)


def test_names_that_grow_too_long_in_this_stack(service: Path) -> None:
    uses = "".join(f"      parameters.p{n}: read\n" for n in range(105))
    entries = "".join(f"  p{n}: {{secret: false, value: x}}\n" for n in range(105))
    text = SERVICE.replace(
        "    uses: {parameters.key: read, buckets.files: read}\n", f"    uses:\n{uses}"
    )
    service.write_text(text.replace("  key: {}\n", entries), "utf-8")
    assert deployed(service, secret_keys=()).error is None
    done = run(lambda: framework.deploy(service), config=CONFIG, stack="a-stack-of-a-long-name" * 3)
    assert "its policy has" in str(done.exception)


def test_warnings_of_other_environments_are_not_logged(service: Path) -> None:
    text = (
        f"{SERVICE}environments:\n  dev: {{}}\n  prod: {{functions: {{hello: {{timeout: 60}}}}}}\n"
    )
    service.write_text(text, "utf-8")
    assert not [log for log in deployed(service).logs if log.severity == "warning"]


@pytest.mark.parametrize(
    ("backend", "said"),
    [("file:///state", True), ("s3://state", True), ("https://x", False), ("", False)],
)
def test_many_resources_in_one_file_are_said(
    backend: str, said: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", backend)
    warned: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", warned.append)
    settings.warn_of_size(500)
    assert warned == []
    settings.warn_of_size(501)
    assert bool(warned) is said


def test_a_secret_within_a_property_keeps_the_property_secret(service: Path) -> None:
    """What a transform adds is guarded as what kinds make: a secret may stand anywhere."""

    def transform(resource: Resource) -> Resource:
        if resource.key != "functions.hello":
            return resource
        nested = {"variables": {"KEY": Secret(("parameters", "key"))}}
        return replace(resource, inputs={**resource.inputs, "environment": nested})

    done = deployed(service, transform=transform)
    assert done.error is None
    assert done.registered["functions.hello"].additional_secret_outputs == ("environment",)
