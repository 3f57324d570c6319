"""The in-process monitor and engine: what a program asked for, and what the engine would do."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pulumi
import pytest

from tests.support.aws import (
    API,
    BUCKET,
    FUNCTION,
    GET_CALLER_IDENTITY,
    LOG_GROUP,
    PARAMETER,
    ROLE,
    ROUTE,
    STAGE,
    TOPIC,
)
from tests.support.deployment import urn_of
from tests.support.monitor import Log, Run, run
from tests.support.wire import UNKNOWN, Archive, Asset, Reference, SecretValue

STACK_URN = "urn:pulumi:dev::notes::pulumi:pulumi:Stack::notes-dev"

Options = pulumi.ResourceOptions


class Entry(pulumi.ComponentResource):
    """A component as a program has one for each entry."""

    def __init__(self, name: str, options: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("services:index:Entry", name, {"kind": "entry"}, options)


def resource(
    type: str,
    name: str,
    options: pulumi.ResourceOptions | None = None,
    /,
    **properties: object,
) -> pulumi.CustomResource:
    return pulumi.CustomResource(type, name, properties, options)


def output(of: pulumi.CustomResource, name: str) -> pulumi.Output[str]:
    declared: pulumi.Output[str] = getattr(of, name)
    return declared


def role(
    name: str = "role", options: pulumi.ResourceOptions | None = None
) -> pulumi.CustomResource:
    return resource(ROLE, name, options, name="r", assumeRolePolicy="{}")


def done(finished: Run) -> Run:
    assert finished.error is None, finished.error
    return finished


def test_urn_holds_the_types_of_all_ancestors_but_the_stack() -> None:
    def program() -> None:
        outer = Entry("outer")
        inner = Entry("inner", Options(parent=outer))
        role("role", Options(parent=inner))

    registered = done(run(program)).registered["role"]

    assert registered.urn == (
        "urn:pulumi:dev::notes::services:index:Entry$services:index:Entry$aws:iam/role:Role::role"
    )
    assert registered.parent == (
        "urn:pulumi:dev::notes::services:index:Entry$services:index:Entry::inner"
    )


def test_stack_and_project_name_the_urns() -> None:
    finished = done(run(role, stack="prod", project="shop"))

    assert finished.stack_urn == "urn:pulumi:prod::shop::pulumi:pulumi:Stack::shop-prod"
    assert finished.registered["role"].urn == "urn:pulumi:prod::shop::aws:iam/role:Role::role"


def test_one_urn_twice_ends_the_deployment() -> None:
    def program() -> None:
        role()
        role()

    finished = run(program)

    assert finished.error == (
        "Duplicate resource URN 'urn:pulumi:dev::notes::aws:iam/role:Role::role'; "
        "try giving it a unique name"
    )


def test_one_name_for_two_types_is_two_resources() -> None:
    def program() -> None:
        role("same")
        resource(LOG_GROUP, "same", name="g")

    finished = done(run(program))

    assert len(finished.resources) == 2
    with pytest.raises(ValueError, match="two resources have the name same"):
        assert finished.registered


def test_request_is_kept_whole() -> None:
    def program() -> None:
        aws = pulumi.ProviderResource("aws", "aws", {"region": "eu-west-1"})
        entry = Entry("entry", Options(providers=[aws]))
        first = role("first", Options(parent=entry))
        api = resource(API, "api", Options(parent=entry), name="a", executionArn=None)
        resource(
            FUNCTION,
            "function",
            Options(
                parent=entry,
                depends_on=[first],
                protect=True,
                ignore_changes=["timeout"],
                additional_secret_outputs=["environment"],
                version="7.51.1",
                retain_on_delete=True,
                deleted_with=first,
                delete_before_replace=True,
                replace_on_changes=["memorySize"],
            ),
            name="f",
            timeout=10,
            environment={"variables": {"API": output(api, "executionArn")}},
        )

    finished = done(run(program))
    function, urns = finished.registered["function"], {r.name: r.urn for r in finished.resources}

    assert function.type == FUNCTION
    assert function.custom
    assert function.dependencies == (urns["api"], urns["first"])
    assert function.property_dependencies == {"environment": (urns["api"],)}
    assert function.protect
    assert function.provider == urns["aws"]
    assert function.version == "7.51.1"
    assert function.ignore_changes == ("timeout",)
    assert function.additional_secret_outputs == ("environment",)
    assert function.retain_on_delete
    assert function.deleted_with == urns["first"]
    assert function.delete_before_replace
    assert function.replace_on_changes == ("memorySize",)
    entry = finished.components["entry"]
    assert (entry.custom, entry.inputs, entry.parent) == (False, {"kind": "entry"}, STACK_URN)


def test_inputs_are_plain_values() -> None:
    def program() -> None:
        resource(
            FUNCTION,
            "function",
            name="f",
            timeout=10,
            ratio=0.5,
            publish=False,
            layers=["a", 2],
            environment={"variables": {"KEY": pulumi.Output.secret("hidden")}},
            nothing=None,
            code=pulumi.AssetArchive({"main.py": pulumi.StringAsset("pass")}),
            file=pulumi.FileAsset(__file__),
            remote=pulumi.RemoteArchive("https://example.com/a.zip"),
            owner=role(),
        )

    inputs = done(run(program)).registered["function"].inputs

    assert inputs == {
        "name": "f",
        "timeout": 10,
        "ratio": 0.5,
        "publish": False,
        "layers": ["a", 2],
        "environment": {"variables": {"KEY": SecretValue("hidden")}},
        "code": Archive(assets={"main.py": Asset(text="pass")}),
        "file": Asset(path=__file__),
        "remote": Archive(uri="https://example.com/a.zip"),
        "owner": Reference("urn:pulumi:dev::notes::aws:iam/role:Role::role", "r"),
    }
    assert isinstance(inputs["timeout"], int)


@pytest.mark.parametrize(
    ("type", "inputs", "name", "expected"),
    [
        (ROLE, {"name": "r"}, "arn", "arn:aws:iam::123456789012:role/r"),
        (LOG_GROUP, {"name": "g"}, "arn", "arn:aws:logs:eu-west-1:123456789012:log-group:g"),
        (FUNCTION, {"name": "f"}, "arn", "arn:aws:lambda:eu-west-1:123456789012:function:f"),
        (
            FUNCTION,
            {"name": "f", "region": "us-east-1"},
            "arn",
            "arn:aws:lambda:us-east-1:123456789012:function:f",
        ),
        (
            STAGE,
            {"name": "v1", "apiId": "x"},
            "executionArn",
            "arn:aws:execute-api:eu-west-1:123456789012:x/v1",
        ),
        (
            STAGE,
            {"name": "v1", "apiId": "x"},
            "invokeUrl",
            "https://x.execute-api.eu-west-1.amazonaws.com/v1",
        ),
        (
            STAGE,
            {"name": "$default", "apiId": "x"},
            "invokeUrl",
            "https://x.execute-api.eu-west-1.amazonaws.com/",
        ),
        (BUCKET, {"bucket": "b"}, "arn", "arn:aws:s3:::b"),
        (PARAMETER, {"name": "/s/x"}, "arn", "arn:aws:ssm:eu-west-1:123456789012:parameter/s/x"),
        (TOPIC, {"name": "t"}, "id", "arn:aws:sns:eu-west-1:123456789012:t"),
    ],
)
def test_outputs_are_those_of_aws(
    type: str, inputs: Mapping[str, str], name: str, expected: str
) -> None:
    def program() -> None:
        made = resource(type, "made", **{name: None, **inputs})
        pulumi.export("output", output(made, name))

    assert done(run(program)).outputs == {"output": expected}


def test_an_api_has_its_own_id_in_all_its_outputs() -> None:
    def program() -> None:
        for name in ("one", "two"):
            api = resource(API, name, name=name, apiEndpoint=None, executionArn=None)
            pulumi.export(name, [api.id, output(api, "apiEndpoint"), output(api, "executionArn")])

    outputs = done(run(program, config={"aws:region": "cn-north-1"})).outputs

    one = outputs["one"]
    assert isinstance(one, list)
    assert one[1:] == [
        f"https://{one[0]}.execute-api.cn-north-1.amazonaws.com.cn",
        f"arn:aws-cn:execute-api:cn-north-1:123456789012:{one[0]}",
    ]
    assert outputs["two"] != one


def test_preview_knows_no_output_of_what_is_not_there_yet() -> None:
    seen: list[object] = []

    def program() -> None:
        api = resource(API, "api", name="a", apiEndpoint=None)
        output(api, "apiEndpoint").apply(seen.append)
        resource(ROUTE, "route", apiId=api.id, routeKey="GET /notes")
        pulumi.export("url", output(api, "apiEndpoint"))
        pulumi.export("name", "a")

    finished = done(run(program, dry_run=True))

    assert finished.outputs == {"url": UNKNOWN, "name": "a"}
    assert finished.registered["route"].inputs == {"apiId": UNKNOWN, "routeKey": "GET /notes"}
    assert seen == []
    assert finished.state == {}


def test_preview_knows_the_outputs_of_what_is_there() -> None:
    def program() -> None:
        api = resource(API, "api", name="a", apiEndpoint=None)
        pulumi.export("url", output(api, "apiEndpoint"))

    deployed = done(run(program))
    previewed = done(run(program, state=deployed.state, dry_run=True))

    assert previewed.outputs == deployed.outputs
    assert previewed.changed() == {}


def program_of(**timeouts: int) -> Callable[[], None]:
    def program() -> None:
        for name, timeout in timeouts.items():
            resource(FUNCTION, name, name=name, timeout=timeout)

    return program


def test_second_run_changes_nothing() -> None:
    first = done(run(program_of(a=10, b=10)))
    second = done(run(program_of(a=10, b=10), state=first.state))

    assert first.changed() == {"a": "create", "b": "create"}
    assert second.changed() == {}
    assert second.changes == {}
    assert second.step("a") == "same"
    assert second.state == first.state


def test_runs_change_add_and_remove_only_what_differs() -> None:
    first = done(run(program_of(a=10, b=10, c=10)))
    second = done(run(program_of(a=10, b=20, d=10), state=first.state))

    assert second.changed() == {"b": "update", "d": "create", "c": "delete"}
    assert [item.name for item in second.deleted] == ["c"]
    assert sorted(kept.registered.name for kept in second.state.values()) == [
        "a",
        "b",
        "d",
        "notes-dev",
    ]


def test_what_is_removed_goes_last_made_first() -> None:
    first = done(run(program_of(a=1, b=1, c=1)))
    second = done(run(lambda: None, state=first.state))

    assert [item.name for item in second.deleted] == ["c", "b", "a"]


def test_a_fixed_property_replaces() -> None:
    def program(protocol: str) -> Callable[[], None]:
        def registering() -> None:
            pulumi.export("id", resource(API, "api", name="a", protocolType=protocol).id)

        return registering

    first = done(run(program("HTTP")))
    second = done(run(program("WEBSOCKET"), state=first.state))

    assert second.changed() == {"api": "replace"}
    assert second.outputs["id"] != first.outputs["id"]


def test_an_update_keeps_the_id() -> None:
    def program(name: str) -> Callable[[], None]:
        def registering() -> None:
            pulumi.export("id", resource(API, "api", name=name).id)

        return registering

    first = done(run(program("one")))
    second = done(run(program("two"), state=first.state))

    assert second.changed() == {"api": "update"}
    assert second.outputs == first.outputs


def test_ignored_changes_are_no_changes() -> None:
    def program(timeout: int) -> Callable[[], None]:
        def registering() -> None:
            resource(FUNCTION, "f", Options(ignore_changes=["timeout"]), name="f", timeout=timeout)

        return registering

    first = done(run(program(10)))
    second = done(run(program(20), state=first.state))

    assert second.changed() == {}
    assert next(kept.inputs for kept in second.state.values() if kept.id == "f")["timeout"] == 10


@pytest.mark.parametrize("changed", [None, "other"])
def test_protected_resources_are_neither_deleted_nor_replaced(changed: str | None) -> None:
    def program(bucket: str | None) -> Callable[[], None]:
        def registering() -> None:
            if bucket:
                resource(BUCKET, "bucket", Options(protect=True), bucket=bucket)

        return registering

    first = done(run(program("b")))
    second = run(program(changed), state=first.state)

    assert second.error is not None
    assert second.error.startswith(
        'resource "urn:pulumi:dev::notes::aws:s3/bucket:Bucket::bucket" cannot be deleted\n'
        "because it is protected."
    )
    assert second.state == first.state


def test_the_bytes_of_an_archive_decide_and_not_its_path(tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in ("one.zip", "two.zip", "three"))
    one.write_bytes(b"same")
    two.write_bytes(b"same")
    three.mkdir()
    (three / "main.py").write_text("pass")

    def program(path: Path) -> Callable[[], None]:
        def registering() -> None:
            resource(FUNCTION, "f", name="f", code=pulumi.FileArchive(str(path)))

        return registering

    first = done(run(program(one)))

    assert first.registered["f"].inputs["code"] == Archive(path=str(one))
    assert done(run(program(two), state=first.state)).changed() == {}
    assert done(run(program(three), state=first.state)).changed() == {"f": "update"}


def test_an_archive_that_is_not_there_ends_the_deployment(tmp_path: Path) -> None:
    def program() -> None:
        resource(FUNCTION, "f", name="f", code=pulumi.FileArchive(str(tmp_path / "no.zip")))

    assert run(program).error == (
        f"failed to compute archive hash: no such file or directory: {tmp_path / 'no.zip'}"
    )


def test_secrets_stay_marked_in_inputs_outputs_and_state() -> None:
    def program() -> None:
        value = pulumi.Config().require_secret("key")
        made = resource(PARAMETER, "made", name="/x", value=value)
        pulumi.export("value", output(made, "value"))

    finished = done(
        run(
            program,
            config={"aws:region": "eu-west-1", "notes:key": "hidden"},
            secret_keys=["notes:key"],
        )
    )

    assert finished.outputs == {"value": SecretValue("hidden")}
    kept = next(kept for kept in finished.state.values() if kept.id == "/x")
    assert kept.inputs["value"] == kept.outputs["value"] == SecretValue("hidden")


def test_additional_secret_outputs_are_secret() -> None:
    def program() -> None:
        options = Options(additional_secret_outputs=["arn"])
        pulumi.export("arn", output(resource(ROLE, "r", options, name="r", arn=None), "arn"))

    assert done(run(program)).outputs == {"arn": SecretValue("arn:aws:iam::123456789012:role/r")}


def caller() -> None:
    aws = pulumi.ProviderResource("aws", "aws", {"region": "eu-west-1"})
    answer = pulumi.runtime.invoke(GET_CALLER_IDENTITY, {}, pulumi.InvokeOptions(provider=aws))
    pulumi.export("account", answer.value["accountId"])


@pytest.mark.parametrize("dry_run", [False, True])
def test_get_caller_identity_answers(dry_run: bool) -> None:
    finished = done(run(caller, account="210987654321", dry_run=dry_run))

    assert finished.outputs == {"account": "210987654321"}
    (invoked,) = finished.invokes
    assert (invoked.token, invoked.arguments) == (GET_CALLER_IDENTITY, {})
    assert invoked.provider == finished.registered["aws"].urn


def test_get_caller_identity_can_fail() -> None:
    finished = run(caller, fail={GET_CALLER_IDENTITY: "ExpiredToken: the token has expired"})

    assert finished.error == (
        f"invoke of {GET_CALLER_IDENTITY} failed: ExpiredToken: the token has expired"
    )


def test_other_functions_are_refused() -> None:
    finished = run(lambda: pulumi.runtime.invoke("aws:index/getRegion:getRegion", {}))

    assert finished.error == (
        "invoke of aws:index/getRegion:getRegion failed: "
        "unknown function aws:index/getRegion:getRegion"
    )


def test_a_failed_create_ends_the_deployment_and_the_next_run_converges() -> None:
    def program() -> None:
        first = role("first")
        second = resource(FUNCTION, "second", Options(depends_on=[first]), name="f")
        resource(FUNCTION, "third", Options(depends_on=[second]), name="g")

    failed = run(program, fail={"second": "InvalidParameterValueException: no"})
    converged = done(run(program, state=failed.state))

    assert failed.error == (
        "create of urn:pulumi:dev::notes::aws:lambda/function:Function::second failed: "
        "InvalidParameterValueException: no"
    )
    assert isinstance(failed.exception, pulumi.RunError)
    assert failed.changed() == {"first": "create"}
    assert converged.changed() == {"second": "create", "third": "create"}


def test_failures_wait_for_something_to_do() -> None:
    fail = {"role": "AccessDenied"}
    first = done(run(role))

    assert run(role, state=first.state, fail=fail).error is None
    assert run(role, dry_run=True, fail=fail).error is None
    failed = run(lambda: None, state=first.state, fail=fail)
    assert failed.error == (
        "delete of urn:pulumi:dev::notes::aws:iam/role:Role::role failed: AccessDenied"
    )
    assert failed.state == first.state


@pytest.mark.parametrize(
    ("program", "error"),
    [
        (
            lambda: pulumi.ProviderResource(
                "aws", "aws", {"region": "eu-west-1", "allowedAccountIds": '["000000000001"]'}
            ),
            "AWS account ID not allowed: 123456789012",
        ),
        (
            lambda: pulumi.ProviderResource("aws", "aws", {"allowedAccountIds": ["000000000001"]}),
            "allowedAccountIds: a provider takes lists and maps as JSON text",
        ),
        (lambda: resource(ROLE, "r"), "ValidationException: Missing required property 'name'"),
    ],
)
def test_refusals_of_aws_end_the_deployment(program: Callable[[], object], error: str) -> None:
    finished = run(program)

    assert finished.error is not None
    assert finished.error.split(": ", 1)[1] == error


def test_region_may_come_from_the_provider_but_must_be_known() -> None:
    def program() -> None:
        aws = pulumi.ProviderResource("aws", "aws", {"region": "us-west-2"})
        made = resource(LOG_GROUP, "g", Options(provider=aws), name="g", arn=None)
        pulumi.export("arn", output(made, "arn"))

    expected = "arn:aws:logs:us-west-2:123456789012:log-group:g"
    assert done(run(program, config={})).outputs == {"arn": expected}
    error = run(role, config={}).error
    assert error is not None
    assert error.startswith("Missing region information\n")


def test_dependencies_must_be_registered() -> None:
    other = urn_of("dev", "notes", "", ROLE, "elsewhere")

    def program() -> None:
        elsewhere = pulumi.resource.DependencyResource(other)
        role("role", Options(depends_on=[elsewhere]))

    assert run(program).error == (
        f"urn:pulumi:dev::notes::aws:iam/role:Role::role refers to {other}, which is not registered"
    )


def test_component_outputs_are_kept_and_given_once() -> None:
    def program(times: int) -> Callable[[], None]:
        def registering() -> None:
            entry = Entry("entry")
            for _ in range(times):
                entry.register_outputs({"name": "f"})

        return registering

    finished = done(run(program(1)))
    urn = finished.components["entry"].urn

    assert finished.component_outputs == {urn: {"name": "f"}}
    assert run(program(2)).error == f"outputs of {urn} were registered twice"


def test_components_are_updated_like_others() -> None:
    first = done(run(lambda: Entry("entry")))
    second = done(run(lambda: None, state=first.state))

    assert first.changes == {first.components["entry"].urn: "create", STACK_URN: "create"}
    assert second.changes == {first.components["entry"].urn: "delete"}
    assert second.changed() == {}


def test_logs_are_kept_without_those_for_debugging() -> None:
    def program() -> None:
        pulumi.log.debug("no")
        pulumi.log.info("one")
        pulumi.log.warn("two")
        pulumi.log.error("three", resource=role())

    assert done(run(program)).logs == (
        Log("info", "one"),
        Log("warning", "two"),
        Log("error", "three", "urn:pulumi:dev::notes::aws:iam/role:Role::role"),
    )


def test_an_exception_of_the_program_is_the_error() -> None:
    def program() -> None:
        role()
        raise ValueError("no such thing")

    finished = run(program)

    assert finished.error == "no such thing"
    assert isinstance(finished.exception, ValueError)
    assert list(finished.registered) == ["role"]


def test_a_failed_program_deletes_nothing() -> None:
    def failing() -> None:
        raise ValueError("no such thing")

    first = done(run(role))

    assert run(failing, state=first.state).state == first.state


def test_a_program_may_be_asynchronous() -> None:
    async def program() -> None:
        pulumi.export("x", 1)

    assert done(run(program)).outputs == {"x": 1}


def test_an_output_in_a_plain_string_is_an_error() -> None:
    finished = run(lambda: pulumi.export("x", f"{role().id}"))

    assert finished.error is not None
    assert finished.error.startswith("Calling __str__ on an Output[T] is not supported.")


def test_settings_of_one_run_do_not_reach_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"notes:key": "of the person"}))

    def program() -> None:
        pulumi.export("key", pulumi.Config().get("key"))
        pulumi.export("where", f"{pulumi.get_project()}-{pulumi.get_stack()}")
        pulumi.export("preview", pulumi.runtime.is_dry_run())

    first = done(run(program, config={"shop:key": "of the run"}, project="shop", dry_run=True))
    second = done(run(program))

    assert first.outputs == {"key": "of the run", "where": "shop-dev", "preview": True}
    assert second.outputs == {"where": "notes-dev", "preview": False}


def test_runs_leave_no_thread_and_no_unfinished_task() -> None:
    before = set(threading.enumerate())

    for _ in range(5):
        done(run(program_of(a=1, b=1, c=1)))
        run(program_of(a=1, b=1, c=1), fail={"a": "no"})
    gc.collect()

    begun = [thread for thread in threading.enumerate() if thread not in before]
    for thread in begun:
        thread.join(timeout=10)
    assert not [thread for thread in begun if thread.is_alive()]


@pytest.mark.parametrize("size", [300])
def test_many_resources(size: int) -> None:
    names = {f"f{number}": number for number in range(size)}
    first = done(run(program_of(**names)))

    assert len(first.registered) == size
    assert done(run(program_of(**names), state=first.state)).changed() == {}
