"""What two plans differ in, property by property."""

from __future__ import annotations

from dataclasses import replace

import pytest

from framework.data.replacements import replacements
from framework.language.problems import written
from framework.plan.changes import MISSING, Changes, PropertyChange, changes
from framework.plan.plain import shown
from framework.plan.resource import Attr, Code, Json, Plan, Resource, Secret, Text, Value
from tests.support import aws

API = "aws:apigatewayv2/api:Api"
ROUTE = "aws:apigatewayv2/route:Route"
ROLE = "aws:iam/role:Role"


def one(value: Value, *, type: str = "x:y/z:Z", protect: bool = False) -> Plan:
    return Plan((Resource("one", type, {"value": value}, protect=protect),))


def lines(found: Changes) -> list[str]:
    changed = [*found.changed, *found.replaced]
    return [line(each) for change in changed for each in change.properties]


def line(change: PropertyChange) -> str:
    old, new = ("-" if side is MISSING else shown(side) for side in (change.old, change.new))
    return f"{written(change.path)}: {old} -> {new}"


def test_added_and_removed() -> None:
    first, second = Resource("a", ROLE, {}), Resource("b", ROLE, {})
    found = changes(Plan((first,)), Plan((second,)), {})
    assert (found.added, found.removed, found.changed, found.replaced) == (
        (second,),
        (first,),
        (),
        (),
    )
    assert found
    assert not changes(Plan((first,)), Plan((first,)), {})


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (1, 2, ["value: 1 -> 2"]),
        (1, True, ["value: 1 -> true"]),
        ("1", 1, ["value: 1 -> 1"]),
        ((1, 2), [1, 2], []),
        ([1, 2], [2, 1], ["value: [1, 2] -> [2, 1]"]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2, "c": 3}}, ["value.a.b: 1 -> 2", "value.a.c: - -> 3"]),
        ({"a.b": 1}, {}, ['value["a.b"]: 1 -> -']),
        (Json({"a": 1}), Json({"a": 2}), ["value.a: 1 -> 2"]),
        (Json({"a": 1}), '{"a": 1}', ['value: {"a": 1} -> {"a": 1}']),
        ([{"a": 1}, {"a": 3}], [{"a": 1}, {"a": 2}, {"a": 3}], ['value[1]: - -> {"a": 2}']),
        ([{"a": 1}, {"a": 2}], [{"a": 2}], ['value[0]: {"a": 1} -> -']),
        ([{"a": 1, "b": 1}], [{"a": 1, "b": 2}], ["value[0].b: 1 -> 2"]),
        ([[1], [2]], [[1], [3]], ["value[1]: [2] -> [3]"]),
        (Secret(("a", "b")), Secret(("a", "c")), ["value: the secret a.b -> the secret a.c"]),
        (
            Code("h", "python3.12", "arm64"),
            Code("h", "python3.13", "arm64"),
            [
                "value: the package of h for python3.12, arm64"
                " -> the package of h for python3.13, arm64"
            ],
        ),
        (Text(("a", Attr("api", "id"))), "ab", ["value: a{api.id} -> ab"]),
    ],
)  # fmt: skip
def test_properties(old: Value, new: Value, found: list[str]) -> None:
    assert lines(changes(one(old), one(new), {})) == found


def test_a_secrets_value_in_a_plan_file_is_never_shown() -> None:
    token = "aws:ssm/parameter:Parameter"
    old, new = (one(value, type=token) for value in ("hunter1", Secret(("parameters", "key"))))
    assert lines(changes(old, new, {})) == ["value: (hidden) -> the secret parameters.key"]


def test_protection_and_type_are_changes_too() -> None:
    found = changes(one(1, protect=True), one(1), {})
    assert (lines(found), found.replaced) == (["protect: true -> false"], ())
    found = changes(one(1), one(1, type="x:y/z:Other"), {})
    assert lines(found) == ["resource-type: x:y/z:Z -> x:y/z:Other"]
    assert found.replaced[0].forcing == ("resource-type",)


def test_what_is_retained_and_what_replaces_are_said() -> None:
    old, new = (Resource("one", ROLE, {"kind": kind}, replace_on=("kind",)) for kind in "ab")
    found = changes(Plan((old,)), Plan((new,)), {})
    assert (lines(found), found.replaced[0].forcing) == (["kind: a -> b"], ("kind",))
    found = changes(Plan((old,)), Plan((replace(old, retain=True),)), {})
    assert (lines(found), found.replaced) == (["retain: false -> true"], ())


def test_what_forces_a_replacement() -> None:
    found = changes(one(1), one(2), {"x:y/z:Z": ["value"]})
    assert found.changed == ()
    assert found.replaced[0].forcing == ("value",)


def test_another_region_replaces_what_lies_in_one() -> None:
    resources = (
        Resource("a", API, {}),
        Resource("b", ROLE, {}),
        Resource("c", API, {"region": "r3"}),
    )
    old, new = (Plan(resources, provider={"region": region}) for region in ("r1", "r2"))
    found = changes(old, new, {})
    assert [each.new.key for each in found.replaced] == ["a"]
    assert lines(found) == ["region: r1 -> r2"]
    assert [line(each) for each in found.provider] == ["region: r1 -> r2"]


def test_what_refers_to_a_replaced_resource_changes_with_it() -> None:
    def plan(protocol: str) -> Plan:
        target = Text(("integrations/", Attr("integration", "id")))
        token = "aws:apigatewayv2/integration:Integration"
        return Plan((
            Resource("api", API, {"protocolType": protocol}),
            Resource("integration", token, {"apiId": Attr("api", "id")}),
            Resource("route", ROUTE, {"target": target, "routeKey": "x"}),
            Resource("other", ROUTE, {"routeKey": "y"}),
        ))  # fmt: skip

    found = changes(plan("HTTP"), plan("WEBSOCKET"), replacements())
    assert [(each.new.key, each.forcing) for each in found.replaced] == [
        ("api", ("protocolType",)),
        ("integration", ("apiId",)),
    ]
    assert [(each.new.key, each.properties[0].because) for each in found.changed] == [
        ("route", "integration")
    ]


def test_the_table_of_replacements_is_that_of_the_stand_in_cloud() -> None:
    known = {token: set(kind.fixed) for token, kind in aws.KINDS.items()}
    assert {token: set(names) for token, names in replacements().items()} == known
