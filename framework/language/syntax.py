"""A YAML parser's complaint in an author's words, at the place that has to be mended.

In: PyYAML's error, the text, and what was open when it came. Out: one `Problem`. libyaml and the
pure parser word and place the same mistake differently, so the text around the mark decides as
far as it can; what neither explains is "this is not YAML".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import yaml

from framework.language.problems import Problem

_CONFLICT = re.compile(r"(?<![^\r\n])(<<<<<<<|>>>>>>>)(?=[ \r\n]|\Z)")
_CONFLICT_MIDDLE = re.compile(r"(?<![^\r\n])(=======|\|\|\|\|\|\|\|)(?=[ \r\n]|\Z)")
_TEMPLATE = re.compile(r"\{\{|\{%")
_LONGEST_KEY = 1024
"""Characters of a key that is not written with `?` (YAML 1.2, section 7.4.2)."""

TOO_DEEP = "too many levels of lists and maps"
INDENTED = "the line is indented unlike its neighbours"
NO_COLON = "a colon after the key is missing"
OPEN_QUOTE = "a quote that is opened is not closed"
SECOND_DOCUMENT = "a second document begins here: services.yaml holds one"
_CONFLICT_LEFT = "a merge conflict is left in the file"
_AFTER_CLOSING = {
    "'": "text goes on after the closing ': write '' for a ' within, or use double quotes",
    '"': 'text goes on after the closing ": write \\" for a " within, or use single quotes',
    "]": "text goes on after the closing ]: put the whole text in quotes",
    "}": "text goes on after the closing }: put the whole text in quotes",
}


def template(text: str, index: int) -> Problem:
    """The problem of a template that stands unquoted: `{{ x }}` is a map in a map."""
    opening = text[index : index + 2]
    message = f"{opening} begins a map here: put the text in quotes"
    return Problem(message, span=(index, index + 2), rule="syntax")


def conflict(text: str) -> Problem | None:
    """The problem of a merge conflict's marks, wherever they stand, or None."""
    found = _CONFLICT.search(text)
    return Problem(_CONFLICT_LEFT, span=found.span(1), rule="merge-conflict") if found else None


class Complaint(NamedTuple):
    """What a parser said, where it stood (`at`), and where the thing it read began (`begun`).

    `bracket` is where the innermost list or map in brackets that is still open begins, `quoted`
    where the last text in quotes begins and ends.
    """

    said: str
    text: str
    at: int
    begun: int
    bracket: int | None = None
    quoted: tuple[int, int] | None = None

    def says(self, *words: str) -> bool:
        return any(word in self.said for word in words)

    @property
    def character(self) -> str:
        """The character the parser stopped at; nothing at the end of the file."""
        return self.text[self.at : self.at + 1]

    @property
    def before(self) -> str:
        """What stands before the mark in its line."""
        return self.text[_line_start(self.text, self.at) : self.at]


def problem_of(
    error: yaml.MarkedYAMLError,
    text: str,
    bracket: int | None = None,
    quoted: tuple[int, int] | None = None,
) -> Problem:
    """The problem that a parser's error stands for."""
    at = error.problem_mark or error.context_mark
    begun = error.context_mark or at
    complaint = Complaint(
        f"{error.context or ''}: {error.problem or ''}",
        text,
        at.index if at else 0,
        begun.index if begun else 0,
        bracket,
        quoted,
    )
    return _explained(complaint)


def _explained(complaint: Complaint) -> Problem:
    middle = _CONFLICT_MIDDLE.search(complaint.text)
    if middle:
        return Problem(_CONFLICT_LEFT, span=middle.span(1), rule="merge-conflict")
    opening = _template_near(complaint)
    if opening is not None:
        return template(complaint.text, opening)
    for explain in _EXPLANATIONS:
        if answer := explain(complaint):
            message, index = answer
            return Problem(message, span=(index, index + 1), rule="syntax")
    index = min(complaint.at, max(len(complaint.text) - 1, 0))
    return Problem("this is not YAML", span=(index, index + 1), rule="syntax")


def _template_near(complaint: Complaint) -> int | None:
    """Where the last `{{` or `{%` before the mark stands, or else the first of the line."""
    start = _line_start(complaint.text, complaint.at)
    before = max(complaint.text.rfind(each, start, complaint.at + 2) for each in ("{{", "{%"))
    if before >= 0:
        return before
    found = _TEMPLATE.search(complaint.text, start, _line_end(complaint.text, complaint.at))
    return found.start() if found else None


_Answer: TypeAlias = "tuple[str, int] | None"


def _tab(complaint: Complaint) -> _Answer:
    if complaint.character == "\t" and complaint.says("start any token", "tab character"):
        return "a tab cannot indent or separate here: use spaces", complaint.at
    return None


def _too_deep(complaint: Complaint) -> _Answer:
    return (TOO_DEEP, complaint.begun) if complaint.says("nesting depth") else None


def _quotes_needed(complaint: Complaint) -> _Answer:
    """Characters that no plain text begins with, because YAML keeps them to itself."""
    if complaint.says("start any token"):
        return _put_in_quotes(complaint.character), complaint.at
    if complaint.says("incompatible YAML document", "%YAML", "%TAG"):
        return "lines that begin with % are not supported: remove it", complaint.begun
    if complaint.says("scanning a directive"):
        return _put_in_quotes("%"), complaint.begun
    if complaint.says("scanning an alias"):
        return _put_in_quotes("*"), complaint.begun
    if complaint.says("scanning an anchor"):
        return _put_in_quotes("&"), complaint.begun
    if complaint.says("mapping keys are not allowed"):
        return _put_in_quotes("?"), complaint.at
    if complaint.says(" a tag", "undefined tag handle"):
        return "tags are not supported: put text that begins with ! in quotes", complaint.begun
    return None


def _put_in_quotes(character: str) -> str:
    return f"put text that begins with {character} in quotes"


def _quote(complaint: Complaint) -> _Answer:
    if not complaint.says("quoted scalar"):
        return None
    if complaint.says("found unexpected"):
        return OPEN_QUOTE, complaint.begun
    index = complaint.text.rfind("\\", complaint.begun, complaint.at + 1)
    return "an unknown escape: use single quotes, or \\\\ for a backslash", max(index, 0)


def _block_text(complaint: Complaint) -> _Answer:
    if not complaint.says("scanning a block scalar"):
        return None
    return "text after | or > begins on the next line: otherwise use quotes", complaint.begun


def _bracket(complaint: Complaint) -> _Answer:
    for closing, what in (("]", "list opened with ["), ("}", "map opened with {")):
        if complaint.says(f"',' or '{closing}'"):
            return f"a {what} needs a comma or a closing {closing}", complaint.begun
    if complaint.says("node content") and not complaint.text[complaint.at :].strip():
        opening = complaint.bracket
        if opening is not None:
            closing, what = ("]", "list") if complaint.text[opening] == "[" else ("}", "map")
            answer = f"a {what} opened with {complaint.text[opening]} needs a closing {closing}"
            return answer, opening
    return None


def _content(complaint: Complaint) -> _Answer:
    if not complaint.says("node content"):
        return None
    if complaint.character in ("]", "}"):
        return f"this {complaint.character} closes nothing that is open here", complaint.at
    if complaint.character == ",":
        return "a value is missing before the comma", complaint.at
    return None


def _key_without_colon(complaint: Complaint) -> _Answer:
    if complaint.says("could not find expected ':'"):
        end = _line_end(complaint.text, complaint.begun)
        return _no_colon(complaint.text[complaint.begun : end]), complaint.begun
    return None


def _no_colon(line: str) -> str:
    return "a blank is missing after the colon" if ":" in line else NO_COLON


def _colon(complaint: Complaint) -> _Answer:
    """A colon where none may stand: one too many, or the first after a key without its own."""
    if not complaint.says("mapping values are not allowed"):
        return None
    before = complaint.before
    if ": " in before:
        return "a second colon in the line: put the text in quotes", complaint.at
    start = complaint.at - len(before)
    if len(before) > _LONGEST_KEY:
        return f"a key has at most {_LONGEST_KEY:,} characters", start
    index, above = _line_above(complaint.text, start)
    if above and ": " not in above and not above.endswith(":"):
        return _no_colon(above), index
    return INDENTED, start + len(before) - len(before.lstrip())


def _list_item(complaint: Complaint) -> _Answer:
    if complaint.says("sequence entries are not allowed"):
        return "a list item begins a line: - stands below the key", complaint.at
    return None


def _misplaced(complaint: Complaint) -> _Answer:
    expected = ("expected key", "<block end>", "expected '-' indicator", "<document start>")
    if not complaint.says(*expected):
        return None
    if complaint.before.strip():
        return _goes_on(complaint)
    index, above = _line_above(complaint.text, complaint.at - len(complaint.before))
    if above == "...":
        return SECOND_DOCUMENT, complaint.at
    if above.startswith("%"):
        return _put_in_quotes("%"), index
    if complaint.says("<document start>") and above and ": " not in above and above[-1] != ":":
        return _no_colon(above), index
    return _stranger(complaint), complaint.at


def _goes_on(complaint: Complaint) -> tuple[str, int]:
    """Text behind a value that is over; its quote may have been meant to close far above."""
    quoted, between = complaint.quoted, ""
    if quoted:
        between = complaint.text[quoted[1] : complaint.at]
        within = complaint.text[quoted[0] : quoted[1]]
        if not between.strip() and ("\n" in within or "\r" in within):
            return OPEN_QUOTE, quoted[0]
    last = complaint.before.rstrip()[-1]
    other = "this cannot stand here: put the whole text in quotes"
    return _AFTER_CLOSING.get(last, other), complaint.at


def _stranger(complaint: Complaint) -> str:
    if complaint.character == ":":
        return "a key is missing before the colon"
    begun = complaint.begun - _line_start(complaint.text, complaint.begun)
    if begun != len(complaint.before):
        return INDENTED
    dash = complaint.character == "-"
    if dash and complaint.says("parsing a block mapping"):
        return "a list item stands among keys: give the list a key, or indent it"
    if not dash and complaint.says("parsing a block collection"):
        return "a key stands among list items: indent it, or begin the line with - "
    return INDENTED


_EXPLANATIONS: tuple[Callable[[Complaint], _Answer], ...] = (
    _tab, _too_deep, _quotes_needed, _quote, _block_text, _bracket, _content, _key_without_colon,
    _colon, _list_item, _misplaced,
)  # fmt: skip
"""The first that knows the mistake answers."""


def _line_start(text: str, index: int) -> int:
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def _line_end(text: str, index: int) -> int:
    ends = (text.find("\n", index), text.find("\r", index))
    return min((end for end in ends if end >= 0), default=len(text))


def _line_above(text: str, start: int) -> tuple[int, str]:
    """The nearest line above that says something: where its text begins, and the text."""
    while start > 0:
        end = start - 1
        start = _line_start(text, end)
        line = text[start:end].strip()
        if line and not line.startswith("#"):
            return start + text[start:end].index(line), line
    return 0, ""
