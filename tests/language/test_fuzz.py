"""Whatever stands in the file: a document or problems, never an exception of another kind."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framework import compiler
from framework.language.composer import compose
from framework.language.document import shape
from framework.language.problems import Located, Rejected
from framework.language.source import decode, load

SECTIONS = compiler.sections()
SAMPLE = Path(__file__).parents[2] / "services.yaml"
TEXT = load(SAMPLE, "services.yaml")

# What YAML and the models are about, so that arbitrary text has a chance to mean something.
TOKENS = st.sampled_from([
    "service: notes\n", "functions:", "  a:", " b: ", "handler: x.y", "environment:", "value: ",
    "uses: ", "defaults:", "routes:", "GET /a:", "x-a: ", "<<: ", "*a", "&a ", "!!str ", "!x ",
    "- ", "? ", ": ", "[", "]", "{", "}", ", ", "'", '"', "|\n", ">-\n", "#", "%", "@", "`", "\t",
    "\n", "\r\n", "\r", "---\n", "...\n", "null", "~", "012", "1e999", ".nan", "0x1F", "true",
    "<<<<<<< HEAD\n", "=======\n", "{{ x }}", "\\x1", "\u2028", "\x85", "\ufeff", "\x1b[31m",
    "\U0001f600", "é", "  ", "    ",
])  # fmt: skip

PARTS = st.lists(TOKENS | st.text(max_size=8), max_size=30).map("".join)

QUICK = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def found_in(data: bytes) -> tuple[Located, ...]:
    """The problems of a file's bytes: of its text or, where that is YAML, of its shape."""
    try:
        source = compose(decode(data, "services.yaml"), "services.yaml")
    except Rejected as rejected:
        problems = rejected.problems
    else:
        return shape(source, SECTIONS).problems
    assert problems
    return problems


def check(data: bytes) -> None:
    """Problems have a place within the file, a sentence of ours, and nothing a terminal obeys."""
    lines = 1 + data.count(b"\n") + data.count(b"\r")
    for problem in found_in(data):
        assert str(problem).isprintable(), repr(str(problem))
        assert 1 <= problem.line <= problem.end_line <= lines
        assert problem.column >= 1
        assert (problem.line, problem.column) < (problem.end_line, problem.end_column)
        assert "not allowed here" not in problem.message
        assert len(problem.message) < 1_000


@QUICK
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    check(data)


@QUICK
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    check(text.encode("utf-8", "surrogatepass"))


@QUICK
@given(PARTS)
def test_any_text_that_looks_like_yaml(text: str) -> None:
    check(text.encode("utf-8", "surrogatepass"))


@QUICK
@given(text=PARTS | st.text(max_size=60))
def test_any_text_with_the_pure_parser(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("framework.language.composer._LOADER", yaml.SafeLoader)
        check(text.encode("utf-8", "surrogatepass"))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The sample with one to three pieces taken out, put in or replaced."""
    text = TEXT
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.sampled_from([start, start + draw(st.integers(0, 40))]))
        here = draw(st.sampled_from(["", text[: draw(st.integers(0, 60))]]) | PARTS)
        text = text[:start] + here + text[end:]
    return text


@QUICK
@given(mutated())
def test_any_change_of_a_good_file(text: str) -> None:
    check(text.encode("utf-8", "surrogatepass"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 20_000) | st.floats(allow_nan=False)
    | st.sampled_from(["a", "b", "a.b", "none", "s3", "read", "eu-west-1", "3", "yes"])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["a", "b", "value", "kms", "[key]", "verbs"]), inner),
    max_leaves=6,
)  # fmt: skip


def maps_in(value: object) -> list[dict[str, object]]:
    """Every map within a value, outermost first."""
    found: list[dict[str, object]] = []
    if isinstance(value, dict):
        found = [value, *(each for inner in value.values() for each in maps_in(inner))]
    elif isinstance(value, list):
        found = [each for inner in value for each in maps_in(inner)]
    return found


@QUICK
@given(st.data())
def test_any_value_anywhere_in_a_good_file(data: st.DataObject) -> None:
    whole = compose(TEXT, "services.yaml").root.plain()
    for _ in range(2):
        place = data.draw(st.sampled_from(maps_in(whole)))
        key = data.draw(st.sampled_from([*place, "memory", "uses", "environments", "defaults"]))
        place[key] = data.draw(VALUES)
    text = yaml.safe_dump(whole, allow_unicode=True, sort_keys=False)
    check(text.encode("utf-8", "surrogatepass"))


def test_the_sample_itself_is_fine() -> None:
    assert found_in(TEXT.encode()) == ()
