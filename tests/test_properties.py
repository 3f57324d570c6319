"""What holds for every service that can be written: generated documents, compiled.

In: documents made by hypothesis from names, uses, routes and settings. Nothing here knows what an
entry becomes, only what must be true of any plan.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framework import compiler
from framework.plan.plain import plain_plan
from framework.plan.resource import Plan, attributes
from framework.plan.target import Target
from tests.support.naming import WITHIN_ANOTHER
from tests.support.projects import TODAY, project

Data = dict[str, object]

quietly = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

names = st.from_regex(r"[a-z][a-z0-9]{0,7}(-[a-z0-9]{1,20}){0,3}", fullmatch=True).filter(
    lambda name: len(name) <= 64
)
stacks = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}", fullmatch=True)
targets = st.builds(
    lambda stack, regions: Target(stack, "123456789012", tuple(regions)),
    stacks,
    st.sampled_from([["eu-west-1"], ["cn-north-1"], ["us-gov-west-1"], ["eu-west-1", "us-east-1"]]),
)


@st.composite
def documents(draw: st.DrawFn) -> Data:
    buckets = draw(st.lists(names | st.just("artifacts"), unique=True, max_size=3))
    parameters = draw(st.lists(names, unique=True, max_size=3))
    functions = draw(st.lists(names, unique=True, min_size=1, max_size=4))
    bucket = st.fixed_dictionaries({"versioned": st.booleans(), "reason": st.just("a test")})
    usable = [f"buckets.{name}" for name in buckets] + [f"parameters.{name}" for name in parameters]
    return {
        "service": draw(names.filter(lambda name: not name.startswith(("aws", "ssm", "sthree")))),
        "functions": {name: draw(function(usable)) for name in functions},
        "routes": draw(routes(functions)),
        "buckets": {name: draw(bucket) for name in buckets},
        "parameters": {name: {} for name in parameters},
    }


def function(usable: list[str]) -> st.SearchStrategy[Data]:
    uses = st.dictionaries(st.sampled_from(usable), st.just("read")) if usable else st.just({})
    settings_of = {
        "handler": st.just("app.main"),
        "memory": st.integers(128, 10240),
        "uses": uses,
        "upload": st.sampled_from(["direct", "bucket"]),
    }
    return st.fixed_dictionaries(settings_of)


def routes(functions: list[str]) -> st.SearchStrategy[Mapping[str, Data]]:
    keys = st.builds(
        "{} /{}".format,
        st.sampled_from(["GET", "PUT", "ANY"]),
        st.sampled_from(["", "a", "{b}", "c/{d+}"]),
    )
    route: st.SearchStrategy[Data] = st.fixed_dictionaries(
        {"function": st.sampled_from(functions), "auth": st.sampled_from(["none", "iam"])}
    )
    return st.dictionaries(keys | st.just("$default"), route, max_size=5)


def compiled(folder: Path, document: Mapping[str, object], target: Target) -> Plan:
    file = project(folder, yaml.safe_dump(document, sort_keys=False))
    return compiler.build(compiler.check(file, TODAY).any, target)


def physical(plan: Plan) -> Counter[tuple[str, str, str]]:
    """(type, region, name) of everything that has a name of its own."""
    named = (
        (resource.type, str(resource.inputs.get("region", "")), str(resource.inputs[name]))
        for resource in plan.resources
        for name in ("name", "bucket", "dashboardName")
        if name in resource.inputs and resource.type not in WITHIN_ANOTHER
    )
    return Counter(named)


@quietly
@given(documents(), targets)
def test_no_name_is_used_twice(tmp_path: Path, document: Data, target: Target) -> None:
    plan = compiled(tmp_path, document, target)
    assert [name for name, count in physical(plan).items() if count > 1] == []


@quietly
@given(documents(), targets)
def test_everything_that_is_referred_to_is_there_and_comes_before(
    tmp_path: Path, document: Data, target: Target
) -> None:
    plan = compiled(tmp_path, document, target)
    seen: set[str] = set()
    for resource in plan.resources:
        assert {attribute.key for attribute in attributes(resource.inputs)} <= seen
        assert set(resource.after) <= seen
        seen.add(resource.key)
    assert {attribute.key for attribute in attributes(plan.outputs)} <= seen


@quietly
@given(documents(), targets)
def test_the_limits_of_aws_are_kept(tmp_path: Path, document: Data, target: Target) -> None:
    limits = {"Function": 64, "Role": 64, "Bucket": 63, "Api": 128, "Parameter": 1011}
    for resource in compiled(tmp_path, document, target).resources:
        limit = limits.get(resource.type.rpartition(":")[2])
        if limit:
            assert len(str(resource.inputs.get("name") or resource.inputs["bucket"])) <= limit


@quietly
@given(documents(), targets)
def test_the_same_document_gives_the_same_plan(
    tmp_path: Path, document: Data, target: Target
) -> None:
    one, other = (compiled(tmp_path, document, target) for _ in range(2))
    assert json.dumps(plain_plan(one, target)) == json.dumps(plain_plan(other, target))


@quietly
@given(documents(), targets)
def test_the_order_of_entries_changes_no_key_and_no_name(
    tmp_path: Path, document: Data, target: Target
) -> None:
    turned = {
        name: dict(reversed(value.items())) if isinstance(value, dict) else value
        for name, value in reversed(document.items())
    }
    one, other = (compiled(tmp_path, each, target) for each in (document, turned))
    assert one.by_key.keys() == other.by_key.keys()
    assert physical(one) == physical(other)
    for key, resource in one.by_key.items():
        assert resource.inputs == other.by_key[key].inputs


@quietly
@given(documents(), targets, names)
def test_adding_an_entry_renames_nothing(
    tmp_path: Path, document: Data, target: Target, name: str
) -> None:
    buckets = document["buckets"]
    assert isinstance(buckets, dict)
    more = {**document, "buckets": {name: {}, **buckets}}
    before, after = (compiled(tmp_path, each, target) for each in (document, more))
    for key, resource in before.by_key.items():
        assert after.by_key[key].inputs == resource.inputs


@quietly
@given(documents())
def test_adding_a_region_changes_nothing_of_the_others(tmp_path: Path, document: Data) -> None:
    one = compiled(tmp_path, document, Target("dev", "123456789012", ("eu-west-1",)))
    two = compiled(tmp_path, document, Target("dev", "123456789012", ("eu-west-1", "us-east-1")))
    for key, resource in one.by_key.items():
        assert two.by_key[key] == resource


def test_a_function_with_one_route_is_seven_resources(tmp_path: Path) -> None:
    document = {
        "service": "x",
        "functions": {"a": {"handler": "app.main"}},
        "routes": {"GET /": {"function": "a", "auth": "none"}},
        "alarms": {"enabled": False, "reason": "a test"},
    }
    plan = compiled(tmp_path, document, Target("dev", "123456789012", ("eu-west-1",)))
    assert len([each for each in plan.resources if each.origin != "api"]) == 7


@pytest.mark.parametrize("file", ["services.yaml"])
def test_no_clock_and_no_randomness(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Building asks for neither: both fail here."""

    def refused(*_: object) -> None:
        raise AssertionError("a plan depends on nothing but its input")

    checked = compiler.check(Path(file), TODAY)
    for name in ("time.time", "random.random", "os.urandom", "uuid.uuid4"):
        monkeypatch.setattr(name, refused)
    compiler.build(checked.any, Target("dev", "123456789012", ("eu-west-1",)))
