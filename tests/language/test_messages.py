"""What pydantic found, in an author's words: every sentence, and what may be shown in one."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Literal

import pytest
from pydantic import Field, JsonValue, field_validator

from framework import compiler
from framework.language.composer import compose
from framework.language.document import Section, Sections, document_model, shape
from framework.language.fields import Entry, Name, Pattern
from framework.language.messages import (
    SENTENCES,
    fields_at,
    holds_json,
    homes,
    kind_of,
    real_path,
    suggestion,
)
from framework.language.problems import HIDDEN, Path

Colour = Annotated[str, Pattern("^[a-z]+$", "a colour is a word such as red")]


class Limit(Entry):
    rate: Annotated[int, Field(ge=1, le=5_000)]
    share: float = 0.5


class Thing(Entry):
    colour: Colour
    amount: Annotated[int, Field(ge=1, le=10_240)] = 1
    on: bool = True
    shape: Literal["round", "square"] = "round"
    days: Literal[1, 7, 30] = 7
    note: Annotated[str, Field(min_length=1, max_length=5)] = "note"
    parts: Annotated[tuple[Colour, ...], Field(min_length=1, max_length=2)] = ("red",)
    one: Annotated[tuple[str, ...], Field(min_length=1)] = ("a",)
    labels: Annotated[dict[Name, str], Field(max_length=1, default_factory=dict)]
    limit: Limit | None = None
    value: Annotated[str, Field(max_length=3)] | None = None
    environment: dict[Colour, JsonValue] = Field(default_factory=dict)
    even: int = 2
    ratio: Annotated[float, Field(gt=0)] = 1.0

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError(f"{value} is odd\x1b")
        return value

    @field_validator("value")
    @classmethod
    def _decent(cls, value: str) -> str:
        if value == "bad":
            raise ValueError(f"{value} is a bad value")
        return value


class Shelf(Entry):
    width: int = 1
    memory_size: int = 1


SECTIONS: Sections = (
    Section("things", Thing, "Things.", defaults=True),
    Section("shelf", Shelf, "The shelf.", single=True),
)
MODEL = document_model(SECTIONS)


def lines(text: str) -> list[str]:
    """The problems of a file's shape, without the file's name."""
    shaped = shape(compose(text, "f"), SECTIONS)
    return [str(problem).removeprefix("f:") for problem in shaped.problems]


def thing(fields: str) -> list[str]:
    """The problems of one thing, without its place."""
    found = lines(f"service: notes\nthings: {{a: {{colour: red, {fields}}}}}\n")
    return [line.split("things.a.", 1)[-1] for line in found]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("amount: text", "amount: expected a whole number, not text: 'text'"),
        ('amount: "12"', "amount: expected a whole number, not text: '12'"),
        ("amount: 1.5", "amount: expected a whole number, not 1.5"),
        ("amount: true", "amount: expected a whole number, not true"),
        ("amount: [1]", "amount: expected a whole number, not a list"),
        ("amount: {}", "amount: expected a whole number, not a map"),
        ("amount: 0", "amount: 0 is less than the least, 1"),
        ("amount: 99999", "amount: 99999 is more than the most, 10,240"),
        (f"amount: {'9' * 40}", f"amount: {'9' * 40} is more than the most, 10,240"),
        ("note: 12", "note: expected text, not 12: put it in quotes"),
        ("note: false", "note: expected text, not false: put it in quotes"),
        ("note: [a]", "note: expected text, not a list"),
        ('note: ""', "note: needs at least 1 character"),
        ("note: abcdef", "note: may have at most 5 characters"),
        ("on: 1", "on: expected true or false, not 1"),
        ("on: maybe", "on: expected true or false, not text: 'maybe'"),
        ("on: yes", "on: expected true or false, not text: 'yes', did you mean true?"),
        ("on: Off", "on: expected true or false, not text: 'Off', did you mean false?"),
        ('on: "true"', "on: expected true or false, not text: 'true', did you mean true?"),
        ("shape: rond", "shape: expected one of round, square, not 'rond', did you mean 'round'?"),
        ("shape: flat", "shape: expected one of round, square, not 'flat'"),
        ("shape: 3", "shape: expected one of round, square, not 3"),
        ("shape: [round]", "shape: expected one of round, square, not a list"),
        ("days: 8", "days: expected one of 1, 7, 30, not 8"),
        ('days: "7"', "days: expected one of 1, 7, 30, not text: '7'"),
        ("parts: red", "parts: expected a list, not text: 'red'"),
        ("parts: []", "parts: needs at least 1 item"),
        ("parts: [a, b, c]", "parts: may have at most 2 items"),
        ("parts: [a, 3]", "parts[1]: expected text, not 3: put it in quotes"),
        ("parts: [a, B]", "parts[1]: 'B' does not fit: a colour is a word such as red"),
        # A list is not also too short because what is in it is refused.
        ("one: [1]", "one[0]: expected text, not 1: put it in quotes"),
        ("labels: []", "labels: expected a map, not a list"),
        ("labels: {a: b, c: d}", "labels: may have at most 1 item"),
        ("labels: {a: 1}", "labels.a: expected text, not 1: put it in quotes"),
        ("labels: {A: b}", "labels.A: 'A' does not fit: a name is lower-case words joined by "
                           "hyphens, at most 64 characters, such as list-notes"),
        ("limit: 3", "limit: expected a map, not 3"),
        ("limit: {}", "limit: 'rate' is missing"),
        ("limit: {rate: 1, share: x}", "limit.share: expected a number, not text: 'x'"),
        ("even: 3", "even: 3 is oddU+001B"),
        ("ratio: 0", "ratio: 0 is not allowed here"),
    ],
)  # fmt: skip
def test_sentences(fields: str, expected: str) -> None:
    assert thing(fields) == [expected]


def test_all_problems_of_an_entry_are_said_at_once() -> None:
    found = lines(
        "service: 3\n"
        "things:\n"
        "  a:\n"
        "    amount: 0\n"
        "    parts: [A, B]\n"
        "  Big: {colour: red, limit: {rate: x}}\n"
    )

    name = "a name is lower-case words joined by hyphens, at most 64 characters, such as list-notes"
    assert found == [
        "1:10: service: expected text, not 3: put it in quotes",
        "3:3: things.a: 'colour' is missing",
        "4:13: things.a.amount: 0 is less than the least, 1",
        "5:13: things.a.parts[0]: 'A' does not fit: a colour is a word such as red",
        "5:16: things.a.parts[1]: 'B' does not fit: a colour is a word such as red",
        f"6:3: things.Big: 'Big' does not fit: {name}",
        "6:36: things.Big.limit.rate: expected a whole number, not text: 'x'",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("things: {}", "1:1: 'service' is missing"),
        ("service: a\nthings:\n  b: {}\n", "3:3: things.b: 'colour' is missing"),
        ("service: a\nthings:\n  b: {colour: red,\n    limit: {share: 1}}\n",
         "4:5: things.b.limit: 'rate' is missing"),
    ],
)  # fmt: skip
def test_what_is_missing_is_placed_at_the_key_it_is_missing_below(text: str, expected: str) -> None:
    assert lines(text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("thing: {}", "2:1: thing: unknown field, did you mean 'things'?"),
        ("colour: red", "2:1: colour: unknown field here; it belongs under things.<name>"),
        ("rate: 3", "2:1: rate: unknown field here; it belongs under things.<name>.limit"),
        ("zebra: 3", "2:1: zebra: unknown field; known are service, regions, tags, defaults, "
                     "things, shelf, environments"),
        ("shelf: {widht: 1}", "2:9: shelf.widht: unknown field, did you mean 'width'?"),
        ("shelf: {MemorySize: 1}",
         "2:9: shelf.MemorySize: unknown field, did you mean 'memory_size'?"),
        ("shelf: {colour: 1}",
         "2:9: shelf.colour: unknown field here; it belongs under things.<name>"),
        ("shelf: {zebra: 1}",
         "2:9: shelf.zebra: unknown field; known are width, memory_size"),
        ("things: {a: {colour: red, width: 1}}",
         "2:27: things.a.width: unknown field here; it belongs under shelf"),
        ("things: {a: {colour: red, limit: {rate: 1, rat: 2}}}",
         "2:44: things.a.limit.rat: unknown field, did you mean 'rate'?"),
        ("things: {a: {colour: red, limit: {rate: 1, tags: {}}}}",
         "2:44: things.a.limit.tags: unknown field here; it belongs at the top of the file"),
        ("account: 3", "2:1: account: unknown field here; it belongs under environments.<name>"),
        ("defaults: {shelf: {}}",
         "2:12: defaults.shelf: unknown field here; it belongs at the top of the file"),
        ("defaults: {things: {color: red}}",
         "2:21: defaults.things.color: unknown field, did you mean 'colour'?"),
        ('"a\\tb": 1', '2:1: ["aU+0009b"]: unknown field; known are service, regions, tags, '
                       "defaults, things, shelf, environments"),
    ],
)  # fmt: skip
def test_unknown_fields_are_told_where_they_belong(text: str, expected: str) -> None:
    assert lines(f"service: notes\n{text}\n") == [expected]


@pytest.mark.parametrize(
    ("word", "known", "nearest"),
    [
        ("bucket", ("routes", "buckets"), "buckets"),
        ("lst", ("read", "list"), "list"),
        ("memroy", ("memory", "timeout"), "memory"),
        ("wirte", ("read", "write"), "write"),
        ("enviroment", ("environment",), "environment"),
        ("Memory", ("memory",), "memory"),
        ("MEMORY", ("memory",), "memory"),
        ("logRetention", ("log_retention",), "log_retention"),
        ("log-retention", ("log_retention",), "log_retention"),
        ("list_notes", ("list-note", "list-notes"), "list-notes"),
        ("MemorySize", ("memory",), "memory"),
        ("timeout_seconds", ("runtime", "timeout"), "timeout"),
        ("env", ("uses", "environment"), "environment"),
        ("desc", ("description",), "description"),
        ("gte", ("get", "put"), "get"),
        ("raed", ("write", "read"), "read"),
        ("python3.31", ("python3.12", "python3.13"), "python3.13"),
        ("kernel", ("kennel", "kernels"), "kennel"),
        ("\x1bab", ("\x1babc",), "U+001Babc"),
    ],
)
def test_the_nearest_known_word_is_suggested(
    word: str, known: tuple[str, ...], nearest: str
) -> None:
    assert suggestion(word, known) == f", did you mean '{nearest}'?"


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("foo", ("bar", "baz")),
        ("a", ("b", "c")),
        ("id", ("timeout", "handler")),
        ("ab", ("abc-def",)),
        ("zebra", ("memory", "timeout")),
        ("get", ("put", "all")),
        ("", ("a",)),
        ("---", ("a",)),
        ("memory", ()),
        ("m" * 65, ("m" * 64,)),
        ("value", ("verbs",)),
    ],
)
def test_nothing_is_suggested_where_nothing_is_near(word: str, known: tuple[str, ...]) -> None:
    assert suggestion(word, known) == ""


def test_a_word_is_compared_with_a_thousand_others_at_most() -> None:
    known = [f"{number:06d}" for number in range(1_000)]

    assert suggestion("memory", [*known, "memory"]) == ""
    assert suggestion("memory", [*known[1:], "memory"]) != ""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"), (True, "true or false"), (1, "a number"), (1.5, "a number"),
        ("x", "text"), ([], "a list"), ((), "a list"), ({}, "a map"),
    ],
)  # fmt: skip
def test_values_have_kinds(value: object, words: str) -> None:
    assert kind_of(value) == words


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("value: 1234987", "value: expected text, not a number: put it in quotes"),
        ("value: true", "value: expected text, not true or false: put it in quotes"),
        ("value: [s3cret]", "value: expected text, not a list"),
        ("value: s3cret", "value: may have at most 3 characters"),
        ("value: bad", "value: it is not allowed here"),
        ("environment: s3cret", "environment: expected a map, not text"),
        ("environment: 42", "environment: expected a map, not a number"),
        # A variable's name is no secret; the path has it anyway.
        ("environment: {A: s3cret}",
         "environment.A: 'A' does not fit: a colour is a word such as red"),
    ],
)  # fmt: skip
def test_values_that_may_be_secrets_are_not_shown(fields: str, expected: str) -> None:
    assert thing(fields) == [expected]


def test_what_is_hidden_is_named() -> None:
    assert {"value", "environment"} == HIDDEN


def test_values_are_cut_at_60_characters() -> None:
    (found,) = thing(f"shape: {'x' * 100}")

    assert found == f"shape: expected one of round, square, not '{'x' * 59}…'"


def test_terminal_escapes_are_not_printed() -> None:
    (found,) = thing('parts: ["a\\u202eb\\tc"]')

    assert found == "parts[0]: 'aU+202EbU+0009c' does not fit: a colour is a word such as red"


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (("things", "a", "colour"), ("things", "a")),
        (("things", "a", "amount"), ("things", "a", "amount")),
        (("things", "a", "Thing", "amount"), ("things", "a", "amount")),
        (("things", "a", "[key]"), ("things", "a")),
        (("things", "a", "parts", 0), ("things", "a", "parts", 0)),
        (("things", "a", "parts", "function-after", 0), ("things", "a", "parts", 0)),
        (("things", "a", "parts", 7), ("things", "a", "parts")),
        ((), ()),
    ],
)
def test_locations_become_paths_of_the_document(
    location: tuple[int | str, ...], path: Path
) -> None:
    root = compose("things: {a: {amount: 1, parts: [x]}}", "f").root

    assert real_path(location, root) == path


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (("shelf",), ["width", "memory_size"]),
        (("things", "any", "limit"), ["rate", "share"]),
        (("defaults",), ["things"]),
        (("things", "a", "labels"), []),
        (("things", "a", "parts", 0), []),
        (("nothing",), []),
    ],
)
def test_the_fields_of_a_place_are_known(path: Path, names: list[str]) -> None:
    assert list(fields_at(MODEL, path)) == names


def test_homes_of_a_field_are_the_places_it_may_stand_at() -> None:
    assert homes(MODEL, "rate") == ("things.<name>.limit",)
    assert homes(MODEL, "things")[0] == ""
    assert homes(MODEL, "zebra") == ()


def test_fields_of_json_are_known() -> None:
    assert holds_json(MODEL, ("things", "a", "environment", "red"))
    assert not holds_json(MODEL, ("things", "a", "environment"))
    assert not holds_json(MODEL, ("things", "environment", "limit"))


# Every type of error that the models can produce has a sentence.

CORE = "PydanticCustomError"

NOTHING_OF_ITS_OWN = frozenset({
    "any", "computed-field", "default", "definition-ref", "definitions", "function-wrap",
    "json-or-python", "model-field", "no-info", "nullable", "union", "with-info",
})  # fmt: skip

ITS_OWN: Mapping[str, str] = {
    "bool": "bool_type",
    "dict": "dict_type",
    "float": "float_type",
    "int": "int_type int_from_float",
    "list": "list_type",
    "literal": "literal_error",
    "model": "model_type",
    "none": "none_required",
    "str": "string_type",
    "tagged-union": "union_tag_invalid union_tag_not_found",
    "tuple": "tuple_type",
}

OF_LIMITS: Mapping[str, str] = {
    "ge": "greater_than_equal",
    "gt": "greater_than",
    "le": "less_than_equal",
    "lt": "less_than",
    "multiple_of": "multiple_of",
    "pattern": "string_pattern_mismatch",
}


def producible(schema: object) -> Iterator[str]:
    """The types of errors that a core schema can produce for JSON input.

    A node of a sort that is not known here stops the test: say above what it produces.
    """
    if isinstance(schema, list | tuple):
        for each in schema:
            yield from producible(each)
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("type"), str):
        yield from of_node(schema["type"], schema)
    skipped = {"metadata", "config", "cls", "default", "python_schema", "expected"}
    for key, inner in schema.items():
        if key not in skipped:
            yield from producible(inner)


def of_node(kind: str, node: Mapping[str, object]) -> Iterator[str]:
    """What one node produces by itself."""
    if kind in ("function-after", "function-before", "function-plain", "function-wrap"):
        function = node["function"]
        assert isinstance(function, dict)
        yield from raised_by(function["function"])
    elif kind == "model-fields":
        yield from ("missing", "extra_forbidden")
    elif kind not in NOTHING_OF_ITS_OWN:
        yield from ITS_OWN[kind].split()
    yield from (OF_LIMITS[limit] for limit in OF_LIMITS if limit in node)
    for limit, what in (("min_length", "too_short"), ("max_length", "too_long")):
        if limit in node:
            yield f"string_{what}" if kind == "str" else what


def raised_by(function: Callable[..., object]) -> Iterator[str]:
    """The types of the errors that a validator raises, by its source."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            raised = node.exc.func
            assert isinstance(raised, ast.Name), ast.unparse(node)
            if raised.id == "ValueError":
                yield "value_error"
            else:
                assert raised.id == CORE, ast.unparse(node)
                first = node.exc.args[0]
                assert isinstance(first, ast.Constant)
                yield str(first.value)


HANDLED = frozenset({*SENTENCES, "missing", "extra_forbidden"})


def test_every_error_that_the_models_can_produce_has_a_sentence() -> None:
    model = document_model(compiler.sections())
    found = frozenset(producible(model.__pydantic_core_schema__))

    assert found >= {"missing", "extra_forbidden", "int_type", "literal_error", "pattern"}
    assert sorted(found - HANDLED) == []


def test_an_error_without_a_sentence_is_found() -> None:
    found = frozenset(producible(MODEL.__pydantic_core_schema__))

    assert sorted(found - HANDLED) == ["greater_than"]
    assert "value_error" in found
