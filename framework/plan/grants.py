"""What policy documents allow and deny, as sets that can be compared.

In: policy documents of the plan (IAM's, and those of resources). Out: for two versions, the grants
that the new one gives and the old one did not, wildcards and conditions understood. Where a
comparison is beyond it, it says "wider" rather than nothing: a reviewer's time is the smaller loss.
Source: IAM user guide, "IAM JSON policy element reference".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from framework.plan.plain import shown
from framework.plan.resource import Json, Text, Value

Condition: TypeAlias = tuple[str, str, frozenset[str]]
"""(operator, key, values), the operator and the key in lower case: IAM ignores theirs."""

_NOT = "!"
"""Begins what stands for NotAction and its like: equal to itself alone."""


class Grant(NamedTuple):
    """One action on one resource for one principal, under all of the conditions.

    The principal is "" in a role's own policies, where it is the role.
    """

    principal: str
    action: str
    resource: str
    conditions: frozenset[Condition] = frozenset()


class Grants(NamedTuple):
    """What one or more policy documents allow and deny."""

    allowed: tuple[Grant, ...] = ()
    denied: tuple[Grant, ...] = ()


def grants(documents: Iterable[Value]) -> Grants:
    """The grants of documents: `Json`, or JSON text."""
    statements = [each for document in documents for each in _statements(document)]
    return Grants(*(tuple(_of_effect(statements, effect)) for effect in ("Allow", "Deny")))


def _of_effect(statements: Iterable[Mapping[str, Value]], effect: str) -> Iterator[Grant]:
    for statement in statements:
        if statement.get("Effect") == effect:
            yield from _grants(statement)


def _statements(document: Value) -> Iterator[Mapping[str, Value]]:
    read = _read(document)
    found = read.get("Statement") if isinstance(read, Mapping) else None
    for statement in _listed(found):
        if isinstance(statement, Mapping):
            yield statement


def _read(document: Value) -> Value:
    if isinstance(document, Json):
        return document.document
    try:
        read: Value = json.loads(shown(document)) if isinstance(document, str | Text) else None
    except ValueError:
        return None
    return read


def _grants(statement: Mapping[str, Value]) -> Iterator[Grant]:
    conditions = frozenset(_conditions(statement.get("Condition")))
    for principal in _principals(statement):
        for action in _element(statement, "Action"):
            for resource in _element(statement, "Resource"):
                yield Grant(principal, action, resource, conditions)


def _element(statement: Mapping[str, Value], name: str) -> tuple[str, ...]:
    """The actions or resources of a statement; one made-up word for NotAction and NotResource."""
    if f"Not{name}" in statement:
        listed = sorted(shown(each) for each in _listed(statement[f"Not{name}"]))
        return (_NOT + " and ".join(listed),)
    return tuple(shown(each) for each in _listed(statement.get(name))) or ("",)


def _principals(statement: Mapping[str, Value]) -> tuple[str, ...]:
    if "NotPrincipal" in statement:
        return (_NOT + shown(statement["NotPrincipal"]),)
    match statement.get("Principal"):
        case None:
            return ("",)
        case Mapping() as named:
            return tuple(
                _principal(kind, shown(each))
                for kind, listed in named.items()
                for each in _listed(listed)
            )
        case everybody:
            return (shown(everybody),)


def _principal(kind: str, name: str) -> str:
    """{"AWS": "*"} is the same as "*" (IAM user guide, "AWS JSON policy elements: Principal")."""
    return "*" if (kind, name) == ("AWS", "*") else f"{kind} {name}"


def _conditions(written: Value) -> Iterator[Condition]:
    for operator, keys in written.items() if isinstance(written, Mapping) else ():
        for key, values in keys.items() if isinstance(keys, Mapping) else ():
            listed = frozenset(shown(each) for each in _listed(values))
            yield operator.lower(), key.lower(), listed


def _listed(value: Value) -> list[Value]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def opened(old: Grants, new: Grants) -> tuple[Grant, ...]:
    """What is allowed now and was not before, each once."""
    return tuple(dict.fromkeys(each for each in new.allowed if not _within(each, old.allowed)))


def undenied(old: Grants, new: Grants) -> tuple[Grant, ...]:
    """What was denied and no longer is, each once."""
    return tuple(dict.fromkeys(each for each in old.denied if not _within(each, new.denied)))


def _within(grant: Grant, others: Iterable[Grant]) -> bool:
    return any(covers(other, grant) for other in others)


def covers(wide: Grant, narrow: Grant) -> bool:
    """Whether the wide grant gives all that the narrow one gives."""
    return (
        (wide.principal == narrow.principal or wide.principal == "*")
        and matches(wide.action.lower(), narrow.action.lower())
        and matches(wide.resource, narrow.resource)
        and all(_implied(each, narrow.conditions) for each in wide.conditions)
    )


def matches(wide: str, narrow: str) -> bool:
    """Whether everything that the narrow pattern names is named by the wide one (* and ?)."""
    if wide == narrow:
        return True
    if wide.startswith(_NOT):
        return False
    return _pattern(wide).fullmatch(narrow) is not None


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    """A pattern of IAM's; `?` does not stand for a `*` of the narrower one."""
    written = {"*": ".*", "?": "[^*]"}
    return re.compile("".join(written.get(char, re.escape(char)) for char in text), re.DOTALL)


def _implied(condition: Condition, narrow: frozenset[Condition]) -> bool:
    """Whether a narrower grant's conditions make sure of this one."""
    operator, key, values = condition
    return any(
        _as_strict(operator, values, other)
        for other_operator, other_key, other in narrow
        if (other_operator, other_key) == (operator, key)
    )


def _as_strict(operator: str, wide: frozenset[str], narrow: frozenset[str]) -> bool:
    """Fewer values are stricter; of a negated operator, more are."""
    if "not" in operator:
        wide, narrow = narrow, wide
    if "like" in operator:
        return all(any(matches(each, value) for each in wide) for value in narrow)
    return narrow <= wide


def sentence(grant: Grant) -> str:
    """A grant in words: "s3:GetObject on arn:aws:s3:::notes/*, where s3:prefix ..."."""
    words = grant.action
    if grant.resource:
        words += f" on {grant.resource}"
    if grant.principal:
        words = f"{grant.principal}: {words}"
    conditions = sorted(
        (key, operator, sorted(values)) for operator, key, values in grant.conditions
    )
    limits = " and ".join(
        f"{key} {operator} {', '.join(each)}" for key, operator, each in conditions
    )
    return f"{words}, where {limits}" if limits else words
