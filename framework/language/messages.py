"""What pydantic found, in an author's words.

In: a `ValidationError`, the model it is about and the source. Out: `Problem`s. Every type of error
that strict models can produce has a sentence here; a test fails where one is missing.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Annotated, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from framework.language.problems import (
    HIDDEN,
    MOST_PROBLEMS,
    Part,
    Path,
    Problem,
    printable,
    written,
)
from framework.language.source import Node, Source, child

_IT = "it"

_MOST_KNOWN = 1_000
"""Known words that are compared with an unknown one."""

_Sentence: typing.TypeAlias = Callable[[Mapping[str, object], object, str], str]
"""From the error's context, the value, and the value as it may be shown (or "it")."""


def _expected(what: str) -> _Sentence:
    def sentence(context: Mapping[str, object], value: object, shown: str) -> str:
        if shown == _IT or not isinstance(value, str):
            return f"expected {what}, not {kind_of(value) if shown == _IT else shown}"
        return f"expected {what}, not text: {shown}"

    return sentence


def _text(context: Mapping[str, object], value: object, shown: str) -> str:
    """Numbers and words of YAML become text in quotes."""
    said = _expected("text")(context, value, shown)
    return f"{said}: put it in quotes" if isinstance(value, bool | int | float) else said


def _true_or_false(context: Mapping[str, object], value: object, shown: str) -> str:
    """YAML 1.1 took more words for true and false than editors do."""
    meant = _MEANT.get(value.lower(), "") if isinstance(value, str) and shown != _IT else ""
    said = _expected("true or false")(context, value, shown)
    return f"{said}, did you mean {meant}?" if meant else said


_MEANT = {
    **dict.fromkeys(("yes", "on", "y", "true"), "true"),
    **dict.fromkeys(("no", "off", "n", "false"), "false"),
}


def _one_of(context: Mapping[str, object], value: object, shown: str) -> str:
    allowed = str(context["expected"]).replace(" or ", ", ")
    choices = [choice.strip("'") for choice in allowed.split(", ")]
    said = f"expected one of {', '.join(choices)}, not"
    if isinstance(value, str) and "'" in allowed:
        return f"{said} {shown}{suggestion(value, choices)}"
    return f"{said} text: {shown}" if isinstance(value, str) else f"{said} {shown}"


def _bound(what: str, key: str) -> _Sentence:
    def sentence(context: Mapping[str, object], value: object, shown: str) -> str:
        limit = context[key]
        return f"{shown} is {what} {f'{limit:,}' if isinstance(limit, int) else limit}"

    return sentence


def _count(what: str, key: str, unit: str) -> _Sentence:
    def sentence(context: Mapping[str, object], value: object, shown: str) -> str:
        count = context[key]
        return f"{what} {count} {unit if count == 1 else unit + 's'}"

    return sentence


def _pattern(context: Mapping[str, object], value: object, shown: str) -> str:
    return f"{shown} does not fit: {context['meaning']}"


def _own(context: Mapping[str, object], value: object, shown: str) -> str:
    """What a kind's validator said when it raised `ValueError`."""
    said = printable(str(context["error"]), most=200)
    return said if shown != _IT else _other(context, value, shown)


def _other(context: Mapping[str, object], value: object, shown: str) -> str:
    """For models of kinds that are not ours: plain, but never pydantic's words."""
    return f"{shown} is not allowed here"


SENTENCES: Mapping[str, _Sentence] = {
    "string_type": _text,
    "int_type": _expected("a whole number"),
    "int_from_float": _expected("a whole number"),
    "float_type": _expected("a number"),
    "bool_type": _true_or_false,
    "dict_type": _expected("a map"),
    "model_type": _expected("a map"),
    "list_type": _expected("a list"),
    "tuple_type": _expected("a list"),
    "literal_error": _one_of,
    "greater_than_equal": _bound("less than the least,", "ge"),
    "less_than_equal": _bound("more than the most,", "le"),
    "too_short": _count("needs at least", "min_length", "item"),
    "too_long": _count("may have at most", "max_length", "item"),
    "string_too_short": _count("needs at least", "min_length", "character"),
    "string_too_long": _count("may have at most", "max_length", "character"),
    "pattern": _pattern,
    "value_error": _own,
}
"""Type of pydantic's error -> the sentence for it."""


def kind_of(value: object) -> str:
    """What a value is, in an author's words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list() | tuple():
            return "a list"
        case _:
            return "a map"


def suggestion(word: str, known: Iterable[str]) -> str:
    """`, did you mean 'memory'?` for the nearest of the known words, else nothing.

    Case, hyphens and underscores do not count. One slip (a letter too many, too few, wrong, or two
    that changed places) for every three letters is near; so is a word that goes on: env.
    """
    folded = _fold(word)
    if not folded or len(folded) > _LONGEST_WORD:
        return ""
    words = list(islice(known, _MOST_KNOWN))
    near = min(((_distance(folded, _fold(each)), each) for each in words), key=_first, default=None)
    if near is None or near[0] > max(1, len(folded) // 3) or near[0] >= len(folded):
        near = next(((0, each) for each in words if _goes_on(folded, _fold(each))), None)
    return f", did you mean '{printable(near[1])}'?" if near else ""


_LONGEST_WORD = 64
_FEWEST_LETTERS = 3


def _first(pair: tuple[int, str]) -> int:
    return pair[0]


def _fold(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalnum())


def _goes_on(word: str, other: str) -> bool:
    short, long = sorted((word, other), key=len)
    return len(short) >= _FEWEST_LETTERS and long.startswith(short)


def _distance(one: str, other: str) -> int:
    """Insertions, deletions, changes and neighbours swapped: optimal string alignment."""
    if abs(len(one) - len(other)) > max(1, len(one) // 3):
        return max(len(one), len(other))
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, wanted in enumerate(other, 1):
            cost = min(above[column] + 1, line[-1] + 1, above[column - 1] + (letter != wanted))
            if row > 1 < column and (letter, one[row - 2]) == (other[column - 2], wanted):
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, above = above, line
    return above[-1]


def problems_of(error: ValidationError, model: type[BaseModel], source: Source) -> list[Problem]:
    """The problems that pydantic's error stands for, in its order, at most `MOST_PROBLEMS`."""
    found = islice(error.errors(include_url=False), MOST_PROBLEMS)
    problems = [_problem(each, model, source.root) for each in found]
    refused = [problem.path for problem in problems if problem.rule != "too-short"]
    above = {path[:end] for path in refused for end in range(len(path) + 1)}
    return [problem for problem in problems if not _follows(problem, above)]


def _follows(problem: Problem, above: set[Path]) -> bool:
    """Whether a list is too short merely because an item of it is refused."""
    return problem.rule == "too-short" and problem.path in above


def _problem(error: ErrorDetails, model: type[BaseModel], root: Node) -> Problem:
    kind, location = error["type"], error["loc"]
    path = real_path(location, root, model)
    if kind == "missing":
        return _missing(str(location[-1]), path)
    if kind == "extra_forbidden":
        return Problem(_unknown(path, model), path, "key", "unknown-field")
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _tag(error, path)
    sentence = SENTENCES.get(kind, _other)
    part = _part(location)
    shown = _shown(error["input"], path if part == "value" else ())
    message = sentence(error.get("ctx", {}), error["input"], shown)
    return Problem(message, path, part, kind.replace("_", "-"))


def _missing(field: str, path: Path) -> Problem:
    return Problem(f"'{field}' is missing", path, "key", "missing-field")


def _tag(error: ErrorDetails, path: Path) -> Problem:
    """The field that says which of some alternatives a map is: not there, or none of them."""
    context, value = error.get("ctx", {}), error["input"]
    field = str(context["discriminator"]).strip("'")
    if not isinstance(value, dict) or "expected_tags" not in context:
        return _missing(field, path)
    here = (*path, field)
    said = _one_of({"expected": context["expected_tags"]}, value[field], _shown(value[field], here))
    return Problem(said, here, rule="literal-error")


def _part(location: tuple[int | str, ...]) -> Part:
    return "key" if location[-1:] == ("[key]",) else "value"


def _shown(value: object, path: Path) -> str:
    if not HIDDEN.isdisjoint(path):
        return _IT
    if isinstance(value, str):
        return f"'{printable(value)}'"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return kind_of(value)


def real_path(
    location: tuple[int | str, ...], root: Node, model: type[BaseModel] | None = None
) -> Path:
    """Pydantic's location without what is no step in the document, such as a union's branch.

    With the model a branch is told from a field of the same name.
    """
    path: list[str | int] = []
    node, kinds = root, [cast("object", model)]
    for step in location:
        if len(kinds) > 1:
            kinds = [next((kind for kind in kinds if _is_branch(kind, step)), None)]
            continue
        found = child(node, step)
        if found is None:
            continue
        node, kinds = found[1], _branches(kinds[0], step)
        path.append(step)
    return tuple(path)


def _branches(kind: object, step: str | int) -> list[object]:
    """The types of what `step` leads to. Of several the next step of a location is the branch."""
    inside = [each for each in _inside(kind, step) if each is not types.NoneType]
    return inside or [None]


def _is_branch(kind: object, name: str | int) -> bool:
    """Whether pydantic calls an alternative so: by its tag, or by its class."""
    tags = [each.annotation for each in _fields(kind).values()]
    tagged = any(get_origin(each) is Literal and name in get_args(each) for each in tags)
    return tagged or getattr(kind, "__name__", None) == name


def _unknown(path: Path, model: type[BaseModel]) -> str:
    name = str(path[-1])
    here = fields_at(model, path[:-1])
    near = suggestion(name, here)
    if near:
        return f"unknown field{near}"
    elsewhere = homes(model, name)
    if elsewhere:
        home = f"under {elsewhere[0]}" if elsewhere[0] else "at the top of the file"
        return f"unknown field here; it belongs {home}"
    return f"unknown field; known are {', '.join(here)}"


def fields_at(model: type[BaseModel], path: Path) -> Mapping[str, FieldInfo]:
    """The fields that may stand at a path of the document."""
    return {name: info for each in _types_at(model, path) for name, info in _fields(each).items()}


def holds_json(model: type[BaseModel], path: Path) -> bool:
    """Whether any JSON may stand at a path of the document, null within it included."""
    return JsonValue in _types_at(model, path)


def _types_at(model: type[BaseModel], path: Path) -> list[object]:
    current: list[object] = [model]
    for step in path:
        current = [inner for each in current for inner in _inside(each, step)]
    return current


def homes(model: type[BaseModel], name: str) -> tuple[str, ...]:
    """Where a field of this name may stand: "functions.<name>", "" for the top, shortest first."""
    return _homes(model).get(name, ())


@lru_cache(maxsize=8)
def _homes(model: type[BaseModel]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    todo: list[tuple[object, Path]] = [(model, ())]
    while todo:
        current, path = todo.pop(0)
        for field, info in _fields(current).items():
            if not path or (path[0] != "defaults" and not _within_override(path)):
                home = written(path).replace('["<name>"]', ".<name>")
                found[field] = (*found.get(field, ()), home)
            todo.extend(_below(info.annotation, (*path, field)))
    return found


def _within_override(path: Path) -> bool:
    """Whether a place is the same as another one, in an environment."""
    return path[0] == "environments" and len(path) > len(("environments", "<name>"))


def _below(annotation: object, path: Path) -> list[tuple[object, Path]]:
    for kind in _alternatives(annotation):
        if get_origin(kind) is dict:
            return [(value, (*path, "<name>")) for value in _alternatives(get_args(kind)[1])]
        if _fields(kind):
            return [(kind, path)]
    return []


def _fields(kind: object) -> Mapping[str, FieldInfo]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind.model_fields
    return {}


def _inside(kind: object, step: str | int) -> list[object]:
    """The types of what `step` leads to from a value of type `kind`."""
    if str(step) in _fields(kind):
        return _alternatives(_fields(kind)[str(step)].annotation)
    if get_origin(kind) is dict:
        return _alternatives(get_args(kind)[1])
    if get_origin(kind) in (tuple, list):
        return _alternatives(get_args(kind)[0])
    return []


def _alternatives(annotation: object) -> list[object]:
    """The types that an annotation allows, without what is merely said about them."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [kind for each in get_args(annotation) for kind in _alternatives(each)]
    return [annotation]
