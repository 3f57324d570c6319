"""Values to models: defaults, empty keys, keys of the author's own, and what bad ones leave."""

from __future__ import annotations

import json
from typing import Annotated

import pytest
from pydantic import Field, JsonValue, ValidationError

from framework.language.composer import compose
from framework.language.document import (
    Document,
    Section,
    Sections,
    Shaped,
    document_model,
    partial,
    shape,
    shape_environments,
)
from framework.language.fields import Entry, Name
from framework.language.problems import MOST_PROBLEMS


class Limit(Entry):
    rate: int
    burst: int


class Thing(Entry):
    colour: str
    amount: Annotated[int, Field(ge=1)] = 1
    limit: Limit | None = None
    environment: dict[str, JsonValue] = Field(default_factory=dict)
    parts: tuple[str, ...] = ()


class Plate(Entry):
    width: int = 3


class Shelf(Entry):
    width: int = 1
    plates: dict[Name, Plate] = Field(default_factory=dict)


THINGS = Section("things", Thing, "Things.", defaults=True)
PLATES = Section("plates", Plate, "Plates.")
SHELF = Section("shelf", Shelf, "The shelf.", single=True)
SECTIONS: Sections = (THINGS, PLATES, SHELF)


def shaped(text: str) -> Shaped:
    return shape(compose(text, "f"), SECTIONS)


def document(text: str) -> Document:
    found = shaped(text)
    assert [str(problem) for problem in found.problems] == []
    assert found.document is not None
    return found.document


def lines(text: str) -> list[str]:
    return [str(problem).removeprefix("f:") for problem in shaped(text).problems]


def salvaged(text: str) -> Document:
    found = shaped(text)
    assert found.problems
    assert found.document is not None
    return found.document


def test_a_document_has_the_entries_of_every_section() -> None:
    found = document(
        "service: notes\n"
        "regions: [eu-west-1, us-east-1]\n"
        "tags: {team: web}\n"
        "things:\n  b: {colour: red}\n  a: {colour: blue, amount: 2}\n"
    )

    assert (found.service, found.regions) == ("notes", ("eu-west-1", "us-east-1"))
    assert dict(found.tags) == {"team": "web"}
    assert list(found.entries(THINGS)) == ["b", "a"]
    assert found.entries(THINGS)["a"] == Thing(colour="blue", amount=2)
    assert dict(found.entries(PLATES)) == {}
    assert found.dropped == frozenset()


def test_the_smallest_document_has_its_defaults() -> None:
    found = document("service: notes\n")

    assert (found.regions, dict(found.tags)) == ((), {})
    assert found.single(SHELF) == Shelf(width=1)


def test_a_single_section_is_one_entry() -> None:
    assert document("service: notes\nshelf: {width: 7}\n").single(SHELF).width == 7


def test_documents_cannot_be_changed() -> None:
    found = document("service: notes\nthings: {a: {colour: red}}\n")
    thing = found.entries(THINGS)["a"]

    with pytest.raises(ValidationError):
        thing.amount = 5  # type: ignore[misc]  # what must not be possible is tried
    with pytest.raises(TypeError):
        found.tags["a"] = "b"  # type: ignore[index]  # what must not be possible is tried


def test_entries_begin_with_the_defaults_of_their_section() -> None:
    found = document(
        "service: notes\n"
        "defaults: {things: {colour: red, amount: 5, limit: {rate: 1, burst: 2}}}\n"
        "things:\n  a: {}\n  b: {amount: 7, limit: {rate: 3}}\n"
    ).entries(THINGS)

    assert found["a"] == Thing(colour="red", amount=5, limit=Limit(rate=1, burst=2))
    assert found["b"] == Thing(colour="red", amount=7, limit=Limit(rate=3, burst=2))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # A mistake in the defaults is said once, not for every entry.
        ("defaults: {things: {amount: 0}}\nthings: {a: {colour: red}, b: {colour: red}}",
         ["2:29: defaults.things.amount: 0 is less than the least, 1"]),
        ("defaults: {things: {amuont: 0}}\nthings: {a: {colour: red}}",
         ["2:21: defaults.things.amuont: unknown field, did you mean 'amount'?"]),
        ("defaults: {things: 3}\nthings: {a: {colour: red}}",
         ["2:20: defaults.things: expected a map, not 3"]),
        ("defaults: {plates: {width: x}}\nplates: {a: {}}",
         ["2:12: defaults.plates: unknown field here; it belongs at the top of the file"]),
        ("defaults: 3\nthings: {a: {colour: red}}", ["2:11: defaults: expected a map, not 3"]),
        ("defaults: {}\nthings: {a: {}}", ["3:10: things.a: 'colour' is missing"]),
        ("defaults: {things: {limit: {rate: 1}}}\nthings: {a: {colour: x, limit: {}}}",
         ["3:25: things.a.limit: 'burst' is missing"]),
    ],
)  # fmt: skip
def test_mistakes_in_defaults(text: str, expected: list[str]) -> None:
    assert lines(f"service: notes\n{text}\n") == expected


def test_defaults_under_too_many_entries_are_refused() -> None:
    large = ", ".join(f"K{number}: 1" for number in range(1_000))
    entries = ", ".join(f"f{number}: {{}}" for number in range(1_000))
    text = f"defaults: {{things: {{environment: {{{large}}}}}}}\nthings: {{{entries}}}\n"

    found = shaped(text)

    assert found.document is None
    assert [str(problem) for problem in found.problems] == [
        "f:1:12: defaults.things: with these defaults under 1,000 entries there are "
        "more than 200,000 keys and values"
    ]


EMPTY = "has no value: write one, {} for an empty map, or remove the key"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("things:", [f"2:1: things: {EMPTY}"]),
        ("things: {a: }", [f"2:10: things.a: {EMPTY}"]),
        ("things: {a: {colour: }}", [f"2:14: things.a.colour: {EMPTY}"]),
        ("things: {a: {colour: red, amount: null}}", [f"2:27: things.a.amount: {EMPTY}"]),
        ("things: {a: {colour: red, limit: ~}}", [f"2:27: things.a.limit: {EMPTY}"]),
        ("things: {a: {colour: red, parts: [x, ~]}}", [f"2:38: things.a.parts[1]: {EMPTY}"]),
        ("things: {a: {colour: red, environment: }}", [f"2:27: things.a.environment: {EMPTY}"]),
        ("things: {a: {colour: red, environment: {b: }}}",
         [f"2:41: things.a.environment.b: {EMPTY}"]),
        ("shelf:", [f"2:1: shelf: {EMPTY}"]),
        ("defaults: {things: {amount: }}\nthings: {a: {colour: red}, b: {colour: red}}",
         [f"2:21: defaults.things.amount: {EMPTY}"]),
        # An entry's name that is a word for fields elsewhere changes nothing.
        ("things: {environment: {colour: red, parts: [~]}}",
         [f"2:45: things.environment.parts[0]: {EMPTY}"]),
        # That a field is not known matters more than that it is empty.
        ("things: {a: {colour: red, amuont: }}",
         ["2:27: things.a.amuont: unknown field, did you mean 'amount'?"]),
        ("thing:", ["2:1: thing: unknown field, did you mean 'things'?"]),
    ],
)  # fmt: skip
def test_a_key_without_a_value_is_a_mistake(text: str, expected: list[str]) -> None:
    assert lines(f"service: notes\n{text}\n") == expected


def test_null_is_a_value_within_a_variable() -> None:
    found = document(
        "service: notes\nthings: {a: {colour: red, environment: {b: {c: null, d: [~]}}}}"
    )

    assert found.entries(THINGS)["a"].environment == {"b": {"c": None, "d": [None]}}


def test_keys_of_the_authors_own_begin_with_x() -> None:
    found = document(
        "x-red: &red {colour: red, amount: 3}\n"
        "x-nothing:\n"
        "service: notes\n"
        "things: {a: *red, b: {<<: *red, amount: 4}}\n"
    )

    assert [thing.amount for thing in found.entries(THINGS).values()] == [3, 4]
    assert "x-red" not in found.sections


@pytest.mark.parametrize("text", ["things: {a: {colour: red, x-note: 1}}", "xkey: 1", "X-key: 1"])
def test_only_keys_at_the_top_may_be_the_authors_own(text: str) -> None:
    (line,) = lines(f"service: notes\n{text}\n")

    assert "unknown field" in line


@pytest.mark.parametrize("text", ["hello", "- a\n- b\n", "3", "~", "---\n"])
def test_a_file_that_is_no_map_is_said_so(text: str) -> None:
    found = shaped(text)

    assert found.document is None
    assert [problem.message for problem in found.problems] == [
        "services.yaml is a map: begin with  service: NAME"
    ]


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}"])
def test_an_empty_file_lacks_its_service(text: str) -> None:
    assert lines(text) == ["1:1: 'service' is missing"]


def test_what_has_problems_is_dropped_so_that_the_rest_can_be_linked() -> None:
    found = salvaged(
        "service: notes\nthings: {a: {colour: red}, b: {colour: 3}, c: {}}\nshelf: {width: x}\n"
    )

    assert list(found.entries(THINGS)) == ["a"]
    assert found.dropped == {("things", "b"), ("things", "c"), ("shelf",)}
    assert found.single(SHELF) == Shelf()
    assert [found.declares("things", name) for name in "abcd"] == [True, True, True, False]
    assert not found.declares("plates", "a")


def test_a_section_that_is_no_map_may_have_any_entry() -> None:
    found = salvaged("service: notes\nthings: 3\n")

    assert found.dropped == {("things",)}
    assert found.declares("things", "whatever")


@pytest.mark.parametrize(
    "text", ["things: {a: {colour: red}}", "service: NO\nthings: {a: {colour: x}}"]
)
def test_entries_can_be_linked_without_a_service(text: str) -> None:
    found = salvaged(text)

    assert found.service == "service"
    assert list(found.entries(THINGS)) == ["a"]


def test_the_source_of_a_document_has_its_defaults_and_places() -> None:
    found = document(
        "service: notes\ndefaults: {things: {amount: 3}}\nthings: {a: {colour: red}}\n"
    )

    assert found.source.has(("things", "a", "amount"))
    assert not found.source.has(("things", "a", "limit"))


@pytest.mark.parametrize("entry", ["{}", "{colour: 3}", "{colour: x, amuont: 1}", ""])
def test_problems_of_one_sort_are_at_most_a_thousand(entry: str) -> None:
    entries = "".join(f"  t{number}: {entry}\n" for number in range(1_500))

    assert len(lines(f"service: notes\nthings:\n{entries}")) == MOST_PROBLEMS


def test_the_model_of_sections_is_made_once() -> None:
    assert document_model(SECTIONS) is document_model((THINGS, PLATES, SHELF))


WRONG: tuple[object, ...] = (
    None,
    3,
    "x",
    [],
    ["x"],
    {},
    {"x": 1},
    {"x": None},
    {"x": {"colour": 3, "width": "x"}},
)
PLACES = ("", "defaults", "environments", "environments.dev", "environments.dev.defaults")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("section", ["things", "plates", "shelf", "defaults", "environments", "no"])
def test_a_part_is_judged_as_by_the_model_of_all_parts(
    monkeypatch: pytest.MonkeyPatch, place: str, section: str
) -> None:
    """The models that a file needs are made alone: nobody can tell from what is said of it."""
    texts = [written(wrong, (*filter(None, place.split(".")), section)) for wrong in WRONG]
    told = [judged(text) for text in texts]
    monkeypatch.setattr(
        "framework.language.document._model_for", lambda source, sections: document_model(sections)
    )
    assert told == [judged(text) for text in texts]


def written(value: object, path: tuple[str, ...]) -> str:
    for step in reversed(path[1:]):
        value = {step: value}
    return json.dumps({"service": "s", "things": {"a": {"colour": "red"}}, path[0]: value})


def judged(text: str) -> tuple[list[str], list[str], str]:
    source = compose(text, "f")
    shaped = shape(source, SECTIONS)
    sections = repr(shaped.document.sections) if shaped.document else ""
    own = shape_environments(source, SECTIONS)
    return [str(each) for each in shaped.problems], [str(each) for each in own], sections


def test_a_model_in_part_requires_nothing_at_any_depth() -> None:
    part = partial(Thing)

    assert part.model_validate({}) == part()
    said = part.model_validate({"limit": {"rate": 1}}).model_dump(exclude_none=True)
    assert said == {"limit": {"rate": 1}}
    with pytest.raises(ValidationError):
        part.model_validate({"amount": 0})
    with pytest.raises(ValidationError):
        part.model_validate({"limit": {"rat": 1}})
    with pytest.raises(ValidationError):
        Limit.model_validate({"rate": 1})


def environment_lines(text: str) -> list[str]:
    found = shape_environments(compose(text, "f"), SECTIONS)
    return [str(problem).removeprefix("f:") for problem in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("service: notes\n", []),
        ("environments: {}", []),
        ("environments: {dev: {}, pr-*: {things: {a: {amount: 3}}}}", []),
        ("environments: {dev: {things: {a: {amount: 0}}}}",
         ["1:43: environments.dev.things.a.amount: 0 is less than the least, 1"]),
        ("environments: {dev: {thing: {}}}",
         ["1:22: environments.dev.thing: unknown field, did you mean 'things'?"]),
        ("environments: {dev: {account: 123456789012}}",
         ["1:31: environments.dev.account: expected text, not 123456789012: put it in quotes"]),
        ("environments: {dev: {shelf: {width: x}}}\nthings: 3",
         ["1:37: environments.dev.shelf.width: expected a whole number, not text: 'x'"]),
    ],
)  # fmt: skip
def test_what_environments_say_is_checked_on_its_own(text: str, expected: list[str]) -> None:
    assert environment_lines(text) == expected
