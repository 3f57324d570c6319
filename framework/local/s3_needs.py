"""From a request to S3 to the permissions it needs.

In: a path-style REST request. Out: `S3Call`: bucket, key and a tuple of `Need`. A sub-resource that
is not in the tables raises `Unsupported`: what is not known is not let through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from framework.local.http_messages import Request
from framework.local.needs import Need, Unsupported

_OF_BUCKET: Mapping[str, tuple[str, str, str]] = {
    "": ("ListBucket", "CreateBucket", "DeleteBucket"),
    "accelerate": ("GetAccelerateConfiguration", "PutAccelerateConfiguration", ""),
    "acl": ("GetBucketAcl", "PutBucketAcl", ""),
    "cors": ("GetBucketCORS", "PutBucketCORS", "PutBucketCORS"),
    "encryption": (
        "GetEncryptionConfiguration",
        "PutEncryptionConfiguration",
        "PutEncryptionConfiguration",
    ),
    "lifecycle": (
        "GetLifecycleConfiguration",
        "PutLifecycleConfiguration",
        "PutLifecycleConfiguration",
    ),
    "location": ("GetBucketLocation", "", ""),
    "logging": ("GetBucketLogging", "PutBucketLogging", ""),
    "notification": ("GetBucketNotification", "PutBucketNotification", ""),
    "object-lock": ("GetBucketObjectLockConfiguration", "PutBucketObjectLockConfiguration", ""),
    "ownershipControls": (
        "GetBucketOwnershipControls",
        "PutBucketOwnershipControls",
        "PutBucketOwnershipControls",
    ),
    "policy": ("GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"),
    "policyStatus": ("GetBucketPolicyStatus", "", ""),
    "publicAccessBlock": (
        "GetBucketPublicAccessBlock",
        "PutBucketPublicAccessBlock",
        "PutBucketPublicAccessBlock",
    ),
    "replication": (
        "GetReplicationConfiguration",
        "PutReplicationConfiguration",
        "PutReplicationConfiguration",
    ),
    "requestPayment": ("GetBucketRequestPayment", "PutBucketRequestPayment", ""),
    "tagging": ("GetBucketTagging", "PutBucketTagging", "PutBucketTagging"),
    "uploads": ("ListBucketMultipartUploads", "", ""),
    "versioning": ("GetBucketVersioning", "PutBucketVersioning", ""),
    "versions": ("ListBucketVersions", "", ""),
    "website": ("GetBucketWebsite", "PutBucketWebsite", "DeleteBucketWebsite"),
}
"""Sub-resource of a bucket: the actions of GET, PUT and DELETE, empty where there is none."""

_OF_OBJECT: Mapping[str, tuple[str, str, str]] = {
    "": ("GetObject", "PutObject", "DeleteObject"),
    "acl": ("GetObjectAcl", "PutObjectAcl", ""),
    "attributes": ("GetObjectAttributes", "", ""),
    "legal-hold": ("GetObjectLegalHold", "PutObjectLegalHold", ""),
    "retention": ("GetObjectRetention", "PutObjectRetention", ""),
    "tagging": ("GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging"),
    "torrent": ("GetObjectTorrent", "", ""),
    "uploadId": ("ListMultipartUploadParts", "PutObject", "AbortMultipartUpload"),
}
"""Sub-resource of an object: the actions of GET, PUT and DELETE, empty where there is none."""

_POSTS = {"uploads": "PutObject", "uploadId": "PutObject", "restore": "RestoreObject"}
_METHODS = {"GET": 0, "HEAD": 0, "PUT": 1, "DELETE": 2}
_WITH_VERSIONS = frozenset(
    {"GetObject", "DeleteObject", "GetObjectAcl", "PutObjectAcl", "GetObjectTagging"}
    | {"PutObjectTagging", "DeleteObjectTagging", "GetObjectAttributes", "GetObjectTorrent"}
)
_NO_SUB_RESOURCE = frozenset(
    {"prefix", "delimiter", "marker", "max-keys", "list-type", "continuation-token"}
    | {"start-after", "fetch-owner", "encoding-type", "key-marker", "version-id-marker"}
    | {"upload-id-marker", "max-uploads", "part-number-marker", "max-parts", "versionId"}
    | {"partNumber", "awsaccesskeyid", "signature", "expires", "optional-object-attributes"}
)
_NO_SUB_RESOURCE_PREFIXES = ("x-", "response-")
_CONDITIONS = {"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys"}


class S3Call(NamedTuple):
    """A request to S3. `deletes` is true for DeleteObjects, whose keys stand in its body."""

    bucket: str
    key: str
    needs: tuple[Need, ...]
    deletes: bool = False

    @property
    def reads_an_object(self) -> bool:
        """Whether a missing object shows in the answer."""
        return bool(self.key) and self.needs[0].action.startswith("s3:GetObject")


def read(request: Request, partition: str) -> S3Call:
    """What a request to S3 is about and needs. Raises `Unsupported`."""
    bucket, _, key = request.path.removeprefix("/").partition("/")
    bucket, key = unquote(bucket), unquote(key)
    pairs = parse_qsl(request.query, keep_blank_values=True)
    query = dict(pairs)
    if len(query) < len(pairs):
        # What is judged and what is done have to read the same one of them.
        raise Unsupported("S3 with a query parameter twice")
    arn = f"arn:{partition}:s3:::{bucket}"
    if not bucket:
        return S3Call("", "", (Need("s3:ListAllMyBuckets", "*"),))
    if not key:
        if request.method == "POST" and "delete" in query:
            return S3Call(bucket, "", (), deletes=True)
        return S3Call(bucket, "", (_of_bucket(request, query, arn),))
    needs = _of_object(request, query, arn, key, partition)
    return S3Call(bucket, key, tuple(needs))


def _of_bucket(request: Request, query: Mapping[str, str], arn: str) -> Need:
    action = _action(request, query, _OF_BUCKET)
    context = {_CONDITIONS[name]: query[name] for name in _CONDITIONS if name in query}
    return Need(f"s3:{action}", arn, context)


def _of_object(
    request: Request, query: Mapping[str, str], arn: str, key: str, partition: str
) -> Iterator[Need]:
    action = _action(request, query, _OF_OBJECT)
    version = query.get("versionId")
    yield Need(f"s3:{_with_version(action, version)}", f"{arn}/{key}")
    headers = request.joined
    if action == "GetObjectAttributes":
        yield Need(f"s3:{_with_version('GetObject', version)}", f"{arn}/{key}")
    if source := headers.get("x-amz-copy-source"):
        path, _, rest = source.partition("?")
        copied = f"arn:{partition}:s3:::{unquote(path).removeprefix('/')}"
        copied_version = rest.removeprefix("versionId=") or None
        yield Need(f"s3:{_with_version('GetObject', copied_version)}", copied)
    if action == "PutObject" and "x-amz-acl" in headers:
        yield Need("s3:PutObjectAcl", f"{arn}/{key}")
    if action == "PutObject" and "x-amz-tagging" in headers:
        yield Need("s3:PutObjectTagging", f"{arn}/{key}")


def _with_version(action: str, version: str | None) -> str:
    """Versions have actions of their own: GetObjectVersion, GetObjectVersionAcl."""
    if version is None or action not in _WITH_VERSIONS:
        return action
    return action.replace("Object", "ObjectVersion", 1)


def _action(
    request: Request, query: Mapping[str, str], table: Mapping[str, tuple[str, str, str]]
) -> str:
    sub_resource = _sub_resource(query)
    if request.method == "POST":
        action = _POSTS.get(sub_resource, "") if table is _OF_OBJECT else ""
    else:
        column = _METHODS.get(request.method, -1)
        action = table.get(sub_resource, ("", "", ""))[column] if column >= 0 else ""
    if not action:
        what = f"?{sub_resource}" if sub_resource else "request"
        raise Unsupported(f"S3's {request.method} {what}")
    return action


def _sub_resource(query: Mapping[str, str]) -> str:
    """The query parameter that says what of a bucket or an object is meant."""
    for name in query:
        lower = name.lower()
        plain = name in _NO_SUB_RESOURCE or lower in _NO_SUB_RESOURCE
        if not plain and not lower.startswith(_NO_SUB_RESOURCE_PREFIXES):
            return name
    return ""
