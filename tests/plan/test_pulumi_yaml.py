"""A plan as a Pulumi YAML program: golden, complete, and the same when it is run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.plan.plain import JsonData
from framework.plan.pulumi_yaml import identifiers, literal, program
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
    attributes,
)
from tests.support.golden import matches
from tests.support.projects import ROOT, TARGET, planned
from tests.support.pulumi_yaml import Program, mapping, read
from tests.test_cases import CASES, target_of

FILES = [ROOT / "services.yaml", *(case / "services.yaml" for case in CASES)]
VERSION = "7.51.0"


def plan_of(file: Path) -> Plan:
    return planned(file, TARGET if file.parent == ROOT else target_of(file.parent))


def answer(name: str, attribute: str) -> str:
    return f"<{name} {attribute}>"


class Everything(dict[str, JsonData]):
    """A configuration that has a value for every secret."""

    def __missing__(self, name: str) -> JsonData:
        return f"the value of {name}"


def evaluated(plan: Plan, folder: Path) -> tuple[Program, Mapping[str, str]]:
    """The program of a plan, and its names by the plan's keys."""
    ran = read(folder, program(plan, "notes", VERSION), {"parameters": Everything()}, answer)
    names = {
        str(ran.value(each["name"])): name for name, each in ran.resources.items() if "name" in each
    }
    return ran, names


RUNNERS = {
    Code("handlers", "python3.14", "x86_64"): "everything",
    Code("handlers/heavy", "python3.13", "arm64"): "render",
    Code("handlers/heavy", "python3.13", "x86_64"): "crop-intel",
}
"""The first function of the golden plans that runs a package from a bucket."""


def expected(value: Value, names: Mapping[str, str], origin: str = "") -> JsonData:
    """A value as it has to come out, references by the names of the program."""
    match value:
        case Attr(key, name):
            return answer(names[key], name)
        case Text(parts):
            return "".join(str(expected(part, names)) for part in parts)
        case Secret((_, name)):
            return f"the value of {name}"
        case Code():
            return {"archive": f"./dist/{origin.partition('.')[2]}.zip"}
        case CodeFile(code):
            return {"asset": f"./dist/{RUNNERS[code]}.zip"}
        case CodeKey(code):
            return value.named(f"<sha256 of /program/dist/{RUNNERS[code]}.zip>")
        case Json(document):
            data = expected(document, names)
            return json.dumps(data, sort_keys=True, separators=(",", ":"))
        case Mapping():
            return {name: expected(item, names, origin) for name, item in value.items()}
        case list() | tuple():
            return [expected(item, names) for item in value]
        case Secret():
            raise AssertionError(value)
        case _:
            return value


@pytest.mark.parametrize("case", ["sample", "every-field"])
def test_the_text_of_a_program(case: str, update: bool) -> None:
    cases = ROOT / "tests" / "cases"
    file = ROOT / "services.yaml" if case == "sample" else cases / case / "services.yaml"
    recorded = cases / ("sample.program.yaml" if case == "sample" else f"{case}/program.yaml")
    matches(program(plan_of(file), "notes", VERSION), recorded, update)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_a_program_says_all_that_the_plan_says(file: Path, tmp_path: Path) -> None:
    plan = plan_of(file)
    ran, names = evaluated(plan, tmp_path)
    assert list(names) == list(plan.by_key)
    for key, resource in plan.by_key.items():
        declared = ran.resources[names[key]]
        options = mapping(declared["options"])
        assert declared["type"] == resource.type
        assert ran.properties(names[key]) == expected(resource.inputs, names, resource.origin)
        assert options["provider"] == "${aws}"
        assert options.get("dependsOn", []) == [f"${{{names[each]}}}" for each in resource.after]
        assert options.get("protect", False) is resource.protect
        assert options.get("retainOnDelete", False) is resource.retain
        assert options.get("replaceOnChanges", []) == list(resource.replace_on)
        assert options.get("deleteBeforeReplace", False) is bool(resource.replace_on)
    assert ran.properties("aws") == expected(plan.provider, names)
    assert ran.value(ran.data.get("outputs", {})) == expected(plan.outputs, names)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_secrets_are_the_stacks_and_marked(file: Path) -> None:
    text = program(plan_of(file), "notes", VERSION)
    secrets = re.findall(r'value: \$\{parameters\["[a-z-]+"\]\}', text)
    assert text.count("additionalSecretOutputs:\n      - value") == len(secrets)
    assert ("config:\n  parameters:\n    type: object\n    secret: true\n" in text) is bool(secrets)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_names_are_ones_that_references_take(file: Path) -> None:
    names = identifiers(plan_of(file).by_key)
    assert len(set(names.values())) == len(names)
    assert all(re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name) for name in names.values())


def test_names_that_would_be_the_same_are_told_apart_by_their_keys() -> None:
    keys = ["routes.GET /a_b", "routes.GET /a/b", "functions.a", "aws", "1st", "api"]
    names = identifiers(keys, {"aws"})
    assert names == {
        "routes.GET /a_b": "routes_GET_a_b_3a8364",
        "routes.GET /a/b": "routes_GET_a_b_950507",
        "functions.a": "functions_a",
        "aws": "aws_7d1507",
        "1st": "n_1st",
        "api": "api",
    }
    assert identifiers(reversed(keys), {"aws"}) == names


HOSTILE = [
    "${x.y}", "$$", "$${a}", "$$$", "tail$", "$default", "$context.requestId", "1e3", "0o17", "y",
    "null", "0x1F", "#no: comment", "-", ".inf", "", "1_000", "12:30:45", "~", "<<", "=", "!tag",
    "+1.5", "True", " lead", "trail ", "2024-01-01", "a\nb\tc", "\x85\u2028é😀", "{a: b}", "*x",
    "&x", "'", '"', "\\", "%", "@", "`", "fn::secret", "- a", "a: b", "? x", "1.", "0b1", "1__0",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_an_authors_text_stays_as_it_is(text: str, tmp_path: Path) -> None:
    inputs: Mapping[str, Value] = {
        "alone": text,
        "listed": [text, {"deep": text}],
        "named": {text: "x", "other": 1},
        "document": Json({"a": text}),
        "followed": Text((text, Attr("api", "id"), text)),
        "made": Json({"a": text, "b": Attr("api", "id")}),
    }
    one = Resource("api", "aws:apigatewayv2/api:Api", {"name": "x"}, origin="api")
    other = Resource(f"routes.{text}", "aws:apigatewayv2/route:Route", inputs, origin="routes.x")
    ran, names = evaluated(Plan((one, other), {"out": text}), tmp_path)
    assert ran.properties(names[other.key]) == expected(inputs, names)
    assert ran.value(ran.data["outputs"]) == {"out": text}


texts = st.text(st.sampled_from("${}a."), max_size=12)


@given(texts, texts)
def test_a_literal_is_read_back_whatever_follows_it(before: str, after: str) -> None:
    ran = Program({"resources": {"x": {}}}, {}, lambda name, attribute: "REFERENCE")
    assert ran.text(literal(before)) == (before or "")
    written = f"{literal(before)}${{x.id}}{literal(after)}"
    assert ran.text(written) == f"{before}REFERENCE{after}"


def test_a_secret_within_a_document_is_made_by_the_runtime(tmp_path: Path) -> None:
    secret = Secret(("parameters", 'a "key"'))
    document = Json({"a": [secret], "b": 1})
    plan = Plan((Resource("x", "aws:iam/role:Role", {"text": document, "list": [secret]}),))
    ran, names = evaluated(plan, tmp_path)
    assert ran.properties("x") == {
        "text": '{"a":["the value of a \\"key\\""],"b":1}',
        "list": ['the value of a "key"'],
    }
    assert mapping(ran.resources["x"]["options"])["additionalSecretOutputs"] == ["text", "list"]
    assert "aliases" not in mapping(ran.resources["x"]["options"])
    assert names == {"x": "x"}


def test_a_package_where_no_program_can_say_it_is_a_bug() -> None:
    code = Code("handlers", "python3.13", "arm64")
    plan = Plan((Resource("x", "aws:iam/role:Role", {"list": [code]}),))
    with pytest.raises(ValueError, match="stands where no program can say it"):
        program(plan, "notes", VERSION)


def test_every_attribute_of_a_plan_is_of_a_resource_in_it() -> None:
    plan = plan_of(ROOT / "services.yaml")
    assert {each.key for one in plan.resources for each in attributes(one.inputs)} <= set(
        plan.by_key
    )


def test_the_page_shows_a_part_of_the_samples_program() -> None:
    page = (ROOT / "docs" / "reading-the-plan.md").read_text("utf-8")
    shown = page.rpartition("```yaml\nresources:\n")[2].partition("```")[0]
    recorded = ROOT / "tests" / "cases" / "sample.program.yaml"
    assert shown.startswith("  routes_GET_notes:\n")
    assert shown in recorded.read_text("utf-8")
