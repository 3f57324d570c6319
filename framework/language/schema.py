"""The JSON Schema of services.yaml, for editors.

In: the sections. Out: a schema in the words that all YAML language servers understand, old and new:
draft 2020-12 without prefixItems, unevaluated... and dependent... What an editor does not show
(defaults, limits) is written into the descriptions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from framework.language.docstrings import of_fields
from framework.language.document import Sections, document_model
from framework.language.problems import Path

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_LIMITS = ("minimum", "maximum")


class _Generator(GenerateJsonSchema):
    """Pydantic's generator without what makes editors complete or report the wrong thing."""

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        generated = super().generate(schema, mode)
        for each in _objects(generated):
            _describe(each)
        for name, each in generated.get("$defs", {}).items():
            if name == "JsonValue":
                each["type"] = ["array", "boolean", "number", "object", "string"]
        generated["title"] = "services.yaml"
        generated["patternProperties"] = {"^x-": {"description": "Your own, for anchors."}}
        return {"$schema": DIALECT, **generated}

    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """An optional field is left out, never null."""
        return self.generate_inner(schema["schema"])

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """A field's docstring is its description."""
        written = super().model_schema(schema)
        texts = of_fields(schema["cls"])
        for name, field in written.get("properties", {}).items():
            if name in texts:
                field.setdefault("description", texts[name])
        return written

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """`propertyNames` flags a wrong name; patternProperties alone would let it pass."""
        written: JsonSchemaValue = {"type": "object"}
        keys = self.generate_inner(schema["keys_schema"]) if "keys_schema" in schema else {}
        keys.pop("type", None)
        if keys:
            written["propertyNames"] = keys
        if "values_schema" in schema:
            written["additionalProperties"] = self._value_of_a_map(schema["values_schema"])
        for ours, theirs in (("minProperties", "min_length"), ("maxProperties", "max_length")):
            if theirs in schema:
                # The keys of a typed dictionary, chosen while the program runs.
                written[ours] = schema[theirs]  # type: ignore[literal-required]
        return written

    def _value_of_a_map(self, schema: CoreSchema) -> JsonSchemaValue:
        """Behind a name null may be said: it removes the entry. A field is left out instead."""
        value = self.generate_inner(schema)
        return {"anyOf": [value, {"type": "null"}]} if schema["type"] == "nullable" else value


def _objects(value: object) -> Iterator[JsonSchemaValue]:
    """Every schema that describes a map's fields, wherever it stands."""
    if isinstance(value, dict):
        if isinstance(value.get("properties"), dict):
            yield value
        for item in value.values():
            yield from _objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from _objects(item)


def _describe(schema: JsonSchemaValue) -> None:
    for field in schema["properties"].values():
        default = field.get("default")
        sentences = [field.get("description", ""), _range(field), _default(default)]
        if default in (None, {}, []) or isinstance(default, dict):
            field.pop("default", None)
        field["description"] = " ".join(sentence for sentence in sentences if sentence)


def _range(field: JsonSchemaValue) -> str:
    if all(limit in field for limit in _LIMITS):
        return f"From {field['minimum']:,} to {field['maximum']:,}."
    return ""


def _default(default: object) -> str:
    if default in (None, {}, []) or isinstance(default, dict):
        return ""
    return f"Default: {default if isinstance(default, str) else json.dumps(default)}."


def json_schema(sections: Sections) -> JsonSchemaValue:
    """The schema of a services.yaml with these sections."""
    schema = document_model(sections).model_json_schema(schema_generator=_Generator)
    needed = [
        _unless_default(section.name, path, field)
        for section in sections
        if section.defaults
        for path, field in _relaxed(_entry(schema, section.name), schema["$defs"], ())
    ]
    return schema | ({"allOf": needed} if needed else {})


def _entry(schema: JsonSchemaValue, section: str) -> JsonSchemaValue:
    """The definition of a section's entries."""
    entry: JsonSchemaValue = schema["properties"][section]["additionalProperties"]
    return _referred(entry, schema["$defs"])


def _referred(schema: JsonSchemaValue, definitions: JsonSchemaValue) -> JsonSchemaValue:
    found: JsonSchemaValue = definitions[schema["$ref"].removeprefix("#/$defs/")]
    return found


def _relaxed(
    schema: JsonSchemaValue, definitions: JsonSchemaValue, path: Path
) -> Iterator[tuple[Path, str]]:
    """Takes out which fields have to be there, with the path of the map each belongs to.

    Defaults may bring them, also one by one into a map within the entry. Such a map gets a
    definition of its own, because elsewhere its fields stay required.
    """
    yield from ((path, field) for field in schema.pop("required", ()))
    for name, field in schema["properties"].items():
        if "$ref" in field and "required" in (referred := _referred(field, definitions)):
            said = {key: value for key, value in field.items() if key != "$ref"}
            schema["properties"][name] = deepcopy(referred) | said
            yield from _relaxed(schema["properties"][name], definitions, (*path, name))


def _unless_default(section: str, path: Path, field: str) -> JsonSchemaValue:
    """A field is required in a section's entries where the section's defaults do not have it."""
    given: JsonSchemaValue = {"required": [field]}
    required: JsonSchemaValue = {"required": [field]}
    for step in reversed(path):
        given = {"properties": {step: given}, "required": [step]}
        required = {"properties": {step: required}}
    for name in (section, "defaults"):
        given = {"properties": {name: given}, "required": [name]}
    return {
        "if": given,
        "else": {"properties": {section: {"additionalProperties": required}}},
    }


def schema_text(sections: Sections) -> str:
    """The schema as the file that is committed: two blanks of indent, a newline at the end."""
    return json.dumps(json_schema(sections), indent=2, ensure_ascii=False) + "\n"
