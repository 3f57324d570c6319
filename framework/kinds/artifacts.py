"""Packages that Lambda fetches from a bucket: the bucket, and an object for each package.

In: the packages that functions want fetched. Out: in each region one private bucket of the service,
one object for each package, and what a function's inputs say instead of its code.

An object's key holds the SHA-256 of the package: another content is another object, which is there
before any function is told of it, and equal content is uploaded once. Objects are retained, because
the provider deletes an object with every version of its key. After a deployment that failed
half-way the old object waits to be deleted; going back to its content writes the same key again,
and the deletion at the end would take that too. So what no function runs any more stays until the
bucket goes.
Destroying the stack empties the bucket, as it does with no other: all of it can be built again.

Lambda reads the object with the permissions of whoever creates or updates the function, so the
bucket's policy lets nobody in ("Your access has been denied by S3, please make sure your request
credentials have permission to GetObject", as its error message says), and the bucket is in the
function's own region (Lambda API, FunctionCode: S3Bucket).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from framework.kinds.kind import Context
from framework.kinds.private_bucket import NAME_LIMIT, PROTECTIONS, PrivateBucket
from framework.plan.resource import Code, CodeFile, CodeKey, Resource, Value

ADDRESS = "functions/artifacts"
"""Begins the keys of the bucket and the objects, which belong to the functions together."""


def bucket_name(context: Context) -> str:
    """The physical name. Only here do two hyphens stand together, so it is no other bucket's."""
    return context.names.worldwide("-artifacts", NAME_LIMIT)


def fetched(context: Context, code: Code) -> dict[str, Value]:
    """The inputs of a function whose package Lambda fetches."""
    return {"s3Bucket": bucket_name(context), "s3Key": CodeKey(code)}


def object_key(context: Context, code: Code) -> str:
    """The key, in the plan, of the object that holds a package."""
    return context.key(ADDRESS, CodeKey(code).folder)


def resources(context: Context, codes: Iterable[Code]) -> Iterator[Resource]:
    """The bucket with its protections and the objects; nothing where there are no packages."""
    distinct = tuple(dict.fromkeys(codes))
    if not distinct:
        return
    bucket = PrivateBucket(ADDRESS, bucket_name(context), origin="functions", emptied=True)
    yield from bucket.resources(context)
    for code in distinct:
        yield _object(context, bucket, code)


def _object(context: Context, bucket: PrivateBucket, code: Code) -> Resource:
    return Resource(
        key=object_key(context, code),
        type="aws:s3/bucketObjectv2:BucketObjectv2",
        inputs={
            "bucket": bucket.name,
            "key": CodeKey(code),
            "source": CodeFile(code),
            # An object takes ten tags, and a stack's may be more (S3 user guide, "Object tags").
            "overrideProvider": {"defaultTags": {"tags": {}}},
        },
        after=bucket.keys(context, ("", *PROTECTIONS, "versioning")),
        retain=True,
        origin=bucket.origin,
    )
