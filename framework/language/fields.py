"""The building blocks of entries' models: the base class, and text with a pattern and its meaning.

In: nothing. Out: types that kinds use for their fields. A pattern's one sentence serves the
message, the editor and the reference alike.
"""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class Entry(BaseModel):
    """What one entry of services.yaml may say. Strict, frozen, and no field that is not known.

    Each field's docstring becomes the editor's hover, its `examples` what completion inserts.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Pattern(NamedTuple):
    """Text that matches `regex` as a whole; `meaning` says in a sentence what is right.

    The expression has to mean the same in Python and in JavaScript (with the flag u), because
    editors run it too: no named groups, no \\A and \\Z.
    """

    regex: str
    meaning: str

    def __get_pydantic_core_schema__(
        self, source: type, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {"pattern": self.regex, "patternErrorMessage": self.meaning}

    def checked(self, text: str) -> str:
        """The text itself. Raises pydantic's error with `meaning` where it does not match."""
        if "\n" in text or not re.search(self.regex, text):
            raise PydanticCustomError("pattern", "{meaning}", {"meaning": self.meaning})
        return text


Name: TypeAlias = Annotated[
    str,
    Pattern(
        r"^(?=.{1,64}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        "a name is lower-case words joined by hyphens, at most 64 characters, such as list-notes",
    ),
]
"""The name of a service or of an entry."""

Region: TypeAlias = Annotated[
    str,
    Pattern(r"^[a-z]{2}(-[a-z]+)+-[0-9]$", "a region is written like eu-west-1"),
]

TagKey: TypeAlias = Annotated[
    str,
    Pattern(
        r"^(?![Aa][Ww][Ss]:)(?=.*[^ ])[A-Za-z0-9 _.:/=+@-]{1,128}$",
        "a tag's key is at most 128 letters, digits, blanks and _.:/=+-@, not beginning with aws:",
    ),
]
"""Tagging AWS resources: "Tag naming limits and requirements" (AWS General Reference)."""

TagValue: TypeAlias = Annotated[
    str,
    Pattern(
        r"^[A-Za-z0-9 _.:/=+@-]{0,256}$",
        "a tag's value is at most 256 letters, digits, blanks and _.:/=+-@",
    ),
]

AccountId: TypeAlias = Annotated[
    str,
    Pattern("^[0-9]{12}$", 'an account is twelve digits in quotes, such as "123456789012"'),
]

EnvironmentName: TypeAlias = Annotated[
    str,
    Pattern(
        r"^[A-Za-z0-9_.*-]{1,100}$",
        "an environment is a stack's name or a pattern such as pr-*",
    ),
]
"""Pulumi allows letters, digits, hyphens, underscores and dots in the names of stacks."""

Reason: TypeAlias = Annotated[
    str,
    Field(max_length=500),
    Pattern(r"^.*[^ ].*[^ ].*[^ ].*$", "a reason says why, in a few words"),
]
"""Why a control is turned down, for whoever reads the plan."""
