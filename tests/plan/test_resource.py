"""The plan: order, requirements, and what a transform may do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from framework.plan.resource import (
    Attr,
    Code,
    CodeFile,
    CodeKey,
    Json,
    Plan,
    PlanError,
    Resource,
    Secret,
    Text,
    Value,
    attributes,
    code_of,
    ordered,
    requirements,
)


def resource(key: str, *after: str, **inputs: Value) -> Resource:
    return Resource(key, "aws:x/y:Z", inputs, after=after)


def test_attributes_are_found_wherever_they_are() -> None:
    value: Value = {
        "a": [Attr("one", "id"), Text(("x", Attr("two", "arn")))],
        "b": Json({"c": (Attr("three", "id"),)}),
        "d": Code("handlers", "python3.13", "arm64"),
        "e": Secret(("parameters", "key")),
    }
    assert [each.key for each in attributes(value)] == ["one", "two", "three"]


def test_a_package_is_called_after_its_folder_its_platform_and_its_content() -> None:
    key = CodeKey(Code("handlers/heavy", "python3.13", "arm64"))
    assert key.named("5a5a") == "handlers/heavy/python3.13-arm64/5a5a.zip"


def test_a_functions_package_is_found_wherever_it_comes_from() -> None:
    code = Code("handlers", "python3.13", "arm64")
    assert code_of(resource("a", code=code)) == code
    assert code_of(resource("a", s3Bucket="b", s3Key=CodeKey(code))) == code
    assert code_of(resource("a", source=CodeFile(code), s3Bucket="b")) is None


def test_requirements_are_what_is_referred_to_and_what_is_said() -> None:
    assert requirements(resource("a", "b", "c", x=Attr("c", "id"))) == ("c", "b")


def test_resources_come_after_what_they_require_and_else_stay_in_order() -> None:
    found = ordered(
        (resource("a", "c"), resource("b"), resource("c", x=Attr("d", "id")), resource("d"))
    )
    assert [each.key for each in found] == ["d", "c", "a", "b"]


def test_a_long_chain_is_no_problem() -> None:
    chain = tuple(resource(str(n), str(n + 1)) for n in range(5000))
    assert ordered((*chain, resource("5000")))[0].key == "5000"


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ([resource("a"), resource("a")], "two resources have the key a"),
        ([resource("a", "b")], "a requires b, which is not in the plan"),
        (
            [resource("a", "b"), resource("b", "c"), resource("c", "a")],
            "resources wait for each other: a -> b -> c -> a",
        ),
        ([resource("a", "a")], "resources wait for each other: a -> a"),
    ],
    ids=["twice", "nowhere", "circle", "itself"],
)
def test_impossible_plans(resources: list[Resource], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        ordered(tuple(resources))


def test_a_transform_may_add_requirements() -> None:
    plan = Plan((resource("a"), resource("b")))
    changed = plan.transformed(
        lambda each: replace(each, after=("b",)) if each.key == "a" else each
    )
    assert [each.key for each in changed.resources] == ["b", "a"]


def test_a_transform_returns_the_resource() -> None:
    plan = Plan((resource("a"),))
    with pytest.raises(PlanError, match="the transform of a did not return that resource"):
        plan.transformed(lambda each: None)  # type: ignore[arg-type, return-value]
