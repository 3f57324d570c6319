"""A plan as a program that Pulumi's YAML runtime runs: the way out of this framework.

In: a `Plan`, the project's name and the version of pulumi-aws. Out: the text of a Pulumi.yaml.
Resources keep their types, properties, order, protection and logical names, and an alias says where
they stood under this framework, so that the program takes over a deployed stack as it is.
Secrets stay in the configuration where they are.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import yaml

from framework.plan.names import digits
from framework.plan.plain import JsonData
from framework.plan.resource import (
    Attr,
    Code,
    CodeFile,
    CodeKey,
    Json,
    Plan,
    Resource,
    Secret,
    Text,
    Value,
    attributes,
    code_of,
    secrets,
)

PROVIDER = "aws"
"""The provider's name, as a resource of the program and in the stack's state."""

PACKAGES = "dist"
"""Where the program looks for FUNCTION.zip, as `services package --out dist` writes them."""

_RESERVED = frozenset({"pulumi", PROVIDER})
"""Names that stand for something else in ${...}."""

_HEAD = """\
# The service {project} as a Pulumi YAML program, written by  services plan --format pulumi-yaml
# Its functions' packages lie beside it, written by  services package --out {packages}
"""

_SECRETS = """\
# A secret comes from the stack:  pulumi config set --secret --path {name}
"""


def program(plan: Plan, project: str, version: str) -> str:
    """The text of a Pulumi.yaml. `version` is that of the pulumi-aws provider."""
    needed = list(dict.fromkeys(each for one in plan.resources for each in secrets(one.inputs)))
    sections = sorted({secret.path[0] for secret in needed})
    writer = _Writer(identifiers(plan.by_key, {*_RESERVED, *sections}), _zips(plan))
    head = _HEAD.format(project=project, packages=PACKAGES)
    notes = "".join(_SECRETS.format(name=".".join(secret.path)) for secret in needed)
    return head + notes + _yaml(writer.document(plan, project, version, sections))


def identifiers(keys: Iterable[str], reserved: Iterable[str] = ()) -> Mapping[str, str]:
    """Keys of the plan -> names that ${...} takes: letters, digits and underscores, each once.

    A name depends on no other key's place; where two keys make the same one, both end in the
    digits of their key.
    """
    words = {key: _word(key) for key in keys}
    used = Counter((*words.values(), *reserved))
    return {key: f"{word}_{digits(key)}" if used[word] > 1 else word for key, word in words.items()}


def _word(key: str) -> str:
    word = re.sub("[^A-Za-z0-9]+", "_", key).strip("_")
    return word if word[:1].isalpha() else f"n_{word}"


def literal(text: str) -> str:
    """Text that Pulumi YAML leaves as it is: `$$` is a `$`, `${` begins a reference.

    Any other `$` stands for itself (pulumi-yaml, "Interpolation": parseInterpolate); one at the end
    is doubled too, since a reference may follow it.
    """
    return re.sub(r"\$(?=[${]|\Z)", "$$", text)


def _zips(plan: Plan) -> Mapping[Code, str]:
    """The packages that lie in buckets -> a function that runs each, whose zip is the same."""
    found: dict[Code, str] = {}
    for function in plan.of_type("aws:lambda/function:Function"):
        if code := code_of(function):
            found.setdefault(code, function.origin.partition(".")[2])
    return found


class _Writer(NamedTuple):
    """Writes what refers to resources by their names in the program, to packages by their zips."""

    names: Mapping[str, str]
    zips: Mapping[Code, str]

    def document(
        self, plan: Plan, project: str, version: str, sections: Iterable[str]
    ) -> dict[str, JsonData]:
        """The whole program as data."""
        resources: dict[str, JsonData] = {PROVIDER: self._provider(plan, version)}
        for resource in plan.resources:
            resources[self.names[resource.key]] = self._resource(resource)
        config: dict[str, JsonData] = {
            name: {"type": "object", "secret": True} for name in sections
        }
        return {
            "name": project,
            "runtime": "yaml",
            **({"config": config} if config else {}),
            "resources": resources,
            **({"outputs": self._members(plan.outputs)} if plan.outputs else {}),
        }

    def _provider(self, plan: Plan, version: str) -> JsonData:
        return {
            "type": f"pulumi:providers:{PROVIDER}",
            "properties": self._members(plan.provider),
            "options": {"version": version},
        }

    def _resource(self, resource: Resource) -> JsonData:
        return {
            "type": resource.type,
            "name": literal(resource.key),
            "properties": {
                name: self._property(resource, value) for name, value in resource.inputs.items()
            },
            "options": self._options(resource),
        }

    def _property(self, resource: Resource, value: Value) -> JsonData:
        if isinstance(value, Code):
            function = resource.origin.partition(".")[2] or self.names[resource.key]
            return {"fn::fileArchive": literal(f"./{PACKAGES}/{function}.zip")}
        return self.written(value)

    def _key(self, key: CodeKey) -> JsonData:
        """Its hash is taken of the zip that is there when the program runs."""
        path = f"${{pulumi.cwd}}/{PACKAGES}/{literal(self.zips[key.code])}.zip"
        hashed: JsonData = {
            "fn::invoke": {
                "function": "std:filesha256",
                "arguments": {"input": path},
                "return": "result",
            }
        }
        before, after = key.named("\0").split("\0")
        return {"fn::join": ["", [literal(before), hashed, literal(after)]]}

    def _options(self, resource: Resource) -> dict[str, JsonData]:
        options: dict[str, JsonData] = {"provider": f"${{{PROVIDER}}}"}
        if resource.after:
            options["dependsOn"] = [f"${{{self.names[key]}}}" for key in resource.after]
        if resource.protect:
            options["protect"] = True
        if resource.retain:
            options["retainOnDelete"] = True
        if resource.replace_on:
            options["replaceOnChanges"] = list(resource.replace_on)
            options["deleteBeforeReplace"] = True
        hidden = [name for name, value in resource.inputs.items() if any(secrets(value))]
        if hidden:
            options["additionalSecretOutputs"] = list(hidden)
        if resource.origin:
            options["aliases"] = [{"parent": _entry_urn(resource.origin)}]
        return options

    def written(self, value: Value) -> JsonData:
        """A value as the program says it."""
        match value:
            case str():
                return literal(value)
            case Attr(key, name):
                return f"${{{self.names[key]}.{name}}}"
            case Text(parts):
                return "".join(str(self.written(part)) for part in parts)
            case Secret((section, *steps)):
                return f"${{{section}{''.join(_subscript(step) for step in steps)}}}"
            case Json(document):
                return self._json(document)
            case CodeFile(code):
                return {"fn::fileAsset": literal(f"./{PACKAGES}/{self.zips[code]}.zip")}
            case CodeKey():
                return self._key(value)
            case Mapping():
                return self._members(value)
            case list() | tuple():
                return [self.written(item) for item in value]
            case Code() | Secret():
                raise ValueError(f"{value} stands where no program can say it")
            case _:
                return value

    def _members(self, values: Mapping[str, Value]) -> dict[str, JsonData]:
        return {literal(name): self.written(item) for name, item in values.items()}

    def _json(self, document: Value) -> JsonData:
        """The very text of the plan where all of it is known; else what makes it."""
        if any(attributes(document)) or any(secrets(document)):
            return {"fn::toJSON": self.written(document)}
        return literal(json_text(document))


def json_text(document: Value) -> str:
    """A document without outputs as the text that is deployed."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _subscript(step: str) -> str:
    quoted = step.replace('"', '\\"')
    return f'["{quoted}"]'


def _entry_urn(origin: str) -> str:
    """The component that holds an entry's resources when this framework deploys them."""
    section = origin.partition(".")[0]
    name = literal(origin)
    return f"urn:pulumi:${{pulumi.stack}}::${{pulumi.project}}::services:{section}:Entry::{name}"


class _Dumper(yaml.SafeDumper):
    """Quotes what the YAML that Pulumi reads (1.2) would take for something else than text."""


_NUMBER_LIKE = re.compile(r"[-+.0-9]")
_LINE_ENDS = re.compile("[\n\r\x85\u2028\u2029]")


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """PyYAML leaves 1e3, 0o17 and the like bare, being text in YAML 1.1 and numbers in 1.2.

    What ends a line for some readers and not for others is written as an escape.
    """
    style = '"' if _NUMBER_LIKE.match(text) or _LINE_ENDS.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _string)


def _yaml(data: JsonData) -> str:
    text = yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=2**20,
        default_flow_style=False,
    )
    return str(text)
