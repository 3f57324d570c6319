"""The formats: what each says of the same problems, to the letter, and what it never shows."""

from __future__ import annotations

import ast
import json
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from framework.language.formats import FORMATS, MOST_PROBLEMS, Around, formatted
from framework.language.messages import SENTENCES
from framework.language.problems import Located, Severity
from framework.language.rules import OTHER, RULES, described
from framework.language.source import Node, Source
from tests.support.projects import ROOT
from tests.support.sarif import SARIF

TEXT = "service: x\nfunctions: {'📝': {handler: app.mian}}\n"
MISTAKE = Located(2, 26, 2, 34, "a.yaml", "functions.a.handler", "no such function", "missing",
                  "error")  # fmt: skip


def problem(
    line: int = 1,
    column: int = 1,
    *,
    file: str = "a.yaml",
    where: str = "service",
    message: str = "is wrong",
    severity: Severity = "error",
) -> Located:
    return Located(line, column, line, column + 3, file, where, message, "invalid", severity)


def around(text: str = TEXT, path: str = "") -> Around:
    paths = {"a.yaml": path} if path else {}
    return Around({"a.yaml": Source("a.yaml", text, Node(0, 0, None))}, paths, version="1.2.3")


def test_concise_is_one_line_each() -> None:
    said = formatted("concise", [MISTAKE, problem(3, 1, severity="warning")], Around())
    assert said == (
        "a.yaml:2:26: functions.a.handler: no such function\na.yaml:3:1: warning: service: is wrong"
    )


@pytest.mark.parametrize("name", ["concise", "full", "github"])
def test_what_people_read_ends_somewhere(name: str) -> None:
    many = [problem(number) for number in range(1, MOST_PROBLEMS + 1_002)]
    lines = formatted(name, many, Around()).splitlines()
    assert "and 1,001 more" in lines
    assert len([line for line in lines if line.startswith("a.yaml:")]) == MOST_PROBLEMS


def test_full_shows_the_line_with_carets_and_counts() -> None:
    assert formatted("full", [problem(), MISTAKE], around()) == (
        "a.yaml:1:1: service: is wrong\n"
        "  1 | service: x\n"
        "      ^^^\n"
        "a.yaml:2:26: functions.a.handler: no such function\n"
        "  2 | functions: {'📝': {handler: app.mian}}\n"
        "                                ^^^^^^^^\n"
        "Found 2 problems."
    )


@pytest.mark.parametrize(
    ("severities", "said"),
    [
        (["error"], "Found 1 problem."),
        (["warning"], "Found 1 warning."),
        (["error", "error", "error", "warning"], "Found 3 problems, 1 warning."),
        (["error", "warning", "warning"], "Found 1 problem, 2 warnings."),
    ],
)
def test_full_ends_with_how_many(severities: list[Severity], said: str) -> None:
    problems = [problem(severity=severity) for severity in severities]
    assert formatted("full", problems, Around()).splitlines()[-1] == said


def test_full_without_the_text_has_no_snippet() -> None:
    assert formatted("full", [problem(file="b.yaml")], around()) == (
        "b.yaml:1:1: service: is wrong\nFound 1 problem."
    )


@pytest.mark.parametrize(("severity", "colour"), [("error", "\x1b[31m"), ("warning", "\x1b[33m")])
def test_full_in_colour(severity: Severity, colour: str) -> None:
    coloured = Around({"a.yaml": Source("a.yaml", TEXT, Node(0, 0, None))}, colour=True)
    lines = formatted("full", [problem(severity=severity)], coloured).splitlines()
    assert lines[1] == "\x1b[2m  1 | \x1b[0mservice: x"
    assert lines[2] == f"      {colour}^^^\x1b[0m"


@pytest.mark.parametrize("name", ["concise", "full", "github"])
def test_formats_for_people_say_nothing_of_nothing(name: str) -> None:
    assert formatted(name, [], around()) == ""


def test_json_counts_characters() -> None:
    assert json.loads(formatted("json", [MISTAKE], around())) == {
        "version": 1,
        "problems": [
            {
                "file": "a.yaml",
                "line": 2,
                "column": 26,
                "endLine": 2,
                "endColumn": 34,
                "path": "functions.a.handler",
                "message": "no such function",
                "rule": "missing",
                "severity": "error",
            }
        ],
    }


def test_json_of_nothing_is_an_empty_list() -> None:
    assert json.loads(formatted("json", [], Around())) == {"version": 1, "problems": []}


@pytest.mark.parametrize("name", ["json", "sarif"])
def test_programs_get_all_problems_and_ascii(name: str) -> None:
    many = [problem(number, message="é📝\udcff") for number in range(1, MOST_PROBLEMS + 500)]
    said = formatted(name, many, Around())
    assert said.isascii()
    assert said.count("\\ud83d\\udcdd") == len(many)


def test_github_counts_utf16_and_names_the_file_in_the_repository() -> None:
    assert formatted("github", [MISTAKE], around(path="apps/one/a.yaml")) == (
        "::error file=apps/one/a.yaml,line=2,endLine=2,col=27,endColumn=35,"
        "title=services (missing)::functions.a.handler: no such function\n"
        "a.yaml:2:26: functions.a.handler: no such function"
    )


def test_github_has_columns_only_within_a_line() -> None:
    over = Located(1, 3, 2, 4, "a.yaml", "", "goes on", "syntax", "error")
    first = formatted("github", [over], around()).splitlines()[0]
    assert first == "::error file=a.yaml,line=1,endLine=2,title=services (syntax)::goes on"


@pytest.mark.parametrize("line", [1, 99])
def test_github_without_the_line_takes_the_columns_as_they_are(line: int) -> None:
    text = around("") if line == 99 else Around()
    assert ",col=7,endColumn=10," in formatted("github", [problem(line, 7)], text)


def test_github_escapes_what_would_end_a_command() -> None:
    hostile = problem(file="a:b,c%\r\nd", where="x:y,z", message="50%\r\n::error::no")
    command, *_ = formatted("github", [hostile], Around()).split("\n")
    assert command == (
        "::error file=a%3Ab%2Cc%25%0D%0Ad,line=1,endLine=1,col=1,endColumn=4,"
        "title=services (invalid)::x:y,z: 50%25%0D%0A::error::no"
    )


def test_github_annotates_errors_first_and_ten_of_each() -> None:
    problems = [problem(n, severity="warning" if n % 2 else "error") for n in range(1, 31)]
    lines = formatted("github", problems, Around()).splitlines()
    kinds = [line.partition(" ")[0] for line in lines if line.startswith("::")]
    assert kinds == ["::error"] * 10 + ["::warning"] * 10


def sarif(problems: list[Located], known: Around) -> str:
    """The log, which is what the schema says."""
    said = formatted("sarif", problems, known)
    Draft7Validator(SARIF).validate(json.loads(said))
    return said


def test_sarif_of_a_problem() -> None:
    found = json.loads(sarif([MISTAKE], around(path="apps/one two/a#1.yaml")))["runs"][0]
    assert found["columnKind"] == "unicodeCodePoints"
    assert found["results"] == [
        {
            "ruleId": "missing",
            "ruleIndex": 0,
            "level": "error",
            "message": {"text": "functions.a.handler: no such function"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "apps/one%20two/a%231.yaml"},
                        "region": {
                            "startLine": 2, "startColumn": 26, "endLine": 2, "endColumn": 34,
                        },
                    }
                }
            ],
        }
    ]  # fmt: skip


def test_sarif_of_nothing_is_a_run_without_results() -> None:
    found = json.loads(sarif([], Around(version="1.2.3")))["runs"][0]
    driver = {"name": "pulumi-services", "version": "1.2.3", "rules": []}
    assert (found["results"], found["tool"]) == ([], {"driver": driver})


def test_sarif_points_at_the_rule_it_describes() -> None:
    found = json.loads(sarif([problem(), MISTAKE, problem(2)], around()))["runs"][0]
    rules = found["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["invalid", "missing"]
    for result in found["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("services.yaml", "services.yaml"),
        ("../a:b.yaml", "../a%3Ab.yaml"),
        ("/srv/über.yaml", "file:///srv/%C3%BCber.yaml"),
        ("\udcff.yaml", "%FF.yaml"),
    ],
)
def test_sarif_names_files_by_uri(path: str, uri: str) -> None:
    said = formatted("sarif", [problem(file=path)], Around())
    assert f'"uri": "{uri}"' in said


def test_sarif_messages_hold_neither_places_nor_links() -> None:
    hostile = problem(where="", message="write {} not {0} or [here](http://example.com)")
    said = formatted("sarif", [hostile], Around())
    assert '"write {{}} not {{0}} or [here] (http://example.com)"' in said


def test_a_broken_log_is_noticed() -> None:
    broken = json.loads(formatted("sarif", [problem()], Around(version="1")))
    broken["runs"][0]["results"][0]["level"] = "fatal"
    assert not Draft7Validator(SARIF).is_valid(broken)


def rules_used() -> Iterator[tuple[str, str]]:
    """Every word that is given as a problem's rule anywhere in the framework, and where."""
    for path in sorted((ROOT / "framework").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                yield from ((word, place) for word in words_of(node, path))


def words_of(call: ast.Call, path: Path) -> Iterator[str]:
    name = ast.unparse(call.func)
    if name != "Problem" and (path.name != "composer.py" or name not in ("_stop", "self._problem")):
        return
    place = slice(3, 4) if name == "Problem" else slice(-1, None)
    given = [each.value for each in call.keywords if each.arg == "rule"] or call.args[place]
    for value in given:
        if isinstance(value, ast.Constant):
            yield str(value.value)
        elif ast.unparse(value) == "kind.replace('_', '-')":
            yield from (kind.replace("_", "-") for kind in SENTENCES)
        else:
            assert ast.unparse(value) == "rule", f"{path}:{call.lineno}: which rules are these?"
    if name == "Problem" and not given:
        yield "invalid"


def test_every_rule_is_described_and_every_description_is_of_a_rule() -> None:
    used = dict(rules_used())
    unknown = [f"{place}: {word}" for word, place in used.items() if word not in RULES]
    assert not unknown, "describe these rules in framework/language/rules.py"
    assert set(RULES) <= used.keys(), "no problem has these rules any more"


@pytest.mark.parametrize("rule", RULES)
def test_rules_are_words_and_descriptions_sentences(rule: str) -> None:
    assert set(rule) <= set(string.ascii_lowercase + "-")
    assert described(rule)[0].isupper() or described(rule).startswith(("<<", "services.yaml"))
    assert described(rule).endswith(".")


def test_rules_of_other_kinds_are_described_in_general() -> None:
    assert described("a-kind-of-your-own") == OTHER


def test_there_are_five_formats() -> None:
    assert list(FORMATS) == ["concise", "full", "json", "github", "sarif"]
