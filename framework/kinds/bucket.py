"""buckets: an S3 bucket that is private, encrypted, versioned, TLS only and tidied up.

In: the `buckets` section. Out: per entry the bucket and a companion resource for each protection.
There is no field that makes a bucket public.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from framework.kinds.api import Header, Origin
from framework.kinds.kind import Context, Grant, Kind, Link, Relaxation, Variable, elsewhere
from framework.kinds.uses import unused
from framework.language.document import Document, Section
from framework.language.fields import Entry, Pattern, Reason
from framework.language.problems import Problem
from framework.plan.iam import VERSION, Statement
from framework.plan.resource import Json, Resource, Value

NAME_LIMIT = 63
"""Characters of a bucket's name (S3 user guide, "Bucket naming rules")."""

UNFINISHED_UPLOAD_DAYS = 7
"""After this an unfinished upload is removed: nobody sees it, and it is paid for."""

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
    """S3 user guide, "Bucket naming rules": prefixes that AWS keeps to itself."""
    if link.document.entries(SECTION) and link.document.service.startswith(
        ("sthree", "amzn-s3-demo")
    ):
        message = "buckets are named after the service, and S3 refuses sthree and amzn-s3-demo"
        yield Problem(message, ("service",), rule="reserved-name")
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
        yield Resource(
            key=context.key(f"buckets.{name}"),
            type="aws:s3/bucket:Bucket",
            inputs={"bucket": bucket_name(context, name)},
            protect=context.document.protect,
            origin=f"buckets.{name}",
        )
        yield from _protections(context, name, bucket)
        yield _lifecycle(context, name, bucket)
        if bucket.cors:
            yield _cors(context, name, bucket.cors)


def _companion(
    context: Context,
    name: str,
    part: str,
    token: str,
    inputs: Mapping[str, Value],
    after: tuple[str, ...] = (),
) -> Resource:
    entry = f"buckets.{name}"
    return Resource(
        key=context.key(entry, part),
        type=f"aws:s3/{token[0].lower()}{token[1:]}:{token}",
        inputs={"bucket": bucket_name(context, name), **inputs},
        after=(context.key(entry), *(context.key(entry, each) for each in after)),
        protect=context.document.protect,
        origin=entry,
    )


def _protections(context: Context, name: str, bucket: Bucket) -> Iterator[Resource]:
    flags = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    yield _companion(
        context, name, "public-access-block", "BucketPublicAccessBlock", dict.fromkeys(flags, True)
    )
    yield _companion(
        context, name, "ownership", "BucketOwnershipControls",
        {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
    )  # fmt: skip
    yield _companion(
        context, name, "encryption", "BucketServerSideEncryptionConfiguration",
        {"rules": [_encryption(bucket.encryption)]},
    )  # fmt: skip
    if bucket.versioned:
        yield _companion(
            context, name, "versioning", "BucketVersioning",
            {"versioningConfiguration": {"status": "Enabled"}},
        )  # fmt: skip
    yield _companion(
        context, name, "policy", "BucketPolicy",
        {"policy": _tls_only(context, name)}, after=("public-access-block", "ownership"),
    )  # fmt: skip


def _encryption(encryption: Encryption) -> dict[str, Value]:
    if encryption.kms is None:
        return {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
    return {
        "applyServerSideEncryptionByDefault": {
            "sseAlgorithm": "aws:kms",
            "kmsMasterKeyId": encryption.kms,
        },
        "bucketKeyEnabled": True,
    }


def _tls_only(context: Context, name: str) -> Json:
    """Security Hub S3.5: requests over plain HTTP are denied, whoever sends them."""
    arn = context.names.bucket_arn(bucket_name(context, name))
    deny: dict[str, Value] = {
        "Sid": "DenyPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return Json({"Version": VERSION, "Statement": [deny]})


def _lifecycle(context: Context, name: str, bucket: Bucket) -> Resource:
    rules: list[Value] = [
        {
            "id": "unfinished-uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": UNFINISHED_UPLOAD_DAYS},
        },
        {
            "id": "old-versions",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "noncurrentVersionExpiration": {"noncurrentDays": bucket.old_versions_days},
            **({} if bucket.expire_days else {"expiration": {"expiredObjectDeleteMarker": True}}),
        },
    ]
    if bucket.expire_days:
        rules.append(
            {
                "id": "expiry",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "expiration": {"days": bucket.expire_days},
            }
        )
    after = ("versioning",) if bucket.versioned else ()
    return _companion(
        context, name, "lifecycle", "BucketLifecycleConfiguration", {"rules": rules}, after
    )


def _cors(context: Context, name: str, cors: BucketCors) -> Resource:
    rule: dict[str, Value] = {
        "allowedOrigins": list(cors.origins),
        "allowedMethods": list(cors.methods),
        "maxAgeSeconds": cors.max_age,
    }
    if cors.headers:
        rule["allowedHeaders"] = list(cors.headers)
    if cors.expose:
        rule["exposeHeaders"] = list(cors.expose)
    return _companion(context, name, "cors", "BucketCorsConfiguration", {"corsRules": [rule]})


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
