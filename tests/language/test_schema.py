"""The JSON Schema: valid, in words old and new editors know, and of one mind with the models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from framework import compiler
from framework.language.composer import compose
from framework.language.document import document_model, shape
from framework.language.schema import DIALECT, json_schema, schema_text
from framework.language.source import Plain

ROOT = Path(__file__).parents[2]
SECTIONS = compiler.sections()
# Any: a schema is JSON of every form.
SCHEMA: dict[str, Any] = json_schema(SECTIONS)
VALIDATOR = Draft202012Validator(SCHEMA)

ANNOTATIONS = {
    "$schema", "$defs", "title", "description", "examples", "default", "patternErrorMessage",
}  # fmt: skip
"""Words that check nothing."""

PORTABLE = {
    "$ref", "type", "enum", "const", "properties", "required", "additionalProperties",
    "propertyNames", "patternProperties", "items", "minItems", "maxItems", "minLength", "maxLength",
    "minProperties", "maxProperties", "minimum", "maximum", "pattern", "anyOf", "allOf", "if",
    "else", "then", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "uniqueItems", "not",
}  # fmt: skip
"""Words that check the same in draft-07 and in 2020-12, and that every language server knows."""


def schemas(schema: object, where: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema within a schema, with the way to it."""
    if not isinstance(schema, dict):
        return
    yield where, schema
    for word in ("properties", "patternProperties", "$defs"):
        for name, inner in schema.get(word, {}).items():
            yield from schemas(inner, f"{where}/{word}/{name}")
    for word in ("additionalProperties", "propertyNames", "items", "if", "then", "else", "not"):
        yield from schemas(schema.get(word), f"{where}/{word}")
    for word in ("anyOf", "allOf"):
        for index, inner in enumerate(schema.get(word, [])):
            yield from schemas(inner, f"{where}/{word}/{index}")


ALL = dict(schemas(SCHEMA))

FIELDS = {
    f"{where}/{name}": field
    for where, schema in ALL.items()
    if "/if" not in where and "/else" not in where
    for name, field in schema.get("properties", {}).items()
}
"""The fields an author may write; what a condition looks at is none."""

WITH_EXAMPLES = {where: field for where, field in FIELDS.items() if "examples" in field}


def test_the_schema_is_one_by_its_own_rules() -> None:
    Draft202012Validator.check_schema(SCHEMA)

    assert SCHEMA["$schema"] == DIALECT == "https://json-schema.org/draft/2020-12/schema"


def test_the_committed_schema_is_this_one() -> None:
    committed = (ROOT / "schema" / "services.schema.json").read_bytes()

    assert committed.decode() == schema_text(SECTIONS), "run  services schema > schema/..."


def test_the_text_of_the_schema_is_stable_and_ends_its_last_line() -> None:
    text = schema_text(SECTIONS)

    assert text.endswith("}\n")
    assert "\r" not in text
    assert json.loads(text) == SCHEMA == json_schema(SECTIONS)


def test_only_words_that_every_editor_knows() -> None:
    others = {where: set(schema) - PORTABLE - ANNOTATIONS for where, schema in ALL.items()}

    assert {where: words for where, words in others.items() if words} == {}


def test_every_field_has_a_description_that_is_a_sentence() -> None:
    said = {where: field.get("description", "") for where, field in FIELDS.items()}

    assert len(said) > 100
    assert [where for where, text in said.items() if not re.fullmatch(r"\S.*\.", text)] == []


def test_no_field_is_completed_with_nothing() -> None:
    defaults = {where: field["default"] for where, field in FIELDS.items() if "default" in field}

    assert [where for where, value in defaults.items() if value in (None, [], {}, "")] == []
    assert [where for where, field in FIELDS.items() if field.get("type") == "null"] == []


def test_limits_and_defaults_are_said_in_words() -> None:
    memory = SCHEMA["$defs"]["Function"]["properties"]["memory"]

    assert memory["description"].endswith("From 128 to 10,240. Default: 256.")
    assert memory["default"] == 256


def test_null_is_said_only_where_it_removes_an_entry() -> None:
    with_null = {where for where, schema in ALL.items() if schema.get("type") == "null"}

    assert with_null
    assert all(
        re.fullmatch(r"#/\$defs/Environment/properties/[a-z]+/additionalProperties/anyOf/1", each)
        for each in with_null
    )


def maps(where: str, schema: dict[str, Any]) -> bool:
    """Whether a schema is a map of names that the author chooses."""
    return isinstance(schema.get("additionalProperties"), dict) and "/else" not in where


MAPS = [where for where, schema in ALL.items() if maps(where, schema)]


@pytest.mark.parametrize("where", MAPS)
def test_names_of_a_map_are_checked(where: str) -> None:
    names = ALL[where]["propertyNames"]

    assert names["pattern"]
    assert names["patternErrorMessage"]


def test_every_other_map_refuses_unknown_fields() -> None:
    objects = [where for where, schema in ALL.items() if schema.get("type") == "object"]
    open_ones = [
        where
        for where in objects
        if where not in MAPS and ALL[where].get("additionalProperties") is not False
    ]

    assert objects
    assert open_ones == []


@pytest.mark.parametrize(
    "pattern", sorted({schema["pattern"] for schema in ALL.values() if "pattern" in schema})
)
def test_patterns_mean_the_same_in_every_language(pattern: str) -> None:
    assert pattern.startswith("^")
    assert pattern.endswith("$")
    outside = re.sub(r"\[[^\]]*\]", "[]", pattern)
    assert not re.search(r"\\[AZdwsDWSbB]|\[\[:", pattern)
    assert not re.search(r"\(\?[^:=!]|[*+?}]\+", outside)


def test_every_pattern_has_its_meaning() -> None:
    with_pattern = {where: schema for where, schema in ALL.items() if "pattern" in schema}

    assert with_pattern
    assert [w for w, schema in with_pattern.items() if not schema["patternErrorMessage"]] == []


@pytest.mark.parametrize(("where", "field"), WITH_EXAMPLES.items(), ids=WITH_EXAMPLES)
def test_examples_are_right_by_the_schema(where: str, field: dict[str, Any]) -> None:
    whole = {"$defs": SCHEMA["$defs"], **field}

    assert field["examples"]
    for example in field["examples"]:
        assert list(Draft202012Validator(whole).iter_errors(example)) == []


def models() -> Iterator[tuple[str, type[Any]]]:
    """Every model of the document, by its name."""
    todo: list[type[Any]] = [document_model(SECTIONS)]
    seen: dict[str, type[Any]] = {}
    while todo:
        model = todo.pop()
        if model.__name__ not in seen:
            seen[model.__name__] = model
            for info in model.model_fields.values():
                todo.extend(inner_models(info.annotation))
    yield from seen.items()


def inner_models(kind: Any) -> Iterator[type[Any]]:
    if isinstance(kind, type) and hasattr(kind, "model_fields"):
        yield kind
    for argument in getattr(kind, "__args__", ()):
        yield from inner_models(argument)


MODEL_EXAMPLES = [
    pytest.param(model, name, example, id=f"{title}.{name}-{index}")
    for title, model in models()
    for name, info in model.model_fields.items()
    for index, example in enumerate(info.examples or ())
]


@pytest.mark.parametrize(("model", "name", "example"), MODEL_EXAMPLES)
def test_examples_are_right_by_the_models(model: type[Any], name: str, example: object) -> None:
    info = model.model_fields[name]
    field = TypeAdapter(info.rebuild_annotation())

    assert field.validate_json(json.dumps(example)) is not None


# Schema and models are of one mind.

FUNCTION = "functions: {a: {handler: notes.read}}\n"
ROUTE = "routes: {GET /a: {function: a, auth: none}}\n"

GOOD = [
    "",
    FUNCTION + ROUTE,
    "x-anything: null\nx-more: {a: [1, null]}\n",
    "x-a: &a {handler: notes.read}\nfunctions: {a: *a, b: {<<: *a, memory: 512}}\n",
    "regions: [eu-west-1, us-gov-west-1]\ntags: {team: web, 'a b': ''}\n",
    "functions: {a: {handler: a.b.c, source: lib/x, runtime: python3.12, architecture: x86_64, "
    "memory: 128, timeout: 900, concurrency: 0, storage: 10240, layers: [], tracing: false, "
    "log_retention: 3653, description: ''}}\n",
    "functions: {a: {handler: a.b, environment: {AB: '', CD: 1, EF: [null], GH: {i: null}}}}\n",
    "functions: {a: {handler: a.b, uses: {buckets.x: read, buckets.y: [read], "
    "parameters.z: {verbs: [read]}, buckets.w: {verbs: [read, write], prefix: a/b/}}}}\n",
    "routes: {$default: {function: a, auth: iam}, 'ANY /{all+}': {function: a, auth: jwt.main, "
    "scopes: [a/b], throttle: {rate: 1, burst: 1}}}\n",
    "buckets: {a: {}, b: {encryption: s3, versioned: false, expire_days: 1}, "
    "c: {encryption: {kms: 'arn:aws:kms:eu-west-1:123456789012:key/a'}}, "
    "d: {cors: {origins: ['https://a.example:8443'], methods: [GET], max_age: 0}}}\n",
    "parameters: {a: {}, b: {secret: false, value: x, description: y}}\n",
    "api: {stage: v1, throttle: {rate: 1, burst: 2}, log_retention: 1, cors: {origins: "
    "['http://localhost:3000'], credentials: true, expose: [etag], methods: [GET]}, "
    "authorizers: {main: {issuer: 'https://a.example/', audience: [b]}}}\n",
    # Defaults may bring what an entry has to have.
    "defaults: {routes: {auth: none}}\nroutes: {GET /a: {function: a}}\n",
    "defaults: {routes: {auth: none, function: a}}\nroutes: {GET /a: {}}\n",
    "defaults: {functions: {handler: a.b}}\nfunctions: {a: {}, b: {memory: 512}}\n",
    "defaults: {routes: {throttle: {rate: 1, burst: 2}}}\n"
    "routes: {GET /a: {function: a, auth: none, throttle: {rate: 3}}}\n",
    "defaults: {routes: {throttle: {rate: 1}}}\n"
    "routes: {GET /a: {function: a, auth: none, throttle: {burst: 3}}}\n",
    "defaults: {buckets: {cors: {origins: ['https://a.example']}}}\n"
    "buckets: {a: {cors: {methods: [GET]}}}\n",
    "defaults: {}\n" + FUNCTION,
    "defaults: {functions: {memory: 512}, routes: {}, buckets: {versioned: false}}\n" + FUNCTION,
]

BAD = [
    "service: 3\n", "service: Notes\n", "service: ''\n", f"service: {'a' * 65}\n", "service:\n",
    "service: [a]\n", "service: a--b\n",
    "regions: []\n", "regions: eu-west-1\n", "regions: [eu]\n", "regions: [1]\n", "regions:\n",
    "tags: {'aws:a': b}\n", "tags: {a: 1}\n", "tags: {a: é}\n", "tags: [a]\n",
    "tags: {" + ", ".join(f"t{n}: a" for n in range(41)) + "}\n",
    "unknown: 1\n", "X-a: 1\n", "bucket: {}\n",
    "functions: []\n", "functions:\n", "functions: {a: }\n", "functions: {a: {}}\n",
    "functions: {A: {handler: a.b}}\n", "functions: {a_b: {handler: a.b}}\n",
    *(f"functions: {{a: {{handler: a.b, {field}}}}}\n" for field in (
        "memory: 127", "memory: 10241", "memory: '512'", "memory: 512.5", "memory: true",
        "memory: null", "memry: 512", "timeout: 0", "timeout: [1]", "concurrency: -1",
        "storage: 511", "runtime: nodejs20.x", "architecture: arm", "architecture: 3",
        "source: ../x", "source: /x", "source: ''", "source: a/./b", "tracing: yes", "tracing: 1",
        "log_retention: 2", "log_retention: '30'", "layers: [a]", "layers: {}",
        "environment: {AB: null}", "environment: {A: x}", "environment: {1A: x}",
        "environment: [a]", "environment: null", "uses: {buckets.a: {}}", "uses: {buckets.a: []}",
        "uses: {buckets.a: Read}", "uses: {buckets.a: [Read]}", "uses: {buckets.a: 3}",
        "uses: {buckets.a: {verbs: read}}", "uses: {buckets.a: {verbs: [read], x: 1}}",
        "uses: {buckets.a: {verbs: [read], prefix: '*'}}", "uses: {buckets: read}",
        "uses: {buckets.a: null}", "uses: [buckets.a]", "description: 3",
        f"description: {'x' * 257}", "x-a: 1",
    )),
    "functions: {a: {handler: a}}\n", "functions: {a: {handler: 3}}\n",
    "functions: {a: {handler: a-b.c}}\n", "functions: {a: {handler: null}}\n",
    *(f"routes: {{GET /a: {{function: a, {field}}}}}\n" for field in (
        "auth: no", "auth: jwt", "auth: jwt.A", "auth: null", "memory: 1",
        "auth: none, scopes: a", "auth: none, scopes: ['a b']", "auth: none, throttle: {}",
        "auth: none, throttle: {rate: 1}", "auth: none, throttle: {rate: 0, burst: 1}",
        "auth: none, throttle: 3",
    )),
    "routes: {GET /a: {auth: none}}\n", "routes: {GET /a: {function: a}}\n",
    *(f"routes: {{'{key}': {{function: a, auth: none}}}}\n" for key in (
        "/a", "GET a", "get /a", "GET  /a", "GET /a/", "GET /{a", "GET /{a+}/b", "GET /a b", "",
        "FETCH /a", "$defaults",
    )),
    *(f"buckets: {{a: {{{field}}}}}\n" for field in (
        "encryption: s4", "encryption: {}", "encryption: {kms: x}", "encryption: 3",
        "encryption: null", "encryption: {kms: null}", "versioned: on", "expire_days: 0",
        "expire_days: '3'", "cors: {}", "cors: {origins: ['https://a.example']}",
        "cors: {origins: ['*'], methods: [GET]}", "cors: {origins: [], methods: [GET]}",
        "cors: {origins: ['https://a.example'], methods: [PATCH]}", "public: true",
    )),
    "buckets: {a: s3}\n", "buckets: {a: []}\n",
    "parameters: {a: {value: 3}}\n", "parameters: {a: {value: ''}}\n",
    "parameters: {a: {secret: off}}\n", "parameters: {a: x}\n",
    "api: {stage: a/b}\n", "api: {throttle: {rate: 1}}\n", "api: {throttle: {rate: 1, burst: 0}}\n",
    "api: {cors: {}}\n", "api: {cors: {origins: ['https://a.example/path']}}\n",
    "api: {cors: {origins: ['https://a.example'], headers: ['*']}}\n",
    "api: {authorizers: {main: {issuer: 'http://a.example', audience: [b]}}}\n",
    "api: {authorizers: {main: {issuer: 'https://a.example'}}}\n",
    "api: {authorizers: {main: {issuer: 'https://a.example', audience: []}}}\n",
    "api: {authorizers: {MAIN: {issuer: 'https://a.example', audience: [b]}}}\n",
    "api: []\n", "api:\n",
    # Defaults.
    "defaults: 3\n", "defaults:\n", "defaults: {api: {}}\n", "defaults: {functions: 3}\n",
    "defaults: {functions: {memory: 1}}\n", "defaults: {functions: {memory: null}}\n",
    "defaults: {functions: {memry: 1}}\n",
    "defaults: {routes: {auth: none}}\nroutes: {GET /a: {}}\n",
    "defaults: {functions: {handler: a.b}}\nroutes: {GET /a: {function: a}}\n",
    "defaults: {routes: {auth: maybe}}\nroutes: {GET /a: {function: a}}\n",
    "defaults: {routes: {throttle: {rate: 1}}}\n"
    "routes: {GET /a: {function: a, auth: none, throttle: {rate: 3}}}\n",
]  # fmt: skip

NO_SCHEMA_CAN_SAY = {
    "A whole number written as a fraction: JSON has one kind of number.":
        "functions: {a: {handler: a.b, memory: 512.0}}\n",
    "What defaults complete within a field of several forms (uses, encryption).":
        "defaults: {buckets: {encryption: {kms: 'arn:aws:kms:eu-west-1:123456789012:key/a'}}}\n"
        "buckets: {a: {encryption: {}}}\n",
    "What defaults have in part, where no entry completes it.":
        "defaults: {routes: {auth: none, throttle: {rate: 1}}}\n"
        "routes: {GET /a: {function: a}}\n",
}  # fmt: skip
"""Rules with one document each about which schema and models differ, and why they have to."""


def read(text: str) -> str:
    """A whole document of a part."""
    return text if text.startswith("service") else f"service: notes\n{text}"


def flagged(plain: Plain) -> bool:
    return not VALIDATOR.is_valid(plain)


def verdicts(text: str) -> tuple[bool, list[str]]:
    """Whether the schema flags a document, and what its shape is refused for."""
    source = compose(read(text), "f")
    return flagged(source.root.plain()), [str(each) for each in shape(source, SECTIONS).problems]


@pytest.mark.parametrize("text", GOOD)
def test_the_schema_passes_what_the_models_accept(text: str) -> None:
    assert verdicts(text) == (False, [])


@pytest.mark.parametrize("text", BAD)
def test_the_schema_flags_what_the_models_refuse(text: str) -> None:
    is_flagged, problems = verdicts(text)

    assert is_flagged
    assert problems


@pytest.mark.parametrize("text", NO_SCHEMA_CAN_SAY.values(), ids=NO_SCHEMA_CAN_SAY)
def test_where_schema_and_models_differ(text: str) -> None:
    is_flagged, problems = verdicts(text)

    assert is_flagged != bool(problems)


def test_the_sample_is_fine_in_the_editor() -> None:
    source = compiler.read(ROOT / "services.yaml")

    assert [error.message for error in VALIDATOR.iter_errors(source.root.plain())] == []
