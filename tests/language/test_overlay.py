"""One part of the document laid over another, places kept."""

from __future__ import annotations

import pytest

from framework.language.composer import compose
from framework.language.overlay import overlay, too_much, with_defaults
from framework.language.problems import Problem
from framework.language.source import Plain, Source


def read(text: str) -> Source:
    return compose(text, "f")


@pytest.mark.parametrize(
    ("base", "top", "merged"),
    [
        ("{a: 1, b: 2}", "{b: 3, c: 4}", {"a": 1, "b": 3, "c": 4}),
        ("{a: {b: 1, c: 2}}", "{a: {c: 3}}", {"a": {"b": 1, "c": 3}}),
        ("{a: {b: {c: {d: 1}}}}", "{a: {b: {c: {e: 2}}}}", {"a": {"b": {"c": {"d": 1, "e": 2}}}}),
        ("{a: [1, 2]}", "{a: [3]}", {"a": [3]}),
        ("{a: {b: 1}}", "{a: [3]}", {"a": [3]}),
        ("{a: [1]}", "{a: {b: 1}}", {"a": {"b": 1}}),
        ("{a: {b: 1}}", "{a: s3}", {"a": "s3"}),
        ("{a: 1}", "{a: null}", {"a": None}),
        ("{}", "{a: 1}", {"a": 1}),
        ("{a: 1}", "{}", {"a": 1}),
        ("3", "{a: 1}", {"a": 1}),
        ("{a: 1}", "3", 3),
    ],
)
def test_maps_merge_and_anything_else_is_replaced(base: str, top: str, merged: Plain) -> None:
    assert overlay(read(base).root, read(top).root).plain() == merged


def test_neither_part_is_changed() -> None:
    base, top = read("{a: {b: 1}}"), read("{a: {c: 2}}")

    overlay(base.root, top.root)

    assert (base.root.plain(), top.root.plain()) == ({"a": {"b": 1}}, {"a": {"c": 2}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("defaults: {f: {m: 1, n: {o: 2}}}\nf: {a: {m: 3}, b: {n: {p: 4}}}",
         {"a": {"m": 3, "n": {"o": 2}}, "b": {"m": 1, "n": {"o": 2, "p": 4}}}),
        ("defaults: {f: {m: 1}}\nf: {}", {}),
        ("defaults: {f: {m: 1}}\nf: 3", 3),
        ("defaults: {f: {m: 1}}\nf: {a: null}", {"a": None}),
        ("defaults: {f: 3}\nf: {a: {m: 1}}", {"a": {"m": 1}}),
        ("defaults: 3\nf: {a: {}}", {"a": {}}),
        ("f: {a: {}}", {"a": {}}),
        # No section with defaults of its own: nothing is laid under it.
        ("defaults: {g: {m: 1}}\nf: {a: {}}\ng: {a: {}}", {"a": {}}),
    ],
)  # fmt: skip
def test_defaults_are_laid_under_the_entries_of_their_section(text: str, expected: Plain) -> None:
    whole = with_defaults(read(text).root, {"f", "defaults"}).plain()

    assert isinstance(whole, dict)
    assert whole["f"] == expected
    assert whole.get("g", {"a": {}}) == {"a": {}}


def test_defaults_for_a_section_that_is_not_there_do_nothing() -> None:
    source = read("defaults: {f: {m: 1}}")

    assert with_defaults(source.root, {"f"}).plain() == {"defaults": {"f": {"m": 1}}}
    assert with_defaults(read("3").root, {"f"}).plain() == 3


def test_values_keep_the_place_they_were_written_at() -> None:
    source = read("defaults:\n  f: {m: 1}\nf:\n  a:\n    n: 2\n")
    merged = Source("f", source.text, with_defaults(source.root, {"f"}))

    found = [merged.locate(Problem("x", ("f", "a", each))) for each in ("m", "n")]

    assert [(each.line, each.column) for each in found] == [(2, 10), (5, 8)]


def test_defaults_may_not_make_the_document_too_large() -> None:
    large = ", ".join(f"K{number}: 1" for number in range(1_000))
    entries = ", ".join(f"f{number}: {{}}" for number in range(1_000))
    source = read(f"defaults: {{f: {{{large}}}}}\nf: {{{entries}}}\n")

    found = source.located(too_much(source.root, {"f"}))

    assert [str(each) for each in found] == [
        "f:1:12: defaults.f: with these defaults under 1,000 entries there are "
        "more than 200,000 keys and values"
    ]
    assert list(too_much(source.root, {"g"})) == []


def test_long_texts_count_as_well() -> None:
    entries = ", ".join(f"f{number}: {{}}" for number in range(1_000))
    source = read(f"defaults: {{f: {{m: {'x' * 10_000}}}}}\nf: {{{entries}}}\n")

    (found,) = source.located(too_much(source.root, {"f"}))

    assert found.message.endswith("more than 8,388,608 characters of text")
