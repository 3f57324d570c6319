"""Plain words of YAML: the core schema of YAML 1.2, as editors read it."""

from __future__ import annotations

import pytest

from framework.language.scalars import Scalar, ScalarError, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None),
        ("true", True), ("True", True), ("TRUE", True),
        ("false", False), ("False", False), ("FALSE", False),
        ("0", 0), ("-0", 0), ("7", 7), ("+12", 12), ("-19", -19), ("10240", 10240),
        ("0o14", 12), ("0o0", 0), ("0x1F", 31), ("0xff", 255),
        ("1e3", 1000.0), ("1E3", 1000.0), ("12e-1", 1.2), ("1.5", 1.5), ("-1.5", -1.5),
        (".5", 0.5), ("-.5", -0.5), ("+.5", 0.5), ("1.", 1.0), ("0.5", 0.5), ("3.10", 3.1),
        ("123456789012", 123456789012),
    ],
)  # fmt: skip
def test_words_of_the_core_schema_have_their_values(text: str, value: Scalar) -> None:
    found = resolve(text)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        # Norway and kin: YAML 1.1 makes booleans of these.
        "no", "No", "NO", "on", "On", "yes", "Yes", "off", "Off", "y", "n", "Y", "N",
        # ... and numbers, times and dates of these.
        "1_000", "0b101", "1:30", "22:22", "22:22:22", "2024-01-01", "2024-01-01T00:00:00Z",
        "nUll", "tRUE", "fAlse", "none", "None", "undefined", "nil",
        "-0x1f", "-0o7", "0o8", "0xg", "0o", "0x", "0x_", "1e", "e3", "1e+", "1.2.3", "--1", "+",
        "-", ".", "..", "-.", "1,000", "1 000", "12abc", "python3.13", "=", "<<", "inf", "nan",
        ".infinity", "-.nan", "+.NaN", "½", "١٢", "\uff11\uff12", "12px", "🙂",
    ],
)  # fmt: skip
def test_other_words_are_text(text: str) -> None:
    assert resolve(text) == text


@pytest.mark.parametrize("text", ["012", "089", "007", "00", "-012", "+012", "012345670123"])
def test_whole_numbers_do_not_begin_with_zero(text: str) -> None:
    with pytest.raises(ScalarError) as refused:
        resolve(text)

    assert str(refused.value) == (
        f'a number does not begin with 0: put "{text}" in quotes if it is text'
    )
    assert refused.value.hidden == (
        "a number does not begin with 0: put it in quotes if it is text"
    )


@pytest.mark.parametrize("text", ["08.5", "00.5"])
def test_a_fraction_may_begin_with_zeros(text: str) -> None:
    assert resolve(text) == float(text)


@pytest.mark.parametrize("text", ["9" * 41, "0x" + "f" * 39, "0." + "1" * 39, "9" * 5_000])
def test_numbers_have_at_most_40_characters(text: str) -> None:
    with pytest.raises(ScalarError) as refused:
        resolve(text)

    assert str(refused.value) == "the number is too long: put it in quotes if it is text"


def test_40_characters_are_a_number() -> None:
    assert resolve("9" * 40) == 10**40 - 1


@pytest.mark.parametrize("text", ["12e4567", "-1e999", "1e309"])
def test_numbers_beyond_the_range_are_refused(text: str) -> None:
    with pytest.raises(ScalarError) as refused:
        resolve(text)

    assert str(refused.value) == (f'the number is too large: put "{text}" in quotes if it is text')
    assert text not in refused.value.hidden


@pytest.mark.parametrize("text", [".inf", ".Inf", ".INF", "-.inf", "+.INF", ".nan", ".NaN", ".NAN"])
def test_infinity_and_not_a_number_are_refused(text: str) -> None:
    with pytest.raises(ScalarError) as refused:
        resolve(text)

    assert str(refused.value) == (
        f'"{text}" is no number that can be used here: use quotes if it is text'
    )


def test_numbers_too_small_to_tell_from_zero_are_zero() -> None:
    assert resolve("1e-999") == 0.0
