"""The schema of one project: it knows the project's names and is kept up to date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from framework import compiler
from framework.commands import project_schema
from framework.language.composer import compose
from framework.language.schema import json_schema
from tests.support.commands import Ran, Services, run_main
from tests.support.projects import ROOT, project

SERVICE = """\
# yaml-language-server: $schema=./schema/project.schema.json
service: x
functions:
  a:
    handler: app.main
    uses: {buckets.notes: [read], parameters.key: read}
  b: {handler: app.main}
routes:
  GET /: {function: a, auth: jwt.main}
buckets: {notes: {}}
parameters: {key: {}}
api: {authorizers: {main: {issuer: "https://login.example.com/", audience: [x]}}}
environments:
  dev: {}
  prod:
    functions: {c: {handler: app.main}}
    api: {authorizers: {second: {issuer: "https://login.example.com/", audience: [x]}}}
"""


@pytest.fixture
def services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Services:
    monkeypatch.chdir(tmp_path)
    project(tmp_path, SERVICE)

    def run(*words: str) -> Ran:
        return run_main(words, capsys)

    return run


def schema_of(text: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(project_schema.schema_for(compose(text, "services.yaml")))
    Draft202012Validator.check_schema(schema)
    return schema


def wrong(schema: dict[str, Any], text: str) -> list[str]:
    """The paths at which a schema finds something wrong."""
    values = compose(text, "services.yaml").root.plain()
    found = Draft202012Validator(schema).iter_errors(values)
    return [".".join(map(str, error.absolute_path)) for error in found]


def test_it_knows_the_names_those_of_environments_too() -> None:
    definitions = schema_of(SERVICE)["$defs"]
    for route in ("Route", "RoutePart"):
        fields = definitions[route]["properties"]
        assert fields["function"]["enum"] == ["a", "b", "c"]
        assert fields["auth"]["enum"] == ["none", "iam", "jwt.main", "jwt.second"]
        assert fields["auth"]["description"].startswith("Who may call")
    uses = definitions["Function"]["properties"]["uses"]
    assert list(uses["properties"]) == ["buckets.notes", "parameters.key"]
    bucket, parameter = (json.dumps(each) for each in uses["properties"].values())
    assert '"enum": ["read", "list", "write", "delete"]' in bucket
    assert '"prefix"' in bucket
    assert '"enum": ["read", "write"]' in parameter
    assert '"prefix"' not in parameter
    assert '["read", "list"]' not in parameter


def test_all_else_is_as_in_the_schema_for_everybody() -> None:
    schema, common = schema_of(SERVICE), json_schema(compiler.sections())
    assert list(schema)[:2] == ["$schema", "$comment"]
    del schema["$comment"]
    for name in ("Route", "RoutePart", "Function", "FunctionPart"):
        for field in ("function", "auth", "uses"):
            for each in (schema, common):
                each["$defs"][name]["properties"].pop(field, None)
    assert schema == json.loads(json.dumps(common))


def test_the_file_itself_fits() -> None:
    assert wrong(schema_of(SERVICE), SERVICE) == []


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("function: a", "function: d", "routes.GET /.function"),
        ("jwt.main}", "jwt.third}", "routes.GET /.auth"),
        ("buckets.notes: [read]", "buckets.note: [read]", "functions.a.uses"),
        ("buckets.notes: [read]", "buckets.notes: [raed]", "functions.a.uses.buckets.notes"),
        ("parameters.key: read", "parameters.key: list", "functions.a.uses.parameters.key"),
        (
            "parameters.key: read",
            "parameters.key: {verbs: [read], prefix: a/}",
            "functions.a.uses.parameters.key",
        ),
    ],
)
def test_other_names_and_verbs_do_not_fit(old: str, new: str, where: str) -> None:
    assert old in SERVICE
    changed = SERVICE.replace(old, new)
    assert where in wrong(schema_of(SERVICE), changed)


@pytest.mark.parametrize(
    "text",
    ["# nothing\n", "service: x\n", "functions: [a]\nroutes: 1\nbuckets:\nenvironments: {a: 1}\n"],
)
def test_without_names_everything_stays_open(text: str) -> None:
    definitions = schema_of(text)["$defs"]
    assert "enum" not in definitions["Route"]["properties"]["function"]
    assert "properties" not in definitions["Function"]["properties"]["uses"]
    assert definitions["Route"]["properties"]["auth"]["enum"] == ["none", "iam"]


def test_too_many_names_stay_open() -> None:
    many = "functions:\n" + "".join(f"  a{number}: {{}}\n" for number in range(501))
    assert "enum" not in schema_of(many)["$defs"]["Route"]["properties"]["function"]


def test_files_with_mistakes_have_names_too(services: Services, tmp_path: Path) -> None:
    project(tmp_path, SERVICE + "nonsense: 1\n")
    ran = services("schema", "--for", "services.yaml")
    assert ran.code == 0
    assert ran.out == project_schema.schema_for(compose(SERVICE, "services.yaml"))


def test_it_is_written_compared_and_made_again(services: Services, tmp_path: Path) -> None:
    target = tmp_path / "schema" / "project.schema.json"
    words = ("schema", "--for", "services.yaml")
    assert services(*words, "-o", "schema/project.schema.json").out == ""
    assert target.read_text("utf-8") == services(*words).out
    ran = services(*words, "--check", "schema/project.schema.json")
    assert (ran.code, ran.out) == (0, "schema/project.schema.json is this version's schema\n")
    target.write_text("{}", "utf-8")
    ran = services(*words, "--check", "schema/project.schema.json")
    assert (ran.code, ran.err) == (
        1,
        "services: schema/project.schema.json is old: run  "
        "services schema --for services.yaml -o schema/project.schema.json\n",
    )


def test_the_common_schema_may_be_written_to_a_file(services: Services, tmp_path: Path) -> None:
    assert services("schema", "-o", "a.json").code == 0
    committed = ROOT / "schema" / "services.schema.json"
    assert (tmp_path / "a.json").read_text("utf-8") == services("schema").out
    assert committed.is_file()
    ran = services("schema", "-o", "a.json/b.json")
    assert (ran.code, ran.err) == (1, "services: cannot write a.json/b.json: not a directory\n")


def test_validate_makes_it_and_keeps_it_up_to_date(services: Services, tmp_path: Path) -> None:
    target = tmp_path / "schema" / "project.schema.json"
    assert services("validate").code == 0
    first = target.read_text("utf-8")
    assert first == services("schema", "--for", "services.yaml").out
    project(tmp_path, SERVICE.replace("  b:", "  renamed:").replace("function: a", "function: z"))
    assert services("validate").code == 1
    assert '"renamed"' in target.read_text("utf-8")
    assert target.read_text("utf-8") == services("schema", "--for", "services.yaml").out


def test_it_is_written_only_when_names_change(services: Services, tmp_path: Path) -> None:
    target = tmp_path / "schema" / "project.schema.json"
    services("validate")
    identity = target.stat().st_ino, target.stat().st_mtime_ns
    project(tmp_path, SERVICE.replace("audience: [x]", "audience: [x, y]"))
    services("validate")
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == identity


def test_adding_an_entry_brings_its_name(services: Services, tmp_path: Path) -> None:
    assert services("add", "function", "added").code == 0
    assert '"added"' in (tmp_path / "schema" / "project.schema.json").read_text("utf-8")


@pytest.mark.parametrize(
    "modeline",
    [
        "# yaml-language-server: $schema=./schema/services.schema.json",
        "# yaml-language-server: $schema=https://example.com/project.schema.json",
        "# yaml-language-server: $schema=../project.schema.json",
        "# yaml-language-server: $schema=none",
        "# no schema",
        "service: x  # yaml-language-server: $schema=./project.schema.json",
    ],
)
def test_other_schemas_are_left_alone(services: Services, tmp_path: Path, modeline: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    project(inner, f"{modeline}\n" + SERVICE.partition("\n")[2].partition("\n")[2])
    before = sorted(tmp_path.rglob("*"))
    services("validate", "inner/services.yaml")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_of_somebody_else_is_left_alone(services: Services, tmp_path: Path) -> None:
    (tmp_path / "schema").mkdir()
    for content in ("{}", ""):
        (tmp_path / "schema" / "project.schema.json").write_text(content, "utf-8")
        assert services("validate").code == 0
        assert (tmp_path / "schema" / "project.schema.json").read_text("utf-8") == content


def test_a_schema_that_cannot_be_written_is_no_problem(services: Services, tmp_path: Path) -> None:
    (tmp_path / "schema").write_text("a file", "utf-8")
    ran = services("validate")
    assert (ran.code, ran.err) == (0, "")
    (tmp_path / "schema").unlink()
    (tmp_path / "schema" / "project.schema.json").mkdir(parents=True)
    assert services("validate").code == 0


def test_other_spellings_of_the_first_line(services: Services, tmp_path: Path) -> None:
    rest = SERVICE.partition("\n")[2]
    lines = (
        "\n\ufeff# a comment\n---\n#  yaml-language-server:  $schema=a%20b/project.schema.json x\n"
    )
    (tmp_path / "services.yaml").write_text(lines.lstrip() + rest, "utf-8")
    assert services("validate").code == 0
    assert (tmp_path / "a b" / "project.schema.json").is_file()
