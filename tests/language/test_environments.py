"""Environments: which one a stack takes, what its document says, and where its mistakes are."""

from __future__ import annotations

import pytest

from framework.language.composer import compose
from framework.language.environments import (
    chosen,
    grouped,
    problems_of_removal,
    variants,
    without_removals,
)
from framework.language.problems import Problem, Rejected
from framework.language.source import Plain, Source

TEXT = """\
service: notes
things: {a: {m: 1, n: 2}, b: {m: 3}}
environments:
  dev: {}
  prod:
    account: "123456789012"
    protect: true
    things: {a: {m: 7}, b: null}
    more: {c: {}}
"""


@pytest.fixture
def source() -> Source:
    return compose(TEXT, "f")


def test_a_file_without_environments_is_one_document() -> None:
    source = compose("service: notes\n", "f")

    (variant,) = variants(source)

    assert (variant.name, variant.path, variant.source) == ("", (), source)


@pytest.mark.parametrize("text", ["environments: 3", "environments: {}", "3", "~"])
def test_what_declares_no_environment_is_one_document(text: str) -> None:
    source = compose(text, "f")

    assert [variant.name for variant in variants(source)] == [""]
    assert without_removals(source) is source


def test_every_environment_has_a_document_of_its_own(source: Source) -> None:
    dev, prod = variants(source)
    things: Plain = {"a": {"m": 1, "n": 2}, "b": {"m": 3}}

    assert dev.source.root.plain() == {"service": "notes", "things": things}
    assert prod.source.root.plain() == {
        "service": "notes",
        "things": {"a": {"m": 7, "n": 2}},
        "more": {"c": {}},
    }


def test_an_environment_says_its_account_and_protection(source: Source) -> None:
    dev, prod = variants(source)

    assert (dev.account, dev.protect) == (None, False)
    assert (prod.account, prod.protect) == ("123456789012", True)
    assert (dev.path, prod.path) == (("environments", "dev"), ("environments", "prod"))


@pytest.mark.parametrize("said", ["account: 12, protect: yes", "account: [a], protect: 1"])
def test_settings_of_a_wrong_kind_count_for_nothing(said: str) -> None:
    (variant,) = variants(compose(f"environments: {{dev: {{{said}}}}}", "f"))

    assert (variant.account, variant.protect) == (None, False)


def test_overrides_keep_the_place_they_were_written_at(source: Source) -> None:
    _, prod = variants(source)

    places = [prod.source.locate(Problem("x", ("things", "a", each))) for each in ("m", "n")]

    assert [(each.line, each.column) for each in places] == [(8, 21), (2, 23)]


def test_too_many_environments_for_the_size_of_the_file_are_refused() -> None:
    things = "".join(f"  t{number}: {{a: 1}}\n" for number in range(1_000))
    names = "".join(f"  e{number}: {{}}\n" for number in range(200))

    with pytest.raises(Rejected) as refused:
        variants(compose(f"things:\n{things}environments:\n{names}", "f"))

    assert str(refused.value) == (
        "f:1002:1: environments: for 200 environments there are more than 600,000 values"
    )


def test_removing_what_is_not_there_is_a_mistake() -> None:
    text = "things: {lamp: {}}\nenvironments: {dev: {things: {lmap: }, other: {x: ~}, s: 3}}\n"
    source = compose(text, "f")

    assert [str(each) for each in source.located(problems_of_removal(source))] == [
        "f:2:31: environments.dev.things.lmap: there is no such entry to remove, "
        "did you mean 'lamp'?",
        "f:2:48: environments.dev.other.x: there is no such entry to remove",
    ]


def test_removals_can_be_taken_out() -> None:
    text = "environments: {dev: {things: {a: ~, b: {m: ~}}, regions: [eu]}, odd: 3}\n"

    assert without_removals(compose(text, "f")).root.plain() == {
        "environments": {"dev": {"things": {"b": {"m": None}}, "regions": ["eu"]}, "odd": 3}
    }


@pytest.mark.parametrize(
    ("stack", "environment"),
    [
        ("dev", "dev"),
        ("pr-7", "pr-*"),
        ("pr-ui-7", "pr-ui-*"),
        ("pr-", "pr-*"),
        ("eu-prod", "*-prod"),
        ("other", None),
        ("pr", None),
        ("xpr-7", None),
        ("prod.eu", "prod.*"),
        ("prodxeu", None),
    ],
)
def test_a_stack_takes_its_name_or_the_pattern_that_says_most(
    stack: str, environment: str | None
) -> None:
    names = ["pr-*", "pr-ui-*", "dev", "*-prod", "prod.*"]

    assert chosen(names, stack) == environment
    assert chosen(reversed(names), stack) == environment


def test_any_stack_fits_a_lone_star_last() -> None:
    assert chosen(["*", "dev-*"], "dev-1") == "dev-*"
    assert chosen(["*", "dev-*"], "test") == "*"
    assert chosen([], "test") is None


def test_a_pattern_of_many_stars_is_soon_decided() -> None:
    assert chosen(["*a" * 50], "a" * 99 + "b") is None


def test_a_problem_names_its_environments_where_not_all_have_it(source: Source) -> None:
    dev, prod = variants(source)
    everywhere = {each.name: each.source.located([Problem("x", ("service",))])
                  for each in (dev, prod)}  # fmt: skip
    in_one = {"dev": dev.source.located([Problem("x", ("things", "b"))]), "prod": []}
    own = {"dev": [], "prod": prod.source.located([Problem("x", ("things", "a", "m"))])}

    assert [str(each) for each in grouped(everywhere, source)] == ["f:1:10: service: x"]
    assert [str(each) for each in grouped(in_one, source)] == ["f:2:30: things.b: x (in dev)"]
    assert [str(each) for each in grouped(own, source)] == [
        "f:8:21: environments.prod.things.a.m: x"
    ]
