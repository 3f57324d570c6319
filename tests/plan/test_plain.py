"""Plans as JSON data: what is written is read back, and anything else is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from framework.plan.plain import JsonData, NotAPlan, plain, plain_plan, read_plan, shown
from framework.plan.resource import (
    Attr,
    Code,
    CodeFile,
    CodeKey,
    Json,
    Plan,
    Resource,
    Secret,
    Text,
    Value,
)
from framework.plan.target import Target
from tests.support.projects import ROOT, TARGET, planned
from tests.test_cases import CASES, target_of

API = Resource("api", "aws:apigatewayv2/api:Api", {"name": "x"})

VALUES: Mapping[str, Value] = {
    "attr": Attr("routes.GET /a.b", "id"),
    "text": Text(("a", Attr("api", "id"), "")),
    "json": Json({"a": [1, Attr("api", "id")], "b": Json("c")}),
    "code": Code("handlers", "python3.13", "arm64"),
    "code file": CodeFile(Code("handlers", "python3.13", "arm64")),
    "code key": CodeKey(Code("handlers", "python3.13", "arm64")),
    "secret": Secret(("parameters", "key")),
    "scalars": [True, False, None, 1, 1.5, "x", ""],
    "maps that look like more": [
        {"attr": "x"}, {"text": ["x"]}, {"json": 1}, {"code": {}}, {"secret": "a.b"}, {"map": {}},
        {"map": {"map": {"attr": "x"}}}, {"attr": "x", "text": "y"}, {}, {"other": "x"},
        {"codeFile": {}}, {"codeKey": 1},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    "file", [ROOT / "services.yaml", *(each / "services.yaml" for each in CASES)]
)
def test_a_plan_is_read_back_as_it_was(file: Path) -> None:
    target = TARGET if file.parent == ROOT else target_of(file.parent)
    plan = planned(file, target)
    written = plain_plan(plan, target)
    read, read_target = read_plan(json.loads(json.dumps(written)))
    assert read_target == target
    assert plain_plan(read, read_target) == written
    assert [each.key for each in read.resources] == [each.key for each in plan.resources]


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_read_back_as_it_was(name: str) -> None:
    route = Resource("routes.GET /a.b", "x:y/z:Z", {})
    one = Resource("one", "x:y/z:Z", {"value": VALUES[name]})
    plan = Plan((API, route, one), {"secret": "the only output"}, {"json": "of the provider"})
    read, _ = read_plan(json.loads(json.dumps(plain_plan(plan, TARGET))))
    assert read == plan


def test_the_environment_of_a_target_is_kept() -> None:
    target = Target("dev", "123456789012", ("eu-west-1",), "pr-*")
    assert read_plan(plain_plan(Plan((API,)), target)) == (Plan((API,), {}, {}), target)


def whole() -> dict[str, JsonData]:
    return plain_plan(Plan((API,)), TARGET)


def broken(change: Callable[[dict[str, JsonData]], object]) -> dict[str, JsonData]:
    data = whole()
    change(data)
    return data


def resource(**members: JsonData) -> dict[str, JsonData]:
    written: dict[str, JsonData] = {"key": "api", "type": "x:y/z:Z", "inputs": {}}
    return {**whole(), "resources": [{**written, **members}]}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (None, "it is no map"),
        ({1: 2}, "it is no map"),
        ({"format": "1"}, "its format is 1, and this version reads format 1"),
        (broken(lambda data: data.pop("resources")), "resources is no list"),
        (broken(lambda data: data.pop("target")), "target is no map"),
        ({**whole(), "target": {"regions": []}}, "target.regions names no region"),
        ({**whole(), "target": {"regions": [1]}}, "target.regions is no text"),
        ({**whole(), "target": {"regions": ["x"]}}, "target.stack is no text"),
        ({**whole(), "resources": [1]}, "resources[0] is no map"),
        ({**whole(), "outputs": 1}, "outputs is no map"),
        (resource(key=None), "resources[0].key is no text"),
        (resource(inputs=[]), "resources[0].inputs is no map"),
        (resource(protect="yes"), "resources[0].protect is neither true nor false"),
        (resource(retain=1), "resources[0].retain is neither true nor false"),
        (resource(replaceOn="type"), "resources[0].replaceOn is no list"),
        (resource(replaceOn=[1]), "resources[0].replaceOn is no text"),
        (
            resource(inputs={"key": {"codeKey": {"source": "a"}}}),
            "resources[0].inputs.key.runtime is no text",
        ),
        (resource(after="x"), "resources[0].after is no list"),
        (resource(after=["x"]), "api requires x, which is not in the plan"),
        (
            resource(inputs={"a": {"attr": "x"}}),
            "resources[0].inputs.a names no output of a resource",
        ),
        (resource(inputs={"a": {"attr": "x.y"}}), "api requires x, which is not in the plan"),
        (resource(inputs={"a": {"text": [1]}}), "resources[0].inputs.a is no map"),
        (resource(inputs={"a": {"code": {}}}), "resources[0].inputs.a.source is no text"),
        (resource(inputs={"a": [{"secret": 1}]}), "resources[0].inputs.a[0] is no text"),
        (resource(inputs={"a": {"map": 1}}), "resources[0].inputs.a is no map"),
    ],
)
def test_what_is_no_plan(data: object, why: str) -> None:
    with pytest.raises(NotAPlan) as refused:
        read_plan(data)
    assert str(refused.value) == why


def test_data_that_is_not_json() -> None:
    data = resource()
    data["outputs"] = {"x": object()}  # type: ignore[dict-item]  # what no JSON file can hold
    with pytest.raises(NotAPlan, match="x holds what JSON does not know"):
        read_plan(data)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Attr("api", "id"), "{api.id}"),
        (Text(("a/", Attr("api", "id"), "/b")), "a/{api.id}/b"),
        (Secret(("parameters", "key")), "the secret parameters.key"),
        (Code("handlers", "python3.13", "arm64"), "the package of handlers for python3.13, arm64"),
        (CodeFile(Code("a", "python3.13", "arm64")), "the package of a for python3.13, arm64"),
        (CodeKey(Code("a/b", "python3.13", "arm64")), "a/b/python3.13-arm64/{sha256}.zip"),
        (Json({"a": Attr("api", "id"), "b": Json([1])}), '{"a": "{api.id}", "b": [1]}'),
        ([1, True, None, {"a": Secret(("x", "y"))}], '[1, true, null, {"a": "the secret x.y"}]'),
        ("text", "text"),
        (1.5, "1.5"),
        (None, "null"),
    ],
)
def test_values_on_one_line(value: Value, text: str) -> None:
    assert shown(value) == text


def test_plain_data_stays_as_it_is() -> None:
    assert plain({"a": ("b", 1)}) == {"a": ["b", 1]}
