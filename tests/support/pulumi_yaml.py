"""What Pulumi's YAML runtime makes of a program, as far as the plan's programs go.

In: the text of a Pulumi.yaml, the stack's configuration, and what AWS answers. Out: the inputs of
each resource and the outputs. Strings are read by the runtime's own rules: `$$` is a `$`, `${`
begins a reference, which gives its value where it stands alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from framework import compiler
from framework.plan.plain import JsonData

Answer = Callable[[str, str], str]
"""The output of a resource, by the resource's name in the program and the property's."""

_STEP = re.compile(r'\.([A-Za-z0-9_$-]+)|\["((?:[^"\\]|\\")*)"\]')


@dataclass(frozen=True)
class Program:
    """A program as YAML 1.2 gives it, which Pulumi reads, and what its references stand for."""

    data: Mapping[str, JsonData]
    config: Mapping[str, JsonData]
    answer: Answer

    @property
    def resources(self) -> Mapping[str, Mapping[str, JsonData]]:
        """The declarations by the names in the program."""
        return {name: mapping(each) for name, each in mapping(self.data["resources"]).items()}

    def properties(self, name: str) -> JsonData:
        """The inputs of a resource."""
        return self.value(self.resources[name]["properties"])

    def value(self, written: JsonData) -> JsonData:
        """What an expression evaluates to."""
        match written:
            case str():
                return self.text(written)
            case {"fn::toJSON": document}:
                return json.dumps(self.value(document), sort_keys=True, separators=(",", ":"))
            case {"fn::fileArchive": str() as path}:
                return {"archive": self.text(path)}
            case {"fn::fileAsset": str() as path}:
                return {"asset": self.text(path)}
            case {"fn::join": [str() as between, list() as parts]}:
                return between.join(str(self.value(part)) for part in parts)
            case {"fn::invoke": {"function": "std:filesha256", "arguments": arguments, **rest}}:
                assert rest == {"return": "result"}
                return f"<sha256 of {mapping(self.value(arguments))['input']}>"
            case dict() if len(written) == 1 and next(iter(written)).startswith("fn::"):
                raise AssertionError(f"the runtime would take {written} for a function")
            case dict():
                return {str(self.text(name)): self.value(each) for name, each in written.items()}
            case list():
                return [self.value(each) for each in written]
            case _:
                return written

    def text(self, written: str) -> JsonData:
        """A string with its references; a reference alone keeps the type of its value."""
        parts: list[JsonData] = []
        while written:
            if written.startswith("${"):
                reference, _, written = written[2:].partition("}")
                parts.append(self.reference(reference))
            else:
                parts.append("$" if written.startswith("$$") else written[0])
                written = written[2 if written.startswith("$$") else 1 :]
        if len(parts) == 1:
            return parts[0]
        return "".join(str(part) for part in parts)

    def reference(self, written: str) -> JsonData:
        """`name.property`, or `name["key"]` of the configuration."""
        found = re.fullmatch(r"([A-Za-z_$][A-Za-z0-9_$]*)(.*)", written, re.DOTALL)
        assert found, f"${{{written}}} is no reference"
        root, rest = found.groups()
        steps = [name or key.replace('\\"', '"') for name, key in _STEP.findall(rest)]
        if root in self.config:
            value = self.config[root]
            for step in steps:
                value = mapping(value)[step]
            return value
        if root == "pulumi":
            return {"stack": "dev", "project": "notes", "cwd": "/program"}[steps[0]]
        assert root in self.resources, f"${{{written}}} refers to nothing"
        return self.answer(root, ".".join(steps)) if steps else f"the resource {root}"


def read(folder: Path, text: str, config: Mapping[str, JsonData], answer: Answer) -> Program:
    """A program of this text, read through a file in the folder as YAML 1.2."""
    file = folder / "Pulumi.yaml"
    file.write_text(text, "utf-8")
    data = compiler.read(file).root.plain()
    assert isinstance(data, dict)
    return Program(data, config, answer)


def mapping(value: JsonData) -> Mapping[str, JsonData]:
    """A value that has to be a map."""
    assert isinstance(value, dict), f"{value} is no map"
    return value
