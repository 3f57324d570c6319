"""Values of the plan to what Pulumi takes as inputs.

In: a `Value`, the resources registered so far, the packages and the secrets. Out: plain data with
Outputs only where AWS decides something.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import pulumi

from framework.packaging.store import Package
from framework.plan.resource import (
    Attr,
    Code,
    CodeFile,
    CodeKey,
    Json,
    Secret,
    Text,
    Value,
    attributes,
)

Input: TypeAlias = (
    "str | int | float | bool | pulumi.Output[str] | pulumi.Archive | pulumi.Asset"
    " | list[Input] | dict[str, Input] | None"
)


@dataclass(frozen=True, slots=True)
class Resolver:
    """What values refer to: `resources` grows while the plan is registered."""

    resources: Mapping[str, pulumi.CustomResource]
    packages: Mapping[Code, Package]
    secrets: Mapping[Secret, str]

    def resolved(self, value: Value) -> Input:
        """The value as an input."""
        match value:
            case Attr(key, name):
                return self._output(key, name)
            case Text(parts):
                return pulumi.Output.concat(*map(self._part, parts))
            case Json(document):
                return self._json(document)
            case Code():
                return pulumi.FileArchive(str(self.packages[value].path))
            case CodeFile(code):
                return pulumi.FileAsset(str(self.packages[code].path))
            case CodeKey(code):
                return value.named(self.packages[code].sha256)
            case Secret():
                return pulumi.Output.secret(self.secrets[value])
            case Mapping():
                return {name: self.resolved(item) for name, item in value.items()}
            case list() | tuple():
                return [self.resolved(item) for item in value]
            case _:
                return value

    def _part(self, part: str | Attr) -> str | pulumi.Output[str]:
        return part if isinstance(part, str) else self._output(part.key, part.name)

    def _output(self, key: str, name: str) -> pulumi.Output[str]:
        output: pulumi.Output[str] = getattr(self.resources[key], name)
        return output

    def _json(self, document: Value) -> Input:
        """Text wherever the document is known; equal documents give equal text."""
        resolved = self.resolved(document)
        if next(attributes(document), None) is None:
            return json.dumps(resolved, sort_keys=True, separators=(",", ":"))
        return pulumi.Output.json_dumps(resolved, sort_keys=True, separators=(",", ":"))
