"""What holds for every kind there is, and for every kind that comes: nothing here names one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from framework import compiler
from framework.kinds import KINDS
from framework.kinds.kind import Context, Kind
from framework.language.docstrings import of_fields
from framework.language.document import document_model
from framework.plan.iam import Statement
from framework.plan.resource import Plan, Resource, attributes, requirements
from framework.plan.target import Target
from tests.support.projects import ROOT, TODAY, planned

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.section.name)

CASE = ROOT / "tests" / "cases" / "every-field" / "services.yaml"
SPECIAL = {
    "__init__",
    "kind",
    "uses",
    "handler",
    "retention",
    "dashboard",
    "secrets",
    "imports",
    "runtime",
    "environment",
    "private_bucket",
    "artifacts",
}
"""Modules of kinds/ that are no kind: what kinds share."""


def models(annotation: object) -> Iterator[type[BaseModel]]:
    """Every model that a type holds, nested ones included."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for inner in get_args(annotation):
        yield from models(inner)


ALL_MODELS = sorted({model for kind in KINDS for model in models(kind.section.model)}, key=str)


def test_every_file_is_a_kind_and_every_kind_a_file() -> None:
    files = {path.stem for path in (ROOT / "framework" / "kinds").glob("*.py")} - SPECIAL
    assert files == {kind.build.__module__.rpartition(".")[2] for kind in KINDS}


@every_kind
def test_sections_are_unique_and_described(kind: Kind[Any]) -> None:
    assert [each.section.name for each in KINDS].count(kind.section.name) == 1
    assert kind.section.description.endswith(".")
    assert kind.section.model.__doc__


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.__name__)
def test_models_are_strict_frozen_and_closed(model: type[BaseModel]) -> None:
    assert model.model_config.get("strict") is True
    assert model.model_config.get("frozen") is True
    assert model.model_config.get("extra") == "forbid"


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.__name__)
def test_every_field_has_a_description_and_an_example(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        text = of_fields(model).get(name, "")
        assert text.endswith("."), f"{model.__name__}.{name} has no docstring that is a sentence"
        exemplary = list(examples(field)) or list(models(field.annotation))
        assert exemplary, f"{model.__name__}.{name} has no example"


def examples(field: FieldInfo) -> Iterator[object]:
    """The examples of a field, also those within `Annotated[...] | None`."""
    yield from field.examples or ()
    for inner in get_args(field.annotation):
        for said in getattr(inner, "__metadata__", ()):
            if isinstance(said, FieldInfo):
                yield from said.examples or ()


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.__name__)
def test_examples_are_what_the_field_takes(model: type[BaseModel]) -> None:
    for field in model.model_fields.values():
        adapter: TypeAdapter[object] = TypeAdapter(field.rebuild_annotation())
        for example in examples(field):
            adapter.validate_json(json.dumps(example), strict=True)


@every_kind
def test_grants_are_exact(kind: Kind[Any]) -> None:
    """No wildcard in an action, none in an ARN but behind the entry's own name."""
    for statement in granted(kind):
        assert statement.actions
        for action in statement.actions:
            assert "*" not in action
        for arn in statement.resources:
            assert arn.startswith("arn:aws:")
            assert "*" not in arn.partition("/")[0]
            assert arn.count("*") <= 1


@every_kind
def test_what_grants_something_names_itself_in_the_environment(kind: Kind[Any]) -> None:
    assert bool(kind.grants) == (kind.variable is not None)


def granted(kind: Kind[Any]) -> Iterator[Statement]:
    document = compiler.check(CASE, TODAY).any
    context = Context(document, Target("dev", "123456789012", ("eu-west-1",)), "eu-west-1", KINDS)
    for name in document.entries(kind.section):
        for grant in kind.grants.values():
            yield from grant(context, name, "")
            if kind.prefixes:
                yield from grant(context, name, "in/")


def test_the_cases_have_every_field() -> None:
    """So that what other tests say of the cases, they say of every field."""
    documents = [compiler.check(case, TODAY).any for case in cases()]
    for kind in KINDS:
        given: set[str] = set()
        for document in documents:
            for entry in document.entries(kind.section).values():
                given |= entry.model_fields_set
        assert given == set(kind.section.model.model_fields), kind.section.name
    assert document_model(compiler.sections()).model_fields.keys() >= {"service", "regions", "tags"}


def cases() -> list[Path]:
    return [ROOT / "services.yaml", *sorted((ROOT / "tests" / "cases").glob("*/services.yaml"))]


@pytest.mark.parametrize("file", cases(), ids=lambda file: file.parent.name)
def test_resources_belong_to_an_entry_of_the_file(file: Path) -> None:
    document = compiler.check(file, TODAY).any
    entries = {"api", "alarms", "functions"} | {
        f"{section}.{name}" for section, found in document.sections.items() for name in found
    }
    for resource in planned(file).resources:
        assert resource.origin in entries
        assert resource.key == resource.origin or resource.key.startswith(
            (f"{resource.origin}/", f"{resource.origin}.")
        )


def named(plan: Plan, name: str, value: object, region: object, *types: str) -> set[str]:
    """The keys of the resources of some types that are called so in this region."""
    return {
        each.key
        for each in plan.resources
        if each.type.rpartition(":")[2] in types
        and each.inputs.get(name) == value
        and (each.inputs.get("region") == region or each.type.startswith("aws:iam/"))
    }


def wanted_before(plan: Plan, resource: Resource) -> set[str]:
    """The keys of exactly those resources that AWS wants to be there before this one."""
    inputs, region = resource.inputs, resource.inputs.get("region")
    match resource.type.rpartition(":")[2]:
        case "RolePolicy":
            return named(plan, "name", inputs["role"], None, "Role")
        case "Function":
            role = str(inputs["role"]).rpartition("/")[2]
            logging = inputs["loggingConfig"]
            assert isinstance(logging, dict)
            return (
                named(plan, "name", role, None, "Role")
                | named(plan, "role", role, None, "RolePolicy")
                | named(plan, "name", logging["logGroup"], region, "LogGroup")
            )
        case "Permission":
            return named(plan, "name", inputs["function"], region, "Function")
        case "Integration":
            function = str(inputs["integrationUri"]).rpartition(":")[2]
            return named(plan, "name", function, region, "Function")
        case "Route":
            (integration,) = attributes(inputs["target"])
            uri = str(plan.by_key[integration.key].inputs["integrationUri"])
            function = uri.rpartition(":")[2]
            (permission, *_) = [key for key in resource.after if key.endswith("permission")
                                or "/permission@" in key]  # fmt: skip
            assert plan.by_key[permission].inputs["function"] == function
            return {integration.key, permission}
        case "Stage":
            mine = {each.key for each in plan.resources if each.type.endswith(":Route")
                    and each.inputs.get("region") == region}  # fmt: skip
            settings = inputs["accessLogSettings"]
            assert isinstance(settings, dict)
            group = str(settings["destinationArn"]).partition(":log-group:")[2]
            return mine | named(plan, "name", group, region, "LogGroup")
        case "LogMetricFilter":
            return named(plan, "name", inputs["logGroupName"], region, "LogGroup")
        case "TopicPolicy" | "TopicSubscription":
            topic = str(inputs.get("arn") or inputs["topic"]).rpartition(":")[2]
            return named(plan, "name", topic, region, "Topic")
        case "MetricAlarm" if list(plan.of_type("aws:sns/topic:Topic")):
            actions = inputs["alarmActions"]
            assert isinstance(actions, list)
            return named(plan, "name", str(actions[0]).rpartition(":")[2], region, "Topic")
        case kind if kind.startswith("Bucket") and kind != "Bucket":
            first = named(plan, "bucket", inputs["bucket"], region, "Bucket")
            block = named(plan, "bucket", inputs["bucket"], region, "BucketPublicAccessBlock")
            return first | block if kind == "BucketPolicy" else first
        case _:
            return set()


WITH_NONE = {"Role", "LogGroup", "Api", "Bucket", "Parameter", "Dashboard", "Topic", "Authorizer"}


@pytest.mark.parametrize("file", cases(), ids=lambda file: file.parent.name)
def test_what_has_to_exist_first_is_required(file: Path) -> None:
    plan = planned(file)
    for resource in plan.resources:
        wanted = wanted_before(plan, resource)
        kind = resource.type.rpartition(":")[2]
        alone = kind in WITH_NONE or (
            kind == "MetricAlarm" and "alarmActions" not in resource.inputs
        )
        assert wanted or alone or "topic" in file.read_text("utf-8"), resource.key
        assert wanted <= everything_before(plan, resource.key), resource.key


def everything_before(plan: Plan, key: str) -> set[str]:
    found: set[str] = set()
    todo = [key]
    while todo:
        new = set(requirements(plan.by_key[todo.pop()])) - found
        found |= new
        todo.extend(new)
    return found
