"""buckets: an S3 bucket that is private, encrypted, versioned, TLS only and tidied up.

In: the `buckets` section. Out: per entry the bucket, a companion resource for each protection, and
one for CORS where pages use the bucket. There is no field that makes a bucket public.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from framework.kinds.api import Header, Origin
from framework.kinds.kind import Context, Grant, Kind, Link, Relaxation, Variable, elsewhere
from framework.kinds.private_bucket import NAME_LIMIT, PrivateBucket, reserved_names
from framework.kinds.uses import unused
from framework.language.document import Document, Section
from framework.language.fields import Entry, Pattern, Reason
from framework.language.problems import Problem
from framework.plan.iam import Statement
from framework.plan.resource import Resource, Value

KeyArn: TypeAlias = Annotated[
    str,
    Pattern(
        r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$",
        "a key is the ARN of a KMS key, such as arn:aws:kms:eu-west-1:123456789012:key/...",
    ),
]

S3Method: TypeAlias = Literal["GET", "PUT", "POST", "DELETE", "HEAD"]


class Encryption(Entry):
    """How objects are encrypted: s3, or {kms: the ARN of a key}."""

    kms: Annotated[
        KeyArn | None, Field(examples=["arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d"])
    ] = None
    """The KMS key. Functions that use the bucket are granted its use."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        if value == "s3":
            return {}
        if isinstance(value, dict) and value:
            return value
        raise PydanticCustomError("pattern", "{meaning}", {"meaning": _ENCRYPTION})

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        whole = handler.resolve_ref_schema(handler(schema)) | {"required": ["kms"]}
        return {"anyOf": [whole, {"type": "string", "enum": ["s3"]}]}


_ENCRYPTION = "encryption is s3, or {kms: ARN of a key}"


class BucketCors(Entry):
    """Which web pages may use the bucket with presigned URLs."""

    origins: Annotated[
        tuple[Origin, ...], Field(min_length=1, examples=[["https://notes.example.com"]])
    ]
    """The origins of those pages, each written out: never *."""

    methods: Annotated[tuple[S3Method, ...], Field(min_length=1, examples=[["GET", "PUT"]])]
    """Methods they may use."""

    headers: Annotated[tuple[Header, ...], Field(examples=[["content-type"]])] = ()
    """Request headers they may send."""

    expose: Annotated[tuple[Header, ...], Field(examples=[["etag"]])] = ()
    """Response headers they may read."""

    max_age: Annotated[int, Field(ge=0, le=86_400, examples=[600])] = 300
    """Seconds that browsers remember the answer."""


class Bucket(Entry):
    """A private S3 bucket."""

    versioned: Annotated[bool, Field(examples=[False])] = True
    """Whether overwritten and deleted objects are kept for old_versions_days."""

    expire_days: Annotated[int, Field(ge=1, le=36_500, examples=[365])] | None = None
    """Days after which objects are deleted. Without it they stay."""

    old_versions_days: Annotated[int, Field(ge=1, le=36_500, examples=[90])] = 30
    """Days that old versions of objects are kept."""

    encryption: Annotated[Encryption, Field(examples=["s3"])] = Encryption(kms=None)
    """s3 (AWS keeps the key), or {kms: ARN} for a key of your own."""

    cors: BucketCors | None = None
    """Which web pages may use the bucket with presigned URLs. Without it none may."""

    reason: Annotated[Reason | None, Field(examples=["everything in it can be made again"])] = None
    """Why objects are not versioned."""


SECTION = Section("buckets", Bucket, "Private S3 buckets by name.", defaults=True)


def bucket_name(context: Context, entry: str) -> str:
    """The physical name of a bucket: unique in all of AWS."""
    return context.names.worldwide(entry, NAME_LIMIT)


def _check(link: Link) -> Iterator[Problem]:
    if link.document.entries(SECTION):
        yield from reserved_names(link.document.service)
    yield from unused(link, SECTION.name)


def _fits(context: Context) -> Iterator[Problem]:
    for name, bucket in context.document.entries(SECTION).items():
        if bucket.encryption.kms:
            path = ("buckets", name, "encryption", "kms")
            yield from elsewhere(context, bucket.encryption.kms, path)


def _relaxed(document: Document) -> Iterator[Relaxation]:
    for name, bucket in document.entries(SECTION).items():
        if not bucket.versioned:
            what = "objects that are overwritten or deleted are gone"
            yield Relaxation(("buckets", name, "versioned"), what, bucket.reason)


def _build(context: Context) -> Iterator[Resource]:
    for name, bucket in context.document.entries(SECTION).items():
        private = PrivateBucket(
            address=f"buckets.{name}",
            name=bucket_name(context, name),
            origin=f"buckets.{name}",
            versioned=bucket.versioned,
            old_versions_days=bucket.old_versions_days,
            expire_days=bucket.expire_days,
            kms=bucket.encryption.kms,
            protect=context.document.protect,
        )
        yield from private.resources(context)
        if bucket.cors:
            yield _cors(context, private, bucket.cors)


def _cors(context: Context, bucket: PrivateBucket, cors: BucketCors) -> Resource:
    rule: dict[str, Value] = {
        "allowedOrigins": list(cors.origins),
        "allowedMethods": list(cors.methods),
        "maxAgeSeconds": cors.max_age,
    }
    if cors.headers:
        rule["allowedHeaders"] = list(cors.headers)
    if cors.expose:
        rule["exposeHeaders"] = list(cors.expose)
    return bucket.companion(context, "cors", "BucketCorsConfiguration", {"corsRules": [rule]})


def _objects(*actions: str, key_actions: tuple[str, ...] = ()) -> Grant:
    def grant(context: Context, name: str, prefix: str) -> Iterator[Statement]:
        arn = context.names.bucket_arn(bucket_name(context, name))
        yield Statement(actions, (f"{arn}/{prefix}*",))
        kms = context.document.entries(SECTION)[name].encryption.kms
        if kms and key_actions:
            yield Statement(key_actions, (kms,))

    return grant


def _list(context: Context, name: str, prefix: str) -> Iterator[Statement]:
    arn = context.names.bucket_arn(bucket_name(context, name))
    narrowed = (("StringLike", "s3:prefix", (f"{prefix}*",)),) if prefix else ()
    yield Statement(("s3:ListBucket",), (arn,), narrowed)


def _outputs(context: Context) -> Mapping[str, Value]:
    names = {name: bucket_name(context, name) for name in context.document.entries(SECTION)}
    return {"buckets": names} if names else {}


KIND = Kind(
    SECTION,
    build=_build,
    check=_check,
    fits=_fits,
    outputs=_outputs,
    relaxed=_relaxed,
    grants={
        "read": _objects("s3:GetObject", key_actions=("kms:Decrypt",)),
        "list": _list,
        "write": _objects(
            "s3:AbortMultipartUpload",
            "s3:PutObject",
            key_actions=("kms:Decrypt", "kms:GenerateDataKey"),
        ),
        "delete": _objects("s3:DeleteObject"),
    },
    variable=Variable("BUCKET", bucket_name),
    prefixes=True,
)
