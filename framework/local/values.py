"""From the plan's values to plain data: outputs that AWS would decide are decided here.

In: a `Resource` and its inputs. Out: `Inputs`, typed look-ups by property name. A property of
another shape than Pulumi's schema gives raises `PlanError`: a bug of a kind or of a transform.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import NoReturn, TypeAlias

from framework.plan.resource import (
    Attr,
    Code,
    CodeFile,
    CodeKey,
    Json,
    PlanError,
    Resource,
    Secret,
    Text,
    Value,
)

Plain: TypeAlias = (
    "str | int | float | bool | Code | Secret | list[Plain] | Mapping[str, Plain] | None"
)


def made_up(attribute: Attr) -> str:
    """An output's local value: ten characters, as an API's id, the same at every start."""
    digest = hashlib.sha256(f"{attribute.key}.{attribute.name}".encode()).hexdigest()
    return f"l{digest[:9]}"


def plain(value: Value) -> Plain:
    """`value` with every output made up and every document serialised."""
    match value:
        case Attr():
            return made_up(value)
        case Text(parts):
            return "".join(made_up(part) if isinstance(part, Attr) else part for part in parts)
        case CodeFile(code) | CodeKey(code):
            return code
        case Json(document):
            return json.dumps(plain(document), sort_keys=True)
        case Mapping():
            return {name: plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value


class Inputs:
    """The inputs of one resource, or one object among them."""

    def __init__(self, key: str, values: Mapping[str, Plain]) -> None:
        self.key = key
        self.values = values

    @classmethod
    def of(cls, resource: Resource) -> Inputs:
        """The inputs of `resource`."""
        return cls(resource.key, {name: plain(item) for name, item in resource.inputs.items()})

    def text(self, name: str, default: str | None = None) -> str:
        """A string; without `default` it must be there."""
        value = self.values.get(name, default)
        return value if isinstance(value, str) else self._refuse(name, "text")

    def number(self, name: str, default: float | None = None) -> float:
        """A number; without `default` it must be there."""
        value = self.values.get(name, default)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
        return self._refuse(name, "a number")

    def flag(self, name: str) -> bool:
        """A truth value, false when absent."""
        value = self.values.get(name, False)
        return value if isinstance(value, bool) else self._refuse(name, "true or false")

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings, empty when absent."""
        return tuple(
            item if isinstance(item, str) else self._refuse(name, "a list of texts")
            for item in self._items(name)
        )

    def child(self, name: str) -> Inputs:
        """An object, empty when absent."""
        value = self.values.get(name) or {}
        if isinstance(value, Mapping):
            return Inputs(f"{self.key}.{name}", value)
        return self._refuse(name, "an object")

    def children(self, name: str) -> tuple[Inputs, ...]:
        """A list of objects, empty when absent."""
        return tuple(
            Inputs(f"{self.key}.{name}", item)
            if isinstance(item, Mapping)
            else self._refuse(name, "a list of objects")
            for item in self._items(name)
        )

    def code(self, name: str) -> Code:
        """A function's package."""
        value = self.values.get(name)
        return value if isinstance(value, Code) else self._refuse(name, "a package")

    def secret_or_text(self, name: str) -> Secret | str:
        """A value of the secret configuration, or plain text."""
        value = self.values.get(name)
        return value if isinstance(value, (Secret, str)) else self._refuse(name, "text or a secret")

    def _items(self, name: str) -> list[Plain]:
        value = self.values.get(name) or []
        return value if isinstance(value, list) else self._refuse(name, "a list")

    def _refuse(self, name: str, expected: str) -> NoReturn:
        raise PlanError(f"{self.key}: {name} is not {expected}")
