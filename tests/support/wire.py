"""Property values between Pulumi's protobuf structs and plain Python.

In: a `google.protobuf.Struct` as Pulumi's monitor or a provider receives it. Out: dicts, lists,
strings, ints (whole numbers are never floats), booleans, and small types for what JSON cannot say:
`SecretValue`, `UNKNOWN`, `Asset`, `Archive`, `Reference`. `encode` is the way back. The signatures
are those of Pulumi's property wire format (pulumi/sdk/go/common/resource/properties.go).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol, TypeAlias

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT_VALUE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown(Enum):
    """A value that only the deployment will tell."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN


@dataclass(frozen=True)
class SecretValue:
    """A value that Pulumi encrypts in the state."""

    value: Plain


@dataclass(frozen=True)
class Asset:
    """A file, a text or an address, whichever is not empty; `hash` is the engine's SHA-256."""

    path: str = ""
    text: str = ""
    uri: str = ""
    hash: str = ""


@dataclass(frozen=True)
class Archive:
    """A zip or folder by path or address, or assets by name; `hash` is the engine's SHA-256."""

    path: str = ""
    uri: str = ""
    assets: Mapping[str, Plain] = field(default_factory=dict)
    hash: str = ""


@dataclass(frozen=True)
class Reference:
    """A whole resource passed as an input."""

    urn: str
    id: str = ""


Plain: TypeAlias = (
    "str | int | float | bool | Unknown | SecretValue | Asset | Archive | Reference"
    " | list[Plain] | dict[str, Plain] | None"
)
Properties: TypeAlias = dict[str, Plain]
Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


class WireList(Protocol):
    """The part of `google.protobuf.ListValue` that is read here; protobuf ships no types."""

    @property
    def values(self) -> Sequence[WireValue]: ...


class WireStruct(Protocol):
    """The part of `google.protobuf.Struct` that is read here."""

    @property
    def fields(self) -> Mapping[str, WireValue]: ...


class WireValue(Protocol):
    """The part of `google.protobuf.Value` that is read here."""

    @property
    def bool_value(self) -> bool: ...
    @property
    def number_value(self) -> float: ...
    @property
    def string_value(self) -> str: ...
    @property
    def list_value(self) -> WireList: ...
    @property
    def struct_value(self) -> WireStruct: ...
    def WhichOneof(self, oneof_group: str, /) -> str | None: ...


def decode(struct: WireStruct) -> Properties:
    """The properties of a struct, as plain values."""
    return {key: decode_value(value) for key, value in sorted(struct.fields.items())}


def decode_value(value: WireValue) -> Plain:
    """One protobuf value as a plain value."""
    match value.WhichOneof("kind"):
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return UNKNOWN if value.string_value == UNKNOWN_TEXT else value.string_value
        case "list_value":
            return [decode_value(item) for item in value.list_value.values]
        case "struct_value":
            return _special(decode(value.struct_value))
        case _:
            return None


def _special(properties: Properties) -> Plain:
    match properties.pop(SIGNATURE, None):
        case None:
            return properties
        case str(signature) if signature == SECRET:
            return SecretValue(properties["value"])
        case str(signature) if signature == ASSET:
            return Asset(**_texts(properties, "path", "text", "uri", "hash"))
        case str(signature) if signature == ARCHIVE:
            assets = properties.get("assets")
            texts = _texts(properties, "path", "uri", "hash")
            return Archive(**texts, assets=assets if isinstance(assets, dict) else {})
        case str(signature) if signature == RESOURCE:
            return Reference(**_texts(properties, "urn", "id"))
        case str(signature) if signature == OUTPUT_VALUE:
            value = properties.get("value", UNKNOWN)
            return SecretValue(value) if properties.get("secret") else value
        case other:
            raise ValueError(f"a property value with the unknown signature {other}")


def _texts(properties: Properties, *names: str) -> dict[str, str]:
    return {name: str(properties[name]) for name in names if name in properties}


def encode(properties: Mapping[str, Plain]) -> dict[str, Json]:
    """Properties as the JSON that a protobuf message takes for a struct field."""
    return {key: encode_value(value) for key, value in properties.items()}


def encode_value(value: Plain) -> Json:
    """One plain value as JSON, special types in Pulumi's wire format."""
    match value:
        case Unknown():
            return UNKNOWN_TEXT
        case SecretValue(inner):
            return {SIGNATURE: SECRET, "value": encode_value(inner)}
        case Asset(path, text, uri, hash):
            return _signed(ASSET, {"path": path, "text": text, "uri": uri, "hash": hash})
        case Archive(path, uri, assets, hash):
            signed = _signed(ARCHIVE, {"path": path, "uri": uri, "hash": hash})
            return {**signed, **({"assets": encode(assets)} if assets else {})}
        case Reference(urn, id):
            return _signed(RESOURCE, {"urn": urn, "id": id})
        case list():
            return [encode_value(item) for item in value]
        case dict():
            return encode(value)
        case _:
            return value


def _signed(signature: str, texts: Mapping[str, str]) -> dict[str, Json]:
    return {SIGNATURE: signature, **{name: text for name, text in texts.items() if text}}


def comparable(value: Plain) -> Plain:
    """The value as the engine compares it: without secret marks, hashed files by their hash."""
    match value:
        case SecretValue(inner):
            return comparable(inner)
        case Asset(hash=hash) if hash:
            return Asset(hash=hash)
        case Archive(hash=hash) if hash:
            return Archive(hash=hash)
        case list():
            return [comparable(item) for item in value]
        case dict():
            return {key: comparable(item) for key, item in value.items()}
        case _:
            return value
