"""The reference of services.yaml as a page, made of the models: what editors show, on one page.

In: the sections. Out: Markdown. Names, types, defaults, limits and texts are those of the models,
so the page cannot disagree with what is checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import yaml

from framework.language.document import Sections
from framework.language.schema import json_schema

_HEAD = """\
# services.yaml

Made from the models by `make reference`; a test keeps it so. `*` marks what has to be there.
Unknown keys are errors; keys at the top that begin with `x-` are your own, for anchors.
Values are read as YAML 1.2, as editors do: `no` and `on` are text.
"""

_TOP = ("service", "regions", "tags", "defaults", "environments")


def reference(sections: Sections) -> str:
    """The page."""
    schema = json_schema(sections)
    definitions = _mapping(schema["$defs"])
    properties = _mapping(schema["properties"])
    parts = [_HEAD, "## At the top\n", *_table(properties, _TOP, _required(schema))]
    for section in sections:
        required = {name for name, each in section.model.model_fields.items() if each.is_required()}
        parts += _section(section.name, section.single, required, properties, definitions)
    return "\n".join(parts).rstrip() + "\n"


def _section(
    name: str, single: bool, required: set[str],
    properties: Mapping[str, object], definitions: Mapping[str, object],
) -> Iterator[str]:  # fmt: skip
    whole = _mapping(properties[name])
    entry = whole if single else _mapping(whole["additionalProperties"])
    model = _resolved(entry, definitions)
    yield f"\n## {name if single else f'{name}.NAME'}\n"
    yield f"{whole.get('description', '')}\n"
    if names := _mapping(whole.get("propertyNames", {})).get("patternErrorMessage"):
        yield f"{str(names)[0].upper()}{str(names)[1:]}.\n"
    inner = _mapping(model.get("properties", {}))
    yield from _table(inner, tuple(inner), required)
    yield from _nested(name, model, definitions)


def _nested(
    path: str, model: Mapping[str, object], definitions: Mapping[str, object]
) -> Iterator[str]:
    for field, value in _mapping(model.get("properties", {})).items():
        where, inner = _inner(f"{path}.{field}", _mapping(value), definitions)
        if "properties" in inner:
            yield f"\n### {where}\n"
            yield f"{inner.get('description', '')}\n"
            yield from _fields(inner)
            yield from _nested(where, inner, definitions)


def _inner(
    path: str, value: Mapping[str, object], definitions: Mapping[str, object]
) -> tuple[str, Mapping[str, object]]:
    """The model that a field holds, or that the entries of its map are."""
    within = value.get("additionalProperties")
    if isinstance(within, dict):
        return f"{path}.NAME", _resolved(within, definitions)
    return path, _resolved(value, definitions)


def _resolved(
    value: Mapping[str, object], definitions: Mapping[str, object]
) -> Mapping[str, object]:
    alternatives = value.get("anyOf")
    if isinstance(alternatives, list):
        models = (_resolved(_mapping(each), definitions) for each in alternatives)
        return next((each for each in models if "properties" in each), {})
    if "$ref" in value:
        return _resolved(_mapping(definitions[str(value["$ref"]).rpartition("/")[2]]), definitions)
    return value


def _fields(model: Mapping[str, object]) -> Iterator[str]:
    properties = _mapping(model.get("properties", {}))
    yield from _table(properties, tuple(properties), _required(model))


def _table(
    properties: Mapping[str, object], names: tuple[str, ...], required: set[str]
) -> Iterator[str]:
    yield "| field | what it says | example |"
    yield "|---|---|---|"
    for name in names:
        field = _mapping(properties[name])
        star = "*" if name in required else ""
        yield f"| `{name}`{star} | {_cell(str(field.get('description', '')))} | {_example(field)} |"


def _example(field: Mapping[str, object]) -> str:
    examples = field.get("examples")
    if not isinstance(examples, list) or not examples:
        return ""
    example = examples[0]
    text = yaml.safe_dump(example, default_flow_style=True, width=10_000, sort_keys=False)
    return f"`{_cell(text.removesuffix(chr(10)).removesuffix('...').strip())}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _required(model: Mapping[str, object]) -> set[str]:
    names = model.get("required", [])
    return {str(name) for name in names} if isinstance(names, list) else set()


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"no map: {json.dumps(value)[:60]}")
    return value
