"""Errors in the form each service has: XML for S3, JSON with `__type` for SSM."""

from __future__ import annotations

import json
import secrets

from framework.local.http_messages import Request, Response
from framework.local.model import Function, Model
from framework.local.needs import Need
from framework.local.policy import Decision


def denied(
    model: Model, function: Function, need: Need, decision: Decision, service: str
) -> Response:
    """AccessDenied with AWS's own text."""
    text = denial_text(model, function, need, decision, service)
    if service == "s3":
        return of_s3(403, "AccessDenied", text)
    return of_json(400, "AccessDeniedException", text)


def denial_text(
    model: Model, function: Function, need: Need, decision: Decision, service: str
) -> str:
    """Who may not do what, and why, as AWS says it."""
    user = (
        f"arn:{model.partition}:sts::{model.account}:assumed-role/{function.role}/{function.name}"
    )
    reason = decision.value.format(action=need.action)
    because = f"because {reason}" if decision is Decision.UNMENTIONED else f"with {reason}"
    resource = f'"{need.resource}"' if service == "s3" else need.resource
    act = f"{need.action} on resource: {resource}"
    return f"User: {user} is not authorized to perform: {act} {because}"


def unknown_key(service: str) -> Response:
    """The access key belongs to no function of this start."""
    if service == "s3":
        text = "The AWS Access Key Id you provided does not exist in our records."
        return of_s3(403, "InvalidAccessKeyId", text)
    return of_json(
        400, "UnrecognizedClientException", "The security token included in the request is invalid."
    )


def unsupported(what: str, service: str, request: Request) -> Response:
    """A call that the local cloud does not have, in the form of the protocol it came in."""
    text = f"local mode does not have {what}"
    if service == "s3":
        return of_s3(501, "NotImplemented", text)
    if request.joined.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return of_query(501, "NotImplemented", text)
    return of_json(501, "NotImplemented", text)


def failed(service: str) -> Response:
    """The local cloud does not answer."""
    text = "the local cloud does not answer"
    if service == "s3":
        return of_s3(500, "InternalError", text)
    return of_json(500, "InternalServerError", text)


def expired() -> Response:
    """A presigned URL whose time is over."""
    return of_s3(403, "AccessDenied", "Request has expired")


def cors_refused() -> Response:
    """A preflight that no CORS rule of the bucket allows."""
    return of_s3(403, "AccessForbidden", "CORSResponse: This CORS request is not allowed.")


def of_s3(status: int, code: str, text: str) -> Response:
    """An error of S3."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{escape(code)}</Code><Message>{escape(text)}</Message>"
        f"<RequestId>{secrets.token_hex(8).upper()}</RequestId></Error>"
    )
    return Response(status, (("content-type", "application/xml"),), body.encode())


def escape(text: str) -> str:
    """Text as XML holds it."""
    # Imported late: html brings a table of two thousand names, and most starts refuse nothing.
    from html import escape as escape_html

    return escape_html(text, quote=False)


def of_query(status: int, code: str, text: str) -> Response:
    """An error of a service that speaks AWS's query protocol."""
    error = f"<Code>{escape(code)}</Code><Message>{escape(text)}</Message>"
    body = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
    return Response(status, (("content-type", "text/xml"),), body.encode())


def of_json(status: int, error_type: str, text: str) -> Response:
    """An error of a service that speaks JSON."""
    body = json.dumps({"__type": error_type, "message": text})
    headers = (("content-type", "application/x-amz-json-1.1"), ("x-amzn-errortype", error_type))
    return Response(status, headers, body.encode())
