"""The schema of one project: what editors check with, knowing the project's own names.

In: a services.yaml, with whatever problems, as long as it is YAML. Out: the schema in which
`function:`, `auth:` and `uses:` complete the names that the file has; and the file that the first
line of services.yaml names, kept up to date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from framework import compiler
from framework.kinds import KINDS
from framework.kinds.function import Function
from framework.kinds.kind import Kind
from framework.kinds.route import Route
from framework.kinds.uses import Use
from framework.language.document import partial
from framework.language.problems import Rejected
from framework.language.source import Node, Source, fields

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue

FILE_NAME = "project.schema.json"
PATH = f"schema/{FILE_NAME}"

MOST_NAMES = 500
"""Of a section. Nobody looks through more, and the schema would grow with each."""

_COMMENT = "made by  services schema --for"
_MODELINE = re.compile(r"#\s+yaml-language-server:\s*\$schema=(\S+)")
_HEAD = 1_000
_VERB = "^[a-z]+$"

Names = Mapping[str, tuple[str, ...]]
"""The names of a section's entries, "authorizers" beside the sections."""


def schema_for(source: Source) -> str:
    """The schema for a source, as text: two blanks of indent, a newline at the end."""
    # Imported here: validate, which seldom has to write a schema, starts without it.
    from framework.language.schema import json_schema

    names = names_in(source)
    schema = json_schema(compiler.sections())
    definitions: JsonSchemaValue = schema.get("$defs", {})
    for model in (Route, partial(Route)):
        _complete_route(definitions.get(model.__name__, {}).get("properties", {}), names)
    for model, use in ((Function, Use), (partial(Function), partial(Use))):
        properties = definitions.get(model.__name__, {}).get("properties", {})
        _complete_uses(properties, definitions.get(use.__name__, {}), names)
    dialect = schema.pop("$schema")
    whole = {"$schema": dialect, "$comment": _comment(names), **schema}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def names_in(source: Source) -> Names:
    """The names that the file gives its entries, those of all environments too."""
    found: dict[str, dict[str, None]] = {}
    for root in (source.root, *_children(source.root, "environments")):
        for kind in KINDS:
            if not kind.section.single:
                found.setdefault(kind.section.name, {}).update(
                    dict.fromkeys(_keys(root, kind.section.name))
                )
        authorizers = _keys(root, "api", "authorizers")
        found.setdefault("authorizers", {}).update(dict.fromkeys(authorizers))
    return {
        section: tuple(names) if len(names) <= MOST_NAMES else ()
        for section, names in found.items()
    }


def _keys(node: Node, *path: str) -> Iterable[str]:
    for step in path:
        child = fields(node).get(step)
        if child is None:
            return ()
        node = child.node
    return fields(node)


def _children(node: Node, name: str) -> Iterator[Node]:
    section = fields(node).get(name)
    if section is not None:
        yield from (each.node for each in fields(section.node).values())


def _comment(names: Names) -> str:
    """What made the schema: the same for the same names and version, whatever else is said."""
    made_of = json.dumps([version("pulumi-services"), names], sort_keys=True)
    return f"{_COMMENT}, {sha256(made_of.encode()).hexdigest()[:16]}"


def _complete_route(properties: JsonSchemaValue, names: Names) -> None:
    if names["functions"] and "function" in properties:
        said = "services.yaml had no such function when 'services validate' last ran"
        properties["function"] = _one_of(properties["function"], names["functions"], said)
    if "auth" in properties:
        words = ("none", "iam", *(f"jwt.{name}" for name in names["authorizers"]))
        said = f"auth is one of {', '.join(words)}; authorizers stand under api"
        properties["auth"] = _one_of(properties["auth"], words, said)


_REPLACED = ("pattern", "patternErrorMessage", "examples", "anyOf", "errorMessage")


def _one_of(schema: JsonSchemaValue, words: tuple[str, ...], otherwise: str) -> JsonSchemaValue:
    kept = {key: value for key, value in schema.items() if key not in _REPLACED}
    return {**kept, "enum": list(words), "errorMessage": otherwise}


def _complete_uses(properties: JsonSchemaValue, use: JsonSchemaValue, names: Names) -> None:
    """`uses` knows its keys one by one, each with the verbs of its section."""
    known = {
        f"{kind.section.name}.{name}": _use_of(kind, use)
        for kind in KINDS
        if kind.grants
        for name in names[kind.section.name]
    }
    if known and "uses" in properties:
        kept = {
            key: value
            for key, value in properties["uses"].items()
            if key not in ("propertyNames", "examples", "defaultSnippets")
        }
        properties["uses"] = {**kept, "properties": known, "additionalProperties": False}


def _use_of(kind: Kind[Any], use: JsonSchemaValue) -> JsonSchemaValue:
    """What may be said about the use of an entry of this kind."""
    schema = deepcopy(use)
    # Text first: then a wrong verb gets the message of the verbs, not of the map.
    schema.get("anyOf", []).sort(key=lambda each: each.get("type") != "string")
    for each in _maps(schema):
        if each.get("pattern") == _VERB:
            del each["pattern"]
            each.pop("patternErrorMessage", None)
            each["enum"] = list(kind.grants)
        if "verbs" in each.get("properties", {}) and not kind.prefixes:
            each["properties"].pop("prefix", None)
        if not _fit(each.get("examples"), kind):
            del each["examples"]
    return schema


def _fit(examples: object, kind: Kind[Any]) -> bool:
    """Whether examples, where they are lists of verbs, are lists of verbs of this kind."""
    if not isinstance(examples, list):
        return True
    lists = [example for example in examples if isinstance(example, list)]
    return all(verb in kind.grants for verbs in lists for verb in verbs)


def _maps(value: object) -> Iterator[JsonSchemaValue]:
    """All maps of a schema; a list, since they change on the way."""
    if isinstance(value, dict):
        yield value
        for item in list(value.values()):
            yield from _maps(item)
    elif isinstance(value, list):
        for item in value:
            yield from _maps(item)


def keep_fresh(file: Path) -> None:
    """Writes the schema that a file's first lines name anew where it is a project's and old.

    Only ever a file of this module's making, within the project, or one of its name that is
    missing. Never fails: a schema that cannot be written is no reason not to check the file.
    """
    with suppress(Rejected, OSError, ValueError):
        target = _named_schema(file)
        if target is None:
            return
        source = compiler.read(file)
        if target.exists() and json.dumps(_comment(names_in(source))) in _head(target):
            return
        _write(target, schema_for(source).encode())


def _write(target: Path, content: bytes) -> None:
    from framework.commands import scaffold

    scaffold.write_all({target: content})


def _named_schema(file: Path) -> Path | None:
    """The project's schema that the comments before anything else name."""
    for line in _head(file).splitlines():
        content = line.strip("\ufeff \t")
        if content and not content.startswith(("#", "---")):
            return None
        if found := _MODELINE.match(content):
            return _own(found.group(1), file.parent)
    return None


def _own(named: str, folder: Path) -> Path | None:
    path = (folder / unquote(named)).resolve()
    if "://" in named or not path.is_relative_to(folder.resolve()):
        return None
    own = _COMMENT in _head(path) if path.exists() else path.name == FILE_NAME
    return path if own else None


def _head(file: Path) -> str:
    if not file.is_file():
        return ""
    with file.open("rb") as opened:
        return opened.read(_HEAD).decode(errors="replace")
