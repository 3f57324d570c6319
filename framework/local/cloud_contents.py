"""What the local cloud holds, and how each of it is made in moto.

Imports nothing else of this project: the process of the cloud reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, cast

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import BucketLocationConstraintType, BucketVersioningStatusType
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.literals import ParameterTypeType


class BucketSeed(TypedDict):
    """A bucket to make."""

    entry: str
    region: str
    name: str
    versioned: bool


class ParameterSeed(TypedDict):
    """A parameter to make."""

    entry: str
    region: str
    name: str
    type: str
    value: str


class Contents(TypedDict):
    """What the cloud has to hold."""

    buckets: list[BucketSeed]
    parameters: list[ParameterSeed]


def make_bucket(s3: S3Client, bucket: BucketSeed) -> None:
    """Make one bucket."""
    region = s3.meta.region_name
    if region == "us-east-1":
        s3.create_bucket(Bucket=bucket["name"])
    else:
        place = cast("BucketLocationConstraintType", region)
        s3.create_bucket(
            Bucket=bucket["name"], CreateBucketConfiguration={"LocationConstraint": place}
        )


def set_versioning(s3: S3Client, bucket: BucketSeed) -> None:
    """Turn versioning on or off."""
    status: BucketVersioningStatusType = "Enabled" if bucket["versioned"] else "Suspended"
    if bucket["versioned"] or s3.get_bucket_versioning(Bucket=bucket["name"]).get("Status"):
        s3.put_bucket_versioning(Bucket=bucket["name"], VersioningConfiguration={"Status": status})


def make_parameter(ssm: SSMClient, parameter: ParameterSeed, value: str) -> None:
    """Make one parameter, or give it another value."""
    ssm.put_parameter(
        Name=parameter["name"],
        Type=cast("ParameterTypeType", parameter["type"]),
        Value=value,
        Overwrite=True,
    )
