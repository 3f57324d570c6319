"""From a request to the event of a Lambda integration, payload format 2.0.

In: a `Request`, the route that takes it, what the authorizer found. Out: a dict that is the event.
Source: API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs"; what it
leaves open is as recorded from AWS: `rawPath` decoded, the cookie header only as `cookies`, a
content-length always, 0 where nothing was sent.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, unquote

from framework.local.http_messages import Request
from framework.local.ids import trace_id
from framework.local.model import Model
from framework.local.router import Match

_TEXT_TYPES = frozenset({"application/json", "application/javascript", "application/xml"})
_NOT_PASSED_ON = frozenset({"connection", "cookie", "keep-alive", "transfer-encoding", "upgrade"})
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def of_request(
    request: Request,
    match: Match,
    model: Model,
    request_id: str,
    authorizer: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """The event for one request; keys that have nothing to say are absent, as on AWS."""
    path = unquote(request.path)
    event: dict[str, object] = {
        "version": "2.0",
        "routeKey": match.route.key,
        "rawPath": path,
        "rawQueryString": request.query,
    }
    if cookies := _cookies(request):
        event["cookies"] = cookies
    event["headers"] = headers(request)
    if query := _query(request):
        event["queryStringParameters"] = query
    event["requestContext"] = _context(request, path, match, model, request_id, authorizer)
    if match.parameters:
        event["pathParameters"] = dict(match.parameters)
    if request.body:
        event.update(_body(request))
    else:
        event["isBase64Encoded"] = False
    return event


def headers(request: Request) -> dict[str, str]:
    """Names in lower case, values joined by a comma, with those that API Gateway adds."""
    headers = {name: value for name, value in request.joined.items() if name not in _NOT_PASSED_ON}
    headers["content-length"] = str(len(request.body))
    headers.setdefault("x-amzn-trace-id", trace_id())
    forwarded = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = f"{forwarded}, {request.source}" if forwarded else request.source
    headers["x-forwarded-port"] = str(request.port)
    headers["x-forwarded-proto"] = "http"
    return headers


def _cookies(request: Request) -> list[str]:
    if "cookie" not in request.joined:
        return []
    values = [cookie.strip() for header in request.all("cookie") for cookie in header.split(";")]
    return [cookie for cookie in values if cookie]


def _query(request: Request) -> dict[str, str]:
    joined: dict[str, str] = {}
    if not request.query:
        return joined
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _context(
    request: Request,
    path: str,
    match: Match,
    model: Model,
    request_id: str,
    authorizer: Mapping[str, object] | None,
) -> dict[str, object]:
    now = time.time()
    api = model.api
    headers = request.joined
    return {
        "accountId": model.account,
        "apiId": api.id if api else "",
        **({"authorizer": authorizer} if authorizer else {}),
        "domainName": headers.get("host", ""),
        "domainPrefix": api.id if api else "",
        "http": {
            "method": request.method,
            "path": path,
            "protocol": request.protocol,
            "sourceIp": request.source,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": match.route.key,
        "stage": api.stage if api else "",
        "time": common_log_time(int(now)),
        "timeEpoch": int(now * 1000),
    }


def iam_identity(model: Model, access_key: str, user: str) -> Mapping[str, object]:
    """`requestContext.authorizer.iam` for a user of the account."""
    return {
        "accessKey": access_key,
        "accountId": model.account,
        "callerId": user,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": f"arn:{model.partition}:iam::{model.account}:user/{user}",
        "userId": user,
    }


@lru_cache(maxsize=1)
def common_log_time(seconds: int) -> str:
    """`12/Mar/2020:19:03:58 +0000`; months in English whatever the locale."""
    t = time.gmtime(seconds)
    clock = f"{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02}"
    return f"{t.tm_mday:02}/{_MONTHS[t.tm_mon - 1]}/{t.tm_year}:{clock} +0000"


def _body(request: Request) -> dict[str, object]:
    if is_text(request.joined.get("content-type", "")):
        try:
            return {"body": request.body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}


def is_text(content_type: str) -> bool:
    """Whether a body of this type reaches the handler as text; forms do not, nor a missing type."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type.startswith("text/") or media_type in _TEXT_TYPES
