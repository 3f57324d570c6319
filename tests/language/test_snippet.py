"""A line with carets: under the right cells, within the width, and never a secret."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.language.problems import Located
from framework.language.snippet import LONGEST_LINE, Snippet, may_be_secret, snippet
from framework.language.source import Node, Source


def source(text: str) -> Source:
    return Source("f", text, Node(0, 0, None))


def problem(line: int, start: int, end: int, where: str = "service", more: int = 0) -> Located:
    """Of the characters from `start` up to `end`, both from 1."""
    return Located(line, start, line + more, end, "f", where, "is wrong", "invalid", "error")


def drawn(shown: Snippet | None) -> list[str]:
    assert shown is not None
    return [shown.text, " " * shown.before + "^" * shown.carets]


@pytest.mark.parametrize(
    ("line", "of", "text", "carets"),
    [
        ("service: x", "x", "service: x", "         ^"),
        ("日本: 語x, y", "x", "日本: 語x, y", "        ^"),
        ("a: 語語", "語語", "a: 語語", "   ^^^^"),
        ("a: \uff57 b", "b", "a: \uff57 b", "      ^"),
        ("e\u0301: x", "x", "e\u0301: x", "   ^"),
        ("a: e\u0301e\u0301, b", "e\u0301e\u0301", "a: e\u0301e\u0301, b", "   ^^"),
        ("📝: x", "x", "📝: x", "    ^"),
        ("\ta: x", "x", "    a: x", "       ^"),
        ("ab\tx: y", "x", "ab  x: y", "    ^"),
        ("語\tx: y", "x", "語  x: y", "    ^"),
        ("a: \x1b[31mx", "x", "a: U+001B[31mx", "             ^"),
        ("a: \u202ex", "\u202e", "a: U+202Ex", "   ^^^^^^"),
    ],
)
def test_carets_stand_under_the_right_cells(line: str, of: str, text: str, carets: str) -> None:
    start = line.rindex(of) + 1
    shown = snippet(problem(1, start, start + len(of)), source(line), 80)
    assert drawn(shown) == [text, carets]


@pytest.mark.parametrize(
    ("text", "of", "carets"),
    [
        ("a: b\nc: d\n", problem(1, 2, 2, more=1), " ^^^"),
        ("a: b\n", problem(1, 5, 6), "    ^"),
        ("", problem(1, 1, 2), "^"),
        ("a", problem(1, 9, 12), " ^"),
    ],
)
def test_at_and_over_the_end_of_a_line(text: str, of: Located, carets: str) -> None:
    assert drawn(snippet(of, source(text), 80))[1] == carets


def test_a_line_that_is_gone_meanwhile_is_not_shown() -> None:
    assert snippet(problem(3, 1, 2), source("a: b\n"), 80) is None


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_lines_end_as_problems_count_them(ends: str) -> None:
    text = f"a: b{ends}c: \u2028d{ends}"
    assert drawn(snippet(problem(2, 1, 2), source(text), 80)) == ["c: U+2028d", "^"]


@pytest.mark.parametrize(
    ("start", "text", "carets"),
    [
        (1, "012345678901234567…", "^^^"),
        (50, "…012345678901234567…", "          ^^^"),
        (98, "…234567890123456789", "                ^^^"),
    ],
)
def test_of_a_long_line_the_part_around_is_shown(start: int, text: str, carets: str) -> None:
    shown = snippet(problem(1, start, start + 3), source("0123456789" * 10), 20)
    assert drawn(shown) == [text, carets]


def test_carets_end_where_the_shown_part_does() -> None:
    shown = drawn(snippet(problem(1, 50, 100), source("0123456789" * 10), 20))
    assert len(shown[1]) == len(shown[0].rstrip("…"))


def test_lines_that_nobody_wrote_are_not_shown() -> None:
    assert snippet(problem(1, 1, 2), source("a" * (LONGEST_LINE + 1)), 80) is None
    assert snippet(problem(1, 1, 2), source("a" * LONGEST_LINE), 80) is not None


@given(st.text(max_size=200), st.integers(0, 210), st.integers(0, 210), st.integers(-5, 60))
def test_whatever_the_text_nothing_escapes(text: str, start: int, end: int, width: int) -> None:
    shown = snippet(problem(1, start + 1, end + 1), source(text), width)
    if shown is not None:
        assert all(character.isprintable() for character in shown.text)
        wide = sum(unicodedata.east_asian_width(each) in "WF" for each in shown.text)
        zero = sum(unicodedata.category(each) in ("Mn", "Me") for each in shown.text)
        assert len(shown.text) + wide - zero <= max(width, 10)
        assert shown.carets >= 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("parameters:\n  a: {secret: true, value: hunter2}", 2),
        ('parameters: {a: {"value": hunter2, b: c}}', 1),
        ("parameters:\n  a:\n    vlaue: hunter2", 3),
        ("functions:\n  a: {env: {KEY: hunter2}}", 2),
        ("functions:\n  a:\n    environment:\n      KEY: hunter2", 4),
        ("functions:\n  a:\n    environment:\n# note\n\n      KEY: hunter2", 6),
        ("functions:\n  a:\n    environment:\n    - KEY: hunter2", 4),
        ("functions:\n  a:\n    enviroment:\n      KEY:\n        - hunter2", 5),
        ("functions:\n  a:\n    environment:\n\tKEY: hunter2", 4),
        ("functions:\n  a:\n    value: |\n      hunter2", 4),
        ("environments:\n  prod:\n    parameters:\n      a:\n        value: hunter2", 5),
        ("a:\n" + "  b: c\n" * 1_200, 1_100),
        ("x" * (LONGEST_LINE + 1) + ":\n a: b", 2),
    ],
)
def test_a_line_that_may_hold_a_secret_is_not_shown(text: str, line: int) -> None:
    assert snippet(problem(line, 3, 4, "functions.a"), source(text), 80) is None


@pytest.mark.parametrize(
    "where", ["parameters.a.value", "functions.a.environment", "functions.a.environment.KEY[0]",
              "environments.prod.functions.a.environment.KEY"],
)  # fmt: skip
def test_what_is_known_to_be_hidden_is_hidden(where: str) -> None:
    assert may_be_secret(problem(1, 1, 2, where), source("a: b"))


def test_where_the_text_is_no_yaml_the_line_above_counts_too() -> None:
    text = source("a:\n    environment:\n      KEY: b\n\n   hunter2\n")
    assert may_be_secret(problem(5, 4, 5, where=""), text)
    assert not may_be_secret(problem(5, 4, 5, where="a"), text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("functions:\n  a:\n    environment: {A: b}\n    memory: 1", 4),
        ("environments:\n  prod:\n    alarms: {notify: []}", 3),
        ("functions:\n  a:\n    environment: {A: b}\nroutes:\n  GET /: {auth: none}", 5),
        ("service: environment", 1),
    ],
)
def test_other_lines_are_shown(text: str, line: int) -> None:
    assert snippet(problem(line, 1, 2), source(text), 80) is not None
