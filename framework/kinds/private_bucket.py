"""A private S3 bucket and the companion of each of its protections, for the kinds that have one.

In: what one bucket is called and how it differs. Out: its resources. Nothing here makes one public.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from framework.kinds.kind import Context
from framework.language.problems import Problem
from framework.plan.iam import VERSION
from framework.plan.resource import Json, Resource, Value

NAME_LIMIT = 63
"""Characters of a bucket's name (S3 user guide, "Bucket naming rules")."""

UNFINISHED_UPLOAD_DAYS = 7
"""After this an unfinished upload is removed: nobody sees it, and it is paid for."""

PROTECTIONS = ("public-access-block", "ownership", "encryption", "policy")
"""The parts of every bucket that have to be there before something is put into it."""


@dataclass(frozen=True, slots=True)
class PrivateBucket:
    """One bucket. `address` is what its keys begin with, `name` what it is called on AWS.

    `kms` is the ARN of a key; without it S3 keeps the key. `emptied` says whether destroying the
    stack deletes what it holds: otherwise AWS refuses to delete a bucket that holds something.
    """

    address: str
    name: str
    origin: str
    versioned: bool = True
    old_versions_days: int = 30
    expire_days: int | None = None
    kms: str | None = None
    protect: bool = False
    emptied: bool = False

    def resources(self, context: Context) -> Iterator[Resource]:
        """The bucket, then its companions."""
        yield Resource(
            key=context.key(self.address),
            type="aws:s3/bucket:Bucket",
            inputs={"bucket": self.name, **({"forceDestroy": True} if self.emptied else {})},
            protect=self.protect,
            origin=self.origin,
        )
        yield from self._protections(context)
        yield self._lifecycle(context)

    def companion(
        self,
        context: Context,
        part: str,
        token: str,
        inputs: Mapping[str, Value],
        after: tuple[str, ...] = (),
    ) -> Resource:
        """A resource that says something of the bucket; `after` are parts of it."""
        return Resource(
            key=context.key(self.address, part),
            type=f"aws:s3/{token[0].lower()}{token[1:]}:{token}",
            inputs={"bucket": self.name, **inputs},
            after=self.keys(context, ("", *after)),
            protect=self.protect,
            origin=self.origin,
        )

    def keys(self, context: Context, parts: tuple[str, ...]) -> tuple[str, ...]:
        """The keys of parts; "" is the bucket itself."""
        return tuple(context.key(self.address, part) for part in parts)

    def _protections(self, context: Context) -> Iterator[Resource]:
        flags = (
            "blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets",
        )  # fmt: skip
        yield self.companion(
            context, "public-access-block", "BucketPublicAccessBlock", dict.fromkeys(flags, True)
        )
        yield self.companion(
            context, "ownership", "BucketOwnershipControls",
            {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        )  # fmt: skip
        yield self.companion(
            context, "encryption", "BucketServerSideEncryptionConfiguration",
            {"rules": [self._encryption()]},
        )  # fmt: skip
        if self.versioned:
            yield self.companion(
                context, "versioning", "BucketVersioning",
                {"versioningConfiguration": {"status": "Enabled"}},
            )  # fmt: skip
        yield self.companion(
            context, "policy", "BucketPolicy",
            {"policy": self._tls_only(context)}, after=("public-access-block", "ownership"),
        )  # fmt: skip

    def _encryption(self) -> dict[str, Value]:
        if self.kms is None:
            return {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
        return {
            "applyServerSideEncryptionByDefault": {
                "sseAlgorithm": "aws:kms",
                "kmsMasterKeyId": self.kms,
            },
            "bucketKeyEnabled": True,
        }

    def _tls_only(self, context: Context) -> Json:
        """Security Hub S3.5: requests over plain HTTP are denied, whoever sends them."""
        arn = context.names.bucket_arn(self.name)
        deny: dict[str, Value] = {
            "Sid": "DenyPlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        return Json({"Version": VERSION, "Statement": [deny]})

    def _lifecycle(self, context: Context) -> Resource:
        after = ("versioning",) if self.versioned else ()
        rules: list[Value] = list(self._rules())
        return self.companion(
            context, "lifecycle", "BucketLifecycleConfiguration", {"rules": rules}, after
        )

    def _rules(self) -> Iterator[Value]:
        marker: dict[str, Value] = {"expiration": {"expiredObjectDeleteMarker": True}}
        yield _rule(
            "unfinished-uploads",
            {"abortIncompleteMultipartUpload": {"daysAfterInitiation": UNFINISHED_UPLOAD_DAYS}},
        )
        yield _rule(
            "old-versions",
            {
                "noncurrentVersionExpiration": {"noncurrentDays": self.old_versions_days},
                **({} if self.expire_days else marker),
            },
        )
        if self.expire_days:
            yield _rule("expiry", {"expiration": {"days": self.expire_days}})


def _rule(name: str, does: Mapping[str, Value]) -> Value:
    return {"id": name, "status": "Enabled", "filter": {"prefix": ""}, **does}


def reserved_names(service: str) -> Iterator[Problem]:
    """S3 user guide, "Bucket naming rules": prefixes that AWS keeps to itself."""
    if service.startswith(("sthree", "amzn-s3-demo")):
        message = "buckets are named after the service, and S3 refuses sthree and amzn-s3-demo"
        yield Problem(message, ("service",), rule="reserved-name")
