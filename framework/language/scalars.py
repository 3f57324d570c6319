"""Plain words of YAML to values, by the core schema of YAML 1.2 (section 10.3.2), as in editors.

In: the text of an unquoted scalar. Out: None, bool, int, float or str. `no`, `on`, `1:30`, `1_000`
and `2024-01-01` are text here, where YAML 1.1 makes them something else.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_MOST_DIGITS = 40


class ScalarError(ValueError):
    """A plain word that looks like a number and cannot be one here; the text says what to do.

    `hidden` says the same without the word, for places where it may be a secret.
    """

    def __init__(self, sentence: str, text: str) -> None:
        """`sentence` has {it} where the word belongs."""
        self.hidden = sentence.format(it="it")
        super().__init__(sentence.format(it=f'"{text}"'))


def resolve(text: str) -> Scalar:
    """The value of an unquoted scalar. Raises `ScalarError` for numbers that would surprise."""
    if text in _WORDS:
        return _WORDS[text]
    if not text[0].isascii() or text[0] not in "-+.0123456789":
        return text
    if _NO_NUMBER.match(text):
        raise ScalarError("{it} is no number that can be used here: use quotes if it is text", text)
    return _number(text)


def _number(text: str) -> Scalar:
    integer = _INTEGER.match(text)
    if not (integer or _FLOAT.match(text) or _OCTAL.match(text) or _HEXADECIMAL.match(text)):
        return text
    if len(text) > _MOST_DIGITS:
        raise ScalarError("the number is too long: put it in quotes if it is text", text)
    if integer and _LEADING_ZERO.match(text):
        raise ScalarError("a number does not begin with 0: put {it} in quotes if it is text", text)
    if integer:
        return int(text)
    if text.startswith(("0o", "0x")):
        return int(text, 0)
    return _finite(text)


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ScalarError("the number is too large: put {it} in quotes if it is text", text)
    return value
