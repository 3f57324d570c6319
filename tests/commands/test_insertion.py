"""An entry put into a text: only what is new changes, whatever the layout."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from framework.commands.insertion import NewEntry, NoPlace, quoted, with_entry
from framework.language.composer import compose
from framework.language.problems import Rejected
from framework.language.source import Plain, Source, load
from tests.support.projects import ROOT

BEFORE = ("service", "defaults", "functions", "routes")
BUCKET = NewEntry("buckets", "new", {}, BEFORE)
FUNCTION = NewEntry("functions", "new", {"handler": "new.handler"}, BEFORE[:2], wide=True)
ROUTE = NewEntry("routes", "GET /new/{id}", {"function": "a", "auth": "none"}, BEFORE[:3])


def source(text: str) -> Source:
    return compose(text, "services.yaml")


def plain(text: str) -> dict[str, Plain]:
    value = source(text).root.plain()
    assert isinstance(value, dict)
    return value


def added_lines(old: str, new: str) -> list[str]:
    """The lines that came; fails where an old one went or changed by a byte."""
    lines = list(difflib.ndiff(old.splitlines(keepends=True), new.splitlines(keepends=True)))
    assert not [line for line in lines if line.startswith(("- ", "? "))]
    return [line[2:] for line in lines if line.startswith("+ ")]


@pytest.mark.parametrize("entry", [FUNCTION, ROUTE, BUCKET], ids=lambda entry: entry.section)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize(
    "path",
    [ROOT / "services.yaml", *sorted((ROOT / "tests" / "cases").glob("*/services.yaml"))],
    ids=lambda path: path.parent.name,
)
def test_every_old_line_of_every_case_survives(path: Path, newline: str, entry: NewEntry) -> None:
    old = path.read_text("utf-8").replace("\n", newline)
    new = with_entry(source(old), entry).text
    lines = added_lines(old, new)
    assert 1 <= len(lines) <= 4
    assert all(line.endswith(newline) for line in lines)
    section = plain(new)[entry.section]
    assert isinstance(section, dict)
    assert section[entry.name] == dict(entry.fields)


LAYOUTS = {
    "comments that belong to the last entry": (
        "functions:\n  a: {handler: a.b}\n  # more of a\n\n  # and more\n\n# routes\nroutes: {}\n",
        FUNCTION,
        "functions:\n  a: {handler: a.b}\n  # more of a\n\n  # and more\n"
        "  new: {handler: new.handler}\n\n# routes\nroutes: {}\n",
    ),
    "deep indentation": (
        "functions:\n    a:\n       handler: a.b # here\n",
        FUNCTION,
        "functions:\n    a:\n       handler: a.b # here\n    new:\n       handler: new.handler\n",
    ),
    "no final newline": (
        "functions:\n  a: {handler: a.b}",
        FUNCTION,
        "functions:\n  a: {handler: a.b}\n  new: {handler: new.handler}",
    ),
    "tabs in comments, a document's start and end": (
        "---\t# one\nfunctions:\t\t# two\n  a:\t{handler: a.b}\t# three\n...\n",
        FUNCTION,
        "---\t# one\nfunctions:\t\t# two\n  a:\t{handler: a.b}\t# three\n"
        "  new: {handler: new.handler}\n...\n",
    ),
    "a new section, apart as the others are": (
        "service: x\n\n# what it does\nfunctions:\n  a: {handler: a.b}\n\nparameters:\n  k: {}\n",
        BUCKET,
        "service: x\n\n# what it does\nfunctions:\n  a: {handler: a.b}\n\nbuckets:\n  new: {}\n"
        "\nparameters:\n  k: {}\n",
    ),
    "a new section, close together": (
        "service: x\nfunctions:\n   a: {handler: a.b}\nparameters:\n   k: {}\n",
        BUCKET,
        "service: x\nfunctions:\n   a: {handler: a.b}\nbuckets:\n   new: {}\n"
        "parameters:\n   k: {}\n",
    ),
    "a new section after the only line": (
        "service: x",
        FUNCTION,
        "service: x\n\nfunctions:\n  new:\n    handler: new.handler",
    ),
    "a new section where none of those before it is there": (
        "x-one: 1\nparameters: {}\n",
        BUCKET,
        "x-one: 1\nparameters: {}\nbuckets:\n  new: {}\n",
    ),
    "all indented": (
        "  service: x\n  buckets:\n    a: {}\n",
        FUNCTION,
        "  service: x\n  functions:\n    new:\n      handler: new.handler\n  buckets:\n    a: {}\n",
    ),
    "a section with nothing but comments": (
        "buckets:   # none yet\n  # uploads: {}\nparameters: {}\n",
        BUCKET,
        "buckets:   # none yet\n  # uploads: {}\n  new: {}\nparameters: {}\n",
    ),
    "empty braces": ("buckets: {}\n", BUCKET, "buckets: {new: {}}\n"),
    "braces on one line": (
        "routes: {GET /: {function: a, auth: none}}  # all\n",
        ROUTE,
        'routes: {GET /: {function: a, auth: none}, "GET /new/{id}": {function: a, auth: none}}'
        "  # all\n",
    ),
    "braces on one line with a comma at the end": (
        "buckets: {a: {} , }\n",
        BUCKET,
        "buckets: {a: {} , new: {} }\n",
    ),
    "braces with a line for each": (
        "buckets: {\n  a: {},\n  b: {}  # last\n}\n",
        BUCKET,
        "buckets: {\n  a: {},\n  b: {},  # last\n  new: {}\n}\n",
    ),
    "braces with a line for each and commas at all ends": (
        "buckets: {\n  a: {},\n  b: {},  # last\n}\n",
        BUCKET,
        "buckets: {\n  a: {},\n  b: {},  # last\n  new: {},\n}\n",
    ),
    "braces that close on the last line": (
        "buckets: {a: {},\n  b: {}}\n",
        BUCKET,
        "buckets: {a: {},\n  b: {},\n  new: {}}\n",
    ),
    "JSON": (
        '{"service": "x", "buckets": {"a": {"versioned": true}}}\n',
        BUCKET,
        '{"service": "x", "buckets": {"a": {"versioned": true}, "new": {}}}\n',
    ),
    "JSON without the section": (
        '{\n  "service": "x"\n}\n',
        FUNCTION,
        '{\n  "service": "x",\n  "functions": {"new": {"handler": "new.handler"}}\n}\n',
    ),
    "a map in braces without the section": (
        "{service: x}\n",
        FUNCTION,
        "{service: x, functions: {new: {handler: new.handler}}}\n",
    ),
    "a text of several lines before it": (
        "functions:\n  a:\n    handler: a.b\n    description: |\n      One.\n\n      Two.\n\n\n"
        "routes: {}\n",
        FUNCTION,
        "functions:\n  a:\n    handler: a.b\n    description: |\n      One.\n\n      Two.\n"
        "  new:\n    handler: new.handler\n\n\nroutes: {}\n",
    ),
    "a text that keeps its blank lines": (
        "functions:\n  a:\n    handler: a.b\n    description: |+\n      One.\n\n\nroutes: {}\n",
        FUNCTION,
        "functions:\n  a:\n    handler: a.b\n    description: |+\n      One.\n\n\n"
        "  new:\n    handler: new.handler\nroutes: {}\n",
    ),
    "entries that are aliases": (
        "x-a: &a {handler: a.b}\nfunctions:\n  a: *a\n  b: *a   # the same\nroutes: {}\n",
        FUNCTION,
        "x-a: &a {handler: a.b}\nfunctions:\n  a: *a\n  b: *a   # the same\n"
        "  new:\n    handler: new.handler\nroutes: {}\n",
    ),
    "merged entries": (
        "x-a: &a {a: {handler: a.b}}\nfunctions:\n  <<: *a\n",
        FUNCTION,
        "x-a: &a {a: {handler: a.b}}\nfunctions:\n  <<: *a\n  new:\n    handler: new.handler\n",
    ),
    "keys in quotes": (
        "'buckets':\n  \"a\": {}\n  'b': {}\n",
        BUCKET,
        "'buckets':\n  \"a\": {}\n  'b': {}\n  new: {}\n",
    ),
    "carriage returns alone": ("buckets:\r  a: {}\r", BUCKET, "buckets:\r  a: {}\r  new: {}\r"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_stays(layout: str) -> None:
    old, entry, new = LAYOUTS[layout]
    assert with_entry(source(old), entry).text == new


def test_the_old_values_stay_and_the_new_one_comes() -> None:
    for old, entry, _ in LAYOUTS.values():
        before, after = plain(old), plain(with_entry(source(old), entry).text)
        section = before.get(entry.section) or {}
        assert isinstance(section, dict)
        assert after == {**before, entry.section: {**section, entry.name: dict(entry.fields)}}


@pytest.mark.parametrize(
    "text",
    [
        "x-b: &b {a: {}}\nbuckets: *b\n",
        "buckets: [a]\n",
        "buckets: ~\n",
        "# nothing\n",
        "[service]\n",
        "buckets: &b {a: {}}\nx-b: *b\n",
        "buckets:\n  ? a\n  : {}\n",
    ],
)
def test_what_only_a_person_can_change_is_left(text: str) -> None:
    with pytest.raises(NoPlace) as refused:
        with_entry(source(text), BUCKET)
    assert str(refused.value) == (
        "buckets is written in a way that only a person can add to: add  new: {}"
    )


@pytest.mark.parametrize("entry", [FUNCTION, ROUTE, BUCKET], ids=lambda entry: entry.section)
def test_files_with_mistakes_are_added_to_or_left(entry: NewEntry) -> None:
    added = 0
    for path in sorted((ROOT / "tests" / "errors").glob("*.yaml")):
        try:
            before = compose(load(path, path.name), path.name)
            after = with_entry(before, entry)
        except (Rejected, NoPlace):
            continue
        rest = iter(after.text)
        assert all(character in rest for character in before.text)
        added += 1
    assert added > 30


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Notes", "Notes"),
        ("two words", "two words"),
        ("GET /notes/{id}", "GET /notes/{id}"),
        ("$default", "$default"),
        *(
            (text, f'"{text}"')
            for text in ("", "no", "On", "y", "null", "true", "42", "1e3", "0o14", "012", "a: b")
        ),
        *((text, f'"{text}"') for text in ("a #b", "- a", "*a", "&a", "!a", " a", "a ", "ä", ".5")),
        ('say "a"', r'"say \"a\""'),
    ],
)
def test_texts_are_quoted_where_some_reader_would_err(text: str, written: str) -> None:
    assert quoted(text) == written
    assert source(f"a: {quoted(text)}\n").root.plain() == {"a": text}
    assert source(f"a: {{b: {quoted(text, flow=True)}}}\n").root.plain() == {"a": {"b": text}}
