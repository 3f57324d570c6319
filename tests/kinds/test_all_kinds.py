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
from framework.plan.resource import Plan, requirements
from framework.plan.target import Target
from tests.support.projects import ROOT, TODAY, planned

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.section.name)

CASE = ROOT / "tests" / "cases" / "every-field" / "services.yaml"
SPECIAL = {"__init__", "kind", "uses", "handler", "retention", "dashboard", "secrets", "imports"}
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
    entries = {"api", "alarms"} | {
        f"{section}.{name}" for section, found in document.sections.items() for name in found
    }
    for resource in planned(file).resources:
        assert resource.origin in entries
        assert resource.key == resource.origin or resource.key.startswith(
            (f"{resource.origin}/", f"{resource.origin}.")
        )


FIRST = {
    "aws:lambda/function:Function": ["iam/role", "iam/rolePolicy", "cloudwatch/logGroup"],
    "aws:iam/rolePolicy:RolePolicy": ["iam/role"],
    "aws:lambda/permission:Permission": ["lambda/function", "apigatewayv2/api"],
    "aws:apigatewayv2/integration:Integration": ["apigatewayv2/api", "lambda/function"],
    "aws:apigatewayv2/route:Route": [
        "apigatewayv2/api",
        "apigatewayv2/integration",
        "lambda/permission",
    ],
    "aws:apigatewayv2/stage:Stage": [
        "apigatewayv2/api",
        "apigatewayv2/route",
        "cloudwatch/logGroup",
    ],
    "aws:s3/bucketPolicy:BucketPolicy": ["s3/bucket", "s3/bucketPublicAccessBlock"],
}
"""A type -> the types of what AWS wants to be there before."""


@pytest.mark.parametrize("file", cases(), ids=lambda file: file.parent.name)
def test_what_has_to_exist_first_is_required(file: Path) -> None:
    plan = planned(file)
    for resource in plan.resources:
        before = {
            plan.by_key[key].type.split(":")[1] for key in everything_before(plan, resource.key)
        }
        assert set(FIRST.get(resource.type, [])) <= before, resource.key
        if resource.type.startswith("aws:s3/bucket") and resource.type != "aws:s3/bucket:Bucket":
            assert "s3/bucket" in before


def everything_before(plan: Plan, key: str) -> set[str]:
    found: set[str] = set()
    todo = [key]
    while todo:
        new = set(requirements(plan.by_key[todo.pop()])) - found
        found |= new
        todo.extend(new)
    return found
