"""What pydantic found, in an author's words.

In: a `ValidationError`, the model it is about and the source. Out: `Problem`s. Every type of error
that strict models can produce has a sentence here; a test fails where one is missing.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from framework.language.problems import Part, Path, Problem, printable, written
from framework.language.source import Node, Source

_IT = "it"

_HIDDEN = ("value", "environment")
"""Fields whose values may be secrets by mistake: never shown."""

_Sentence: typing.TypeAlias = Callable[[Mapping[str, object], object, str], str]
"""From the error's context, the value, and the value as it may be shown (or "it")."""


def _expected(what: str) -> _Sentence:
    def sentence(context: Mapping[str, object], value: object, shown: str) -> str:
        given = f": {shown}" if isinstance(value, str | int | float) and shown != _IT else ""
        return f"expected {what}, not {kind_of(value)}{given}"

    return sentence


def _one_of(context: Mapping[str, object], value: object, shown: str) -> str:
    allowed = str(context["expected"]).replace(" or ", ", ")
    choices = [choice.strip("'") for choice in allowed.split(", ")]
    if not isinstance(value, str):
        return f"expected one of {', '.join(choices)}, not {shown}"
    return f"expected one of {', '.join(choices)}, not {shown}{suggestion(value, choices)}"


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


SENTENCES: Mapping[str, _Sentence] = {
    "string_type": _expected("text"),
    "int_type": _expected("a whole number"),
    "int_from_float": _expected("a whole number"),
    "float_type": _expected("a number"),
    "bool_type": _expected("true or false"),
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
}
"""Type of pydantic's error -> the sentence for it."""


def kind_of(value: object) -> str:
    """What a value is, in an author's words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"{str(value).lower()}"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list() | tuple():
            return "a list"
        case _:
            return "a map"


def suggestion(word: str, known: Iterable[str]) -> str:
    """`, did you mean 'memory'?` for the nearest of the known words, else nothing."""
    folded = {_fold(each): each for each in known}
    near = difflib.get_close_matches(_fold(word), folded, n=1, cutoff=0.6)
    return f", did you mean '{folded[near[0]]}'?" if near else ""


def _fold(word: str) -> str:
    return word.lower().replace("_", "-")


def problems_of(error: ValidationError, model: type[BaseModel], source: Source) -> list[Problem]:
    """The problems that pydantic's error stands for, in its order."""
    problems = [_problem(each, model, source.root) for each in error.errors(include_url=False)]
    return [problem for problem in problems if not _follows(problem, problems)]


def _follows(problem: Problem, problems: Iterable[Problem]) -> bool:
    """Whether a list is too short merely because an item of it is refused."""
    return problem.rule == "too-short" and any(
        len(other.path) > len(problem.path) and other.path[: len(problem.path)] == problem.path
        for other in problems
    )


def _problem(error: ErrorDetails, model: type[BaseModel], root: Node) -> Problem:
    kind, location = error["type"], error["loc"]
    path = real_path(location, root)
    if kind == "missing":
        return Problem(f"'{location[-1]}' is missing", path, "key", "missing-field")
    if kind == "extra_forbidden":
        return Problem(_unknown(path, model), path, "key", "unknown-field")
    message = SENTENCES[kind](error.get("ctx", {}), error["input"], _shown(error["input"], path))
    return Problem(message, path, _part(location), kind.replace("_", "-"))


def _part(location: tuple[int | str, ...]) -> Part:
    return "key" if location[-1:] == ("[key]",) else "value"


def _shown(value: object, path: Path) -> str:
    if any(step in _HIDDEN for step in path):
        return _IT
    if isinstance(value, str):
        return f"'{printable(value)}'"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return kind_of(value)


def real_path(location: tuple[int | str, ...], root: Node) -> Path:
    """Pydantic's location without what is no step in the document, such as a union's branch."""
    path: list[str | int] = []
    node = root
    for step in location:
        if isinstance(node.value, dict) and isinstance(step, str) and step in node.value:
            node = node.value[step].node
        elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        else:
            continue
        path.append(step)
    return tuple(path)


def _unknown(path: Path, model: type[BaseModel]) -> str:
    name = str(path[-1])
    here = fields_at(model, path[:-1])
    near = suggestion(name, here)
    if near:
        return f"unknown field{near}"
    elsewhere = homes(model, name)
    if elsewhere:
        return f"unknown field here; it belongs under {elsewhere[0]}"
    return f"unknown field; known are {', '.join(here)}"


def fields_at(model: type[BaseModel], path: Path) -> Mapping[str, FieldInfo]:
    """The fields that may stand at a path of the document."""
    current: list[object] = [model]
    for step in path:
        current = [inner for each in current for inner in _inside(each, step)]
    return {name: info for each in current for name, info in _fields(each).items()}


def homes(model: type[BaseModel], name: str) -> list[str]:
    """Where a field of this name may stand: "functions.<name>", shortest first."""
    found: list[str] = []
    todo: list[tuple[object, Path]] = [(model, ())]
    while todo:
        current, path = todo.pop(0)
        for field, info in _fields(current).items():
            if field == name and path and path[0] != "defaults":
                found.append(written(path).replace('["<name>"]', ".<name>"))
            todo.extend(_below(info.annotation, (*path, field)))
    return found


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
