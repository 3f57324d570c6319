"""The JSON Schema of services.yaml, for editors.

In: the sections. Out: a schema in the words that all YAML language servers understand, old and new:
draft 2020-12 without prefixItems, unevaluated... and dependent... What an editor does not show
(defaults, limits) is written into the descriptions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from framework.language.document import Sections, document_model

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_LIMITS = ("minimum", "maximum")


class _Generator(GenerateJsonSchema):
    """Pydantic's generator without what makes editors complete or report the wrong thing."""

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        generated = super().generate(schema, mode)
        for each in _objects(generated):
            _describe(each)
        generated["title"] = "services.yaml"
        generated["patternProperties"] = {"^x-": {"description": "Your own, for anchors."}}
        return {"$schema": DIALECT, **generated}

    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """An optional field is left out, never null."""
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """`propertyNames` flags a wrong name; patternProperties alone would let it pass."""
        written: JsonSchemaValue = {"type": "object"}
        keys = self.generate_inner(schema["keys_schema"]) if "keys_schema" in schema else {}
        keys.pop("type", None)
        if keys:
            written["propertyNames"] = keys
        if "values_schema" in schema:
            written["additionalProperties"] = self.generate_inner(schema["values_schema"])
        for ours, theirs in (("minProperties", "min_length"), ("maxProperties", "max_length")):
            if theirs in schema:
                written[ours] = schema[theirs]  # type: ignore[literal-required]
        return written


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
    return document_model(sections).model_json_schema(schema_generator=_Generator)


def schema_text(sections: Sections) -> str:
    """The schema as the file that is committed: two blanks of indent, a newline at the end."""
    return json.dumps(json_schema(sections), indent=2, ensure_ascii=False) + "\n"
