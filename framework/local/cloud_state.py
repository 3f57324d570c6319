"""What the local cloud holds, in a file: buckets with every version, and parameters.

In: clients of a running moto. Out: a zip, written whole or not at all, with mode 0600, for values
are in it as they are. Version ids and dates are new after `load`; unfinished uploads and the
history of parameters are not kept.

    manifest.json   {"format": 1, "buckets": [a bucket's seed and "versions"],
                     "parameters": [a parameter's seed and "current"]}
    objects/0 ...   the bodies that the versions name
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypedDict, cast
from urllib.parse import urlencode

from framework.local.cloud_contents import (
    BucketSeed,
    Contents,
    ParameterSeed,
    make_bucket,
    make_parameter,
    set_versioning,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import PutObjectRequestTypeDef
    from mypy_boto3_ssm import SSMClient

FORMAT = 1
MANIFEST = "manifest.json"

KEPT = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Metadata",
    "WebsiteRedirectLocation",
)
"""What is kept of an object besides its body and its tags: GetObject's and PutObject's names."""


class Unreadable(Exception):
    """The file is no state of this format, or damaged."""


class Version(TypedDict):
    """One version of an object; `body` names a file of the zip, None is a delete marker."""

    key: str
    body: str | None
    fields: dict[str, object]
    tags: dict[str, str]


class Bucket(BucketSeed):
    """A bucket with all its versions, of each key the oldest first."""

    versions: list[Version]


class Parameter(ParameterSeed):
    """A parameter; `value` is what it was given last from outside, `current` what it is."""

    current: str


class Manifest(TypedDict):
    """Everything but the bodies."""

    format: int
    buckets: list[Bucket]
    parameters: list[Parameter]


class Clients(Protocol):
    """Ways to the running cloud."""

    def s3(self, region: str) -> S3Client:
        """A client of S3."""
        ...

    def ssm(self, region: str) -> SSMClient:
        """A client of SSM."""
        ...


def check(file: Path) -> None:
    """Whether the file can be loaded, every byte of it. Raises `Unreadable`."""
    try:
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
            _manifest(archive)
    except (OSError, zipfile.BadZipFile, ValueError, KeyError) as error:
        raise Unreadable(str(error)) from None
    if damaged:
        raise Unreadable(f"{damaged} is damaged")


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    manifest = json.loads(archive.read(MANIFEST))
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ValueError("it is of another format")
    return cast("Manifest", manifest)


def load(file: Path, clients: Clients) -> Manifest:
    """Put everything back; what that was."""
    with zipfile.ZipFile(file) as archive:
        manifest = _manifest(archive)
        for bucket in manifest["buckets"]:
            _load_bucket(clients.s3(bucket["region"]), bucket, archive)
    for parameter in manifest["parameters"]:
        make_parameter(clients.ssm(parameter["region"]), parameter, parameter["current"])
    return manifest


def _load_bucket(s3: S3Client, bucket: Bucket, archive: zipfile.ZipFile) -> None:
    make_bucket(s3, bucket)
    set_versioning(s3, bucket)
    for version in bucket["versions"]:
        if version["body"] is None:
            s3.delete_object(Bucket=bucket["name"], Key=version["key"])
        else:
            _load_object(s3, bucket["name"], version, archive.read(version["body"]))


def _load_object(s3: S3Client, bucket: str, version: Version, body: bytes) -> None:
    request = {
        **version["fields"],
        "Bucket": bucket,
        "Key": version["key"],
        "Body": body,
        "Tagging": urlencode(version["tags"]),
    }
    s3.put_object(**cast("PutObjectRequestTypeDef", request))


def save(file: Path, clients: Clients, contents: Contents) -> None:
    """Write what the buckets and parameters of `contents` hold now. Raises `OSError`."""
    handle, name = tempfile.mkstemp(dir=file.parent)
    try:
        with (
            os.fdopen(handle, "wb") as stream,
            zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        ):
            manifest = {
                "format": FORMAT,
                "buckets": list(_saved_buckets(clients, contents, archive)),
                "parameters": list(_saved_parameters(clients, contents)),
            }
            archive.writestr(MANIFEST, json.dumps(manifest))
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink()
        raise


def _saved_buckets(
    clients: Clients, contents: Contents, archive: zipfile.ZipFile
) -> Iterator[Bucket]:
    names = (f"objects/{number}" for number in count())
    for bucket in contents["buckets"]:
        s3 = clients.s3(bucket["region"])
        versions = list(_saved_versions(s3, bucket["name"], archive, names))
        yield {**bucket, "versions": versions}


def _saved_versions(
    s3: S3Client, bucket: str, archive: zipfile.ZipFile, names: Iterator[str]
) -> Iterator[Version]:
    for key, identifier, marker in _listed(s3, bucket):
        if marker:
            yield {"key": key, "body": None, "fields": {}, "tags": {}}
            continue
        found = s3.get_object(Bucket=bucket, Key=key, VersionId=identifier)
        tags = s3.get_object_tagging(Bucket=bucket, Key=key, VersionId=identifier)["TagSet"]
        body = next(names)
        archive.writestr(body, found["Body"].read())
        fields = {name: value for name, value in found.items() if name in KEPT}
        named = {tag["Key"]: tag["Value"] for tag in tags}
        yield {"key": key, "body": body, "fields": fields, "tags": named}


def _listed(s3: S3Client, bucket: str) -> list[tuple[str, str, bool]]:
    """Key, version id and whether it is a delete marker, of each key the oldest first."""
    found = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for marker, each in (
            *((False, each) for each in page.get("Versions", ())),
            *((True, each) for each in page.get("DeleteMarkers", ())),
        ):
            order = (each["Key"], each["LastModified"], each["IsLatest"])
            found.append((order, each["VersionId"], marker))
    return [(order[0], identifier, marker) for order, identifier, marker in sorted(found)]


def _saved_parameters(clients: Clients, contents: Contents) -> Iterator[Parameter]:
    for parameter in contents["parameters"]:
        ssm = clients.ssm(parameter["region"])
        found = ssm.get_parameter(Name=parameter["name"], WithDecryption=True)["Parameter"]
        yield {**parameter, "type": found["Type"], "current": found["Value"]}
