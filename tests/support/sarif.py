"""The part of SARIF 2.1.0 that `services validate --format sarif` uses, as a JSON schema.

Stricter than OASIS's own schema: nothing but what is named here may be there.
"""

from __future__ import annotations

from collections.abc import Mapping


def exactly(**fields: object) -> dict[str, object]:
    """The schema of an object with these fields, all of them and no others."""
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def each(items: object, **more: object) -> dict[str, object]:
    """The schema of a list."""
    return {"type": "array", "items": items, **more}


TEXT = {"type": "string", "minLength": 1}
MESSAGE = exactly(text=TEXT)
FROM_ONE = {"type": "integer", "minimum": 1}

# 3.49: a rule, by its stable id.
RULE = exactly(id=TEXT, shortDescription=MESSAGE, fullDescription=MESSAGE, help=MESSAGE)

# 3.30: lines and columns count from 1, the end column is the one after the last.
REGION = exactly(startLine=FROM_ONE, startColumn=FROM_ONE, endLine=FROM_ONE, endColumn=FROM_ONE)

# 3.4.3: a URI of RFC 3986, so with nothing in it that has to be encoded.
URI = {"type": "string", "pattern": r"^(file:///)?(%[0-9A-F]{2}|[A-Za-z0-9._~/-])+$"}

LOCATION = exactly(
    physicalLocation=exactly(artifactLocation=exactly(uri=URI), region=REGION),
)

RESULT = exactly(
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level={"enum": ["error", "warning"]},
    message=MESSAGE,
    locations=each(LOCATION, minItems=1, maxItems=1),
)

RUN = exactly(
    tool=exactly(
        driver=exactly(
            name={"const": "pulumi-services"},
            version=TEXT,
            rules=each(RULE, uniqueItems=True),
        )
    ),
    columnKind={"const": "unicodeCodePoints"},
    results=each(RESULT),
)

SARIF: Mapping[str, object] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {
        "$schema": {"type": "string", "pattern": "^https://.+/sarif-schema-2.1.0.json$"},
        "version": {"const": "2.1.0"},
        "runs": each(RUN, minItems=1, maxItems=1),
    },
    "required": ["$schema", "version", "runs"],
    "additionalProperties": False,
}
"""The schema of the whole log."""
