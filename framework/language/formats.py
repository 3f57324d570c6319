"""The formats of problems: for people, for GitHub, for programs.

In: located problems and what is around them (the files' text, their names in the repository).
Out: text without a line end at its end; empty where a format says nothing of no problems. Nothing
is read or printed here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import quote

import click

from framework.language.problems import Located, Severity
from framework.language.rules import described
from framework.language.snippet import snippet
from framework.language.source import Source

MOST_PROBLEMS = 20
"""More than this scroll the first one away, which is the one to mend first."""

MOST_ANNOTATIONS = 10
"""GitHub shows as many errors and as many warnings of a step, and no more."""

JSON_VERSION = 1
"""Of the JSON's form; it changes when a field changes its meaning or goes."""

SARIF_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


@dataclass(frozen=True)
class Around:
    """What formats need beside the problems.

    `sources` holds the text of the files that can be read, `paths` the names of files within the
    repository, `width` counts cells of a terminal, `version` is the framework's.
    """

    sources: Mapping[str, Source] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    width: int = 100
    colour: bool = False
    version: str = ""


Format: TypeAlias = Callable[[Sequence[Located], Around], str]


def formatted(name: str, problems: Sequence[Located], around: Around) -> str:
    """The problems, in file order, in the format of this name, one of `FORMATS`."""
    return FORMATS[name](problems, around)


def concise(problems: Sequence[Located], around: Around) -> str:
    """A line for each problem, at most `MOST_PROBLEMS`."""
    return "\n".join([*map(str, problems[:MOST_PROBLEMS]), *_more(problems)])


def full(problems: Sequence[Located], around: Around) -> str:
    """The lines of `concise`, each with the line it is about, and how many there are."""
    lines: list[str] = []
    for problem in problems[:MOST_PROBLEMS]:
        lines += [str(problem), *_shown(problem, around)]
    return "\n".join([*lines, *_more(problems), *_summary(problems)])


def _more(problems: Sequence[Located]) -> list[str]:
    more = len(problems) - MOST_PROBLEMS
    return [f"and {more:,} more"] if more > 0 else []


def _summary(problems: Sequence[Located]) -> list[str]:
    warnings = sum(problem.severity == "warning" for problem in problems)
    counts = ((len(problems) - warnings, "problem"), (warnings, "warning"))
    said = [f"{count:,} {word}{'s' * (count != 1)}" for count, word in counts if count]
    return [f"Found {', '.join(said)}."] if said else []


def _shown(problem: Located, around: Around) -> Iterator[str]:
    """The problem's line with its number, and the carets below."""
    source = around.sources.get(problem.file)
    gutter = f"  {problem.line} | "
    shown = source and snippet(problem, source, around.width - len(gutter))
    if shown:
        carets = "^" * shown.carets
        if around.colour:
            carets = click.style(carets, fg="red" if problem.severity == "error" else "yellow")
        yield (click.style(gutter, dim=True) if around.colour else gutter) + shown.text
        yield " " * (len(gutter) + shown.before) + carets


def as_json(problems: Sequence[Located], around: Around) -> str:
    """An object with all problems, also where there are none; docs/validating.md says its form."""
    found = [
        {
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "endLine": problem.end_line,
            "endColumn": problem.end_column,
            "path": problem.where,
            "message": problem.message,
            "rule": problem.rule,
            "severity": problem.severity,
        }
        for problem in problems
    ]
    return json.dumps({"version": JSON_VERSION, "problems": found}, indent=2)


def github(problems: Sequence[Located], around: Around) -> str:
    """Annotations for a pull request's page, then what `concise` says, for the step's log."""
    annotations = [
        _annotation(problem, around)
        for severity in ("error", "warning")
        for problem in _of(severity, problems)[:MOST_ANNOTATIONS]
    ]
    text = concise(problems, around)
    return "\n".join([*annotations, text] if text else annotations)


def _of(severity: Severity, problems: Sequence[Located]) -> list[Located]:
    return [problem for problem in problems if problem.severity == severity]


def _annotation(problem: Located, around: Around) -> str:
    """One workflow command; columns, in UTF-16 units, are for problems within a line only."""
    places: dict[str, object] = {
        "file": around.paths.get(problem.file, problem.file),
        "line": problem.line,
        "endLine": problem.end_line,
    }
    if problem.line == problem.end_line:
        places["col"] = _utf16(problem, problem.column, around)
        places["endColumn"] = _utf16(problem, problem.end_column, around)
    places["title"] = f"services ({problem.rule})"
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in places.items())
    return f"::{problem.severity} {properties}::{_data(_sentence(problem))}"


def _utf16(problem: Located, column: int, around: Around) -> int:
    """A column of the problem's line as JavaScript counts it."""
    source = around.sources.get(problem.file)
    if source is None or problem.line > source.position(len(source.text))[0]:
        return column
    before = source.line(problem.line)[: column - 1]
    return column + sum(ord(character) > 0xFFFF for character in before)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _sentence(problem: Located) -> str:
    return f"{problem.where}: {problem.message}" if problem.where else problem.message


def sarif(problems: Sequence[Located], around: Around) -> str:
    """A SARIF 2.1.0 log with one run, also where there are no problems."""
    rules = sorted({problem.rule for problem in problems})
    driver = {
        "name": "pulumi-services",
        "version": around.version,
        "rules": [_rule(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, rules.index(problem.rule), around) for problem in problems],
    }
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(rule: str) -> Mapping[str, object]:
    text = {"text": described(rule)}
    # GitHub's code scanning asks for all three.
    return {"id": rule, "shortDescription": text, "fullDescription": text, "help": text}


def _result(problem: Located, rule: int, around: Around) -> Mapping[str, object]:
    region = {
        "startLine": problem.line,
        "startColumn": problem.column,
        "endLine": problem.end_line,
        "endColumn": problem.end_column,
    }
    path = around.paths.get(problem.file, problem.file)
    artifact = {"artifactLocation": {"uri": _uri(path)}, "region": region}
    return {
        "ruleId": problem.rule,
        "ruleIndex": rule,
        "level": problem.severity,
        "message": {"text": _message(_sentence(problem))},
        "locations": [{"physicalLocation": artifact}],
    }


def _uri(path: str) -> str:
    """RFC 3986: relative where the path is, in UTF-8 with what is special percent-encoded."""
    encoded = quote(path.encode("utf-8", "surrogateescape"))
    return f"file://{encoded}" if path.startswith("/") else encoded


def _message(text: str) -> str:
    """SARIF 2.1.0, 3.11.5 and 3.11.6: single braces hold places, and [a](b) is a link."""
    return text.replace("{", "{{").replace("}", "}}").replace("](", "] (")


FORMATS: Mapping[str, Format] = {
    "concise": concise,
    "full": full,
    "json": as_json,
    "github": github,
    "sarif": sarif,
}
