"""`uses`: what a function may do with other entries, as verbs that the target's kind defines.

In: the `uses` of a function. Out: problems, IAM statements and environment variables. Knows no
kind by name: a new kind brings its grants and its variable with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from framework.kinds.kind import Context, Kind, Link
from framework.language.fields import Entry, Pattern
from framework.language.messages import suggestion
from framework.language.problems import Path, Problem
from framework.plan.iam import Statement

Verb: TypeAlias = Annotated[str, Pattern("^[a-z]+$", "a verb is a word such as read")]

Prefix: TypeAlias = Annotated[
    str,
    Pattern(
        r"^[A-Za-z0-9!_.'()-]+(/[A-Za-z0-9!_.'()-]+)*/?$",
        "a prefix is the beginning of keys, such as drafts/, without * and $",
    ),
]

Address: TypeAlias = Annotated[
    str,
    Pattern(
        r"^[a-z]+\.[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        "an entry is named by its section and name, such as buckets.notes",
    ),
]


_USE = "what may be done is a verb, a list of verbs, or {verbs, prefix}"


class Use(Entry):
    """What a function may do with one entry. A verb or a list of verbs may stand alone."""

    verbs: Annotated[tuple[Verb, ...], Field(min_length=1, examples=[["read", "list"]])]
    """What the function may do: the verbs that the entry's section knows."""

    prefix: Annotated[Prefix | None, Field(examples=["drafts/"])] = None
    """Only keys that begin with this, for entries that hold keys (buckets)."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        match value:
            case str():
                return {"verbs": (value,)}
            case list():
                return {"verbs": tuple(value)}
            case {"verbs": list(verbs), **rest}:
                return {"verbs": tuple(verbs), **rest}
            case dict():
                return value
            case _:
                raise PydanticCustomError("pattern", "{meaning}", {"meaning": _USE})

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        whole = handler.resolve_ref_schema(handler(schema))
        verbs = whole["properties"]["verbs"]
        return {"anyOf": [whole, verbs["items"], {"type": "array", **verbs}]}


Uses: TypeAlias = dict[Address, Use]


def check_uses(link: Link, path: Path, uses: Mapping[str, Use]) -> Iterator[Problem]:
    """The problems of a function's `uses`, which stands at `path`."""
    for address, use in uses.items():
        section, _, name = address.partition(".")
        here = (*path, address)
        usable = {kind.section.name: kind for kind in link.kinds if kind.grants}
        if section not in usable:
            known = f"{suggestion(section, usable)}" or f"; they are {', '.join(usable)}"
            message = f"'{section}' is no section with entries to use{known}"
            yield Problem(message, here, "key", "unknown-section")
        elif not link.document.declares(section, name):
            yield _unknown_entry(link, here, section, name)
        else:
            yield from _check_use(usable[section], here, use)


def _unknown_entry(link: Link, path: Path, section: str, name: str) -> Problem:
    known = link.document.names(section)
    near = suggestion(name, known) or f"; known are {', '.join(known) or 'none'}"
    return Problem(f"there is no '{name}' under {section}{near}", path, "key", "unknown-entry")


def _check_use(kind: Kind[Any], path: Path, use: Use) -> Iterator[Problem]:
    for verb in use.verbs:
        if verb not in kind.grants:
            near = suggestion(verb, kind.grants) or f"; they know {', '.join(kind.grants)}"
            message = f"{kind.section.name} do not know the verb '{verb}'{near}"
            yield Problem(message, path, rule="unknown-verb")
    if use.prefix and not kind.prefixes:
        yield Problem(
            f"{kind.section.name} have no prefixes", (*path, "prefix"), "key", "no-prefix"
        )


def unused(link: Link, section: str) -> Iterator[Problem]:
    """A warning for each entry of a section that no function uses."""
    used: set[str] = set()
    for function in link.document.sections["functions"].values():
        used |= set(getattr(function, "uses", {}))
    if any(path[0] == "functions" for path in link.document.dropped if path):
        return
    for name in link.document.sections[section]:
        if f"{section}.{name}" not in used:
            message = f"no function uses it: say  uses: {{{section}.{name}: ...}}  or remove it"
            yield Problem(message, (section, name), "key", "unused-entry", "warning")


def statements_for(context: Context, uses: Mapping[str, Use]) -> Iterable[Statement]:
    """The IAM statements that `uses` stands for."""
    for address, use in uses.items():
        section, _, name = address.partition(".")
        for verb in use.verbs:
            yield from context.by_section[section].grants[verb](context, name, use.prefix or "")


def variables_for(context: Context, uses: Mapping[str, Use]) -> dict[str, str]:
    """The environment variables that `uses` brings."""
    found: dict[str, str] = {}
    for address in uses:
        section, _, name = address.partition(".")
        variable = context.by_section[section].variable
        if variable:
            found[variable.name(name)] = variable.value(context, name)
    return found


def variable_names_for(link: Link, uses: Mapping[str, Use]) -> dict[str, str]:
    """The names of the variables that `uses` brings -> the entry that brings each."""
    found: dict[str, str] = {}
    for address in uses:
        section, _, name = address.partition(".")
        kind = link.by_section.get(section)
        if kind and kind.variable:
            found[kind.variable.name(name)] = address
    return found
