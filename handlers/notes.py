"""Notes in an S3 bucket: the four Lambda functions of the sample service, one for each route.

In: events of an API Gateway HTTP API (payload format 2.0). Out: JSON, also for every refusal.
A note is one object: its key is the note's id, its body the text, and its metadata the HMAC-SHA256
of both, made with a key that only the functions reading and writing notes may fetch.

What services.yaml declares arrives in the environment as text:
NOTES_BUCKET             the bucket's name
SIGNING_KEY_PARAMETER    the name of the parameter that holds the key, never the key
PAGE_TITLE_PARAMETER     the name of the parameter that holds the list's title
PAGE_SIZE                notes on one page of the list, at most 1,000 (S3's limit)
LIMITS                   a map, hence JSON: {"max_bytes": the longest text in UTF-8}
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING

import boto3
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import (
    BadRequestError,
    InternalServerError,
    NotFoundError,
)
from aws_lambda_powertools.utilities.parameters import get_parameter
from aws_lambda_powertools.utilities.typing import LambdaContext

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2RequestTypeDef

NOTE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

logger = logging.getLogger(__name__)

# A resolver for each function: which path leads to it is said in services.yaml, and there alone.
listing, reading, writing, deleting = (APIGatewayHttpResolver() for _ in range(4))


@listing.get(".+")
def list_page() -> dict[str, object]:
    """One page of ids, in order. `?after=` takes the `next` of the page before."""
    request: ListObjectsV2RequestTypeDef = {
        "Bucket": os.environ["NOTES_BUCKET"],
        "MaxKeys": int(os.environ["PAGE_SIZE"]),
    }
    if after := listing.current_event.query_string_parameters.get("after"):
        request["StartAfter"] = checked_id(after)
    page = s3().list_objects_v2(**request)
    ids = [item["Key"] for item in page.get("Contents", [])]
    title = get_parameter(os.environ["PAGE_TITLE_PARAMETER"])
    return {"title": title, "notes": ids, "next": ids[-1] if page["IsTruncated"] else None}


@reading.get(".+")
def read() -> dict[str, object]:
    """The note, if it is still as it was written: a changed one is our fault, not the caller's."""
    note_id = id_of(reading)
    try:
        note = s3().get_object(Bucket=os.environ["NOTES_BUCKET"], Key=note_id)
    # S3 says so only to those who may also list; for others a missing note is AccessDenied.
    except s3().exceptions.NoSuchKey:
        raise NotFoundError(f"there is no note '{note_id}'") from None
    text = note["Body"].read()
    found = note["Metadata"].get("signature", "")
    if not hmac.compare_digest(found.encode(), signature(note_id, text).encode()):
        logger.error("the signature of note '%s' does not fit its text", note_id)
        raise InternalServerError(f"note '{note_id}' was changed from outside")
    return {"id": note_id, "text": text.decode()}


@writing.put(".+")
def write() -> dict[str, object]:
    """Write the note, new or not, and answer it as reading would."""
    note_id, text = id_of(writing), checked_text()
    s3().put_object(
        Bucket=os.environ["NOTES_BUCKET"],
        Key=note_id,
        Body=text,
        ContentType="text/plain; charset=utf-8",
        Metadata={"signature": signature(note_id, text)},
    )
    return {"id": note_id, "text": text.decode()}


@deleting.delete(".+")
def delete() -> Response[str]:
    """Delete the note. Also fine where there is none: S3 does not tell, and no more is granted."""
    s3().delete_object(Bucket=os.environ["NOTES_BUCKET"], Key=id_of(deleting))
    return Response(HTTPStatus.NO_CONTENT)


def id_of(app: APIGatewayHttpResolver) -> str:
    """The id in the request's path, whatever comes before it, or a 400."""
    return checked_id(app.current_event.path_parameters.get("id", ""))


def checked_id(note_id: str) -> str:
    """The id itself, or a 400."""
    if not NOTE_ID.fullmatch(note_id):
        raise BadRequestError("an id is 1 to 64 of a-z, 0-9 and '-', and does not begin with '-'")
    return note_id


def checked_text() -> bytes:
    """The text in the request's body, in UTF-8, or a 400."""
    text = None
    # Not base64, not UTF-8, not JSON, or nested without end: all of it is the caller's mistake.
    with suppress(ValueError, RecursionError):
        match writing.current_event.json_body:
            case {"text": str(content)}:
                text = content.encode()
    if text is None:
        raise BadRequestError('the body must be JSON like {"text": "..."}')
    max_bytes: int = json.loads(os.environ["LIMITS"])["max_bytes"]
    if len(text) > max_bytes:
        raise BadRequestError(f"the text has {len(text)} bytes, at most {max_bytes} are allowed")
    return text


def signature(note_id: str, text: bytes) -> str:
    """HMAC-SHA256 of id and text in hexadecimal. The id is in it, so notes cannot be swapped."""
    # Powertools keeps the decrypted key for five minutes, in memory only.
    key = get_parameter(os.environ["SIGNING_KEY_PARAMETER"], decrypt=True)
    return hmac.new(key.encode(), note_id.encode() + b"\n" + text, "sha256").hexdigest()


@cache
def s3() -> S3Client:
    """Made at the first request and kept. Region, credentials and endpoint: the environment's."""
    return boto3.client("s3")


# What Lambda calls: one function a route, each with a role that allows only what its route needs.


def list_notes(event: Mapping[str, object], context: LambdaContext) -> dict[str, object]:
    """GET /notes"""
    return listing.resolve(event, context)


def read_note(event: Mapping[str, object], context: LambdaContext) -> dict[str, object]:
    """GET /notes/{id}"""
    return reading.resolve(event, context)


def write_note(event: Mapping[str, object], context: LambdaContext) -> dict[str, object]:
    """PUT /notes/{id}"""
    return writing.resolve(event, context)


def delete_note(event: Mapping[str, object], context: LambdaContext) -> dict[str, object]:
    """DELETE /notes/{id}"""
    return deleting.resolve(event, context)
