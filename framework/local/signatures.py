"""AWS_IAM routes: who signed a request, and whether a policy lets them call the route.

In: a request, the credentials that are known here, a route. Out: `Identity`, or `Refused` with the
403 that API Gateway sends. Source: IAM user guide, "Create a signed AWS API request" (Signature
Version 4); API Gateway developer guide, "Control access to HTTP APIs with IAM authorization".
The signature is computed again with botocore, which is imported at the first signed request.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import time
from calendar import timegm
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from framework.local.authorizer import Refused
from framework.local.environment import Credentials
from framework.local.event import iam_identity
from framework.local.http_messages import Request, message
from framework.local.model import Function, Model, Route
from framework.local.policy import Decision

SERVICE = "execute-api"
ACTION = "execute-api:Invoke"

SKEW_SECONDS = 300
"""How far a signature's time may be from now (IAM user guide: five minutes)."""

_TOKEN = "x-amz-security-token"

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([A-Z0-9]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request,"
    r" *SignedHeaders=([a-z0-9;_-]+), *Signature=([0-9a-f]{64})"
)


class Signer(NamedTuple):
    """Whose credentials they are: a function's, or the developer's, who may do everything."""

    credentials: Credentials
    function: Function | None


class _Signed(NamedTuple):
    """What an Authorization header says."""

    access_key: str
    day: str
    region: str
    service: str
    headers: Sequence[str]
    signature: str


class IamAuthorizer:
    """Judges the requests of one region. `signers` by their access keys; `say` tells people why."""

    def __init__(
        self, model: Model, signers: Mapping[str, Signer], say: Callable[[str], None]
    ) -> None:
        self.model = model
        self.signers = signers
        self.say = say

    async def authorize(self, request: Request, route: Route) -> dict[str, object]:
        """What the event's `requestContext.authorizer` holds. Raises `Refused`."""
        signed = self._signed(request)
        if isinstance(signed, str):
            raise self._refused(route, signed)
        signer = self.signers.get(signed.access_key)
        if signer is None:
            raise self._refused(route, "its access key is not known here")
        if request.joined.get(_TOKEN, "") != signer.credentials.session_token:
            raise self._refused(route, "its session token is not that of its access key")
        expected = await asyncio.to_thread(signature, request, signed, signer.credentials)
        if not hmac.compare_digest(expected, signed.signature):
            raise self._refused(route, "its signature does not fit the request")
        self._judge(request, route, signer)
        return {"iam": self._identity(signer)}

    def _signed(self, request: Request) -> _Signed | str:
        """The signature of a request, or what is wrong with it."""
        found = _AUTHORIZATION.fullmatch(request.joined.get("authorization", ""))
        if found is None:
            if "X-Amz-Signature=" in request.query:
                return "local mode does not check signatures in a query"
            return "it is not signed (Signature Version 4)"
        key, day, region, service, names, given = found.groups()
        if (region, service) != (self.model.region, SERVICE):
            return f"it is signed for {service} in {region}, not {SERVICE} in {self.model.region}"
        if not {"host", "x-amz-date"} <= set(names.split(";")):
            return "host and x-amz-date are not signed"
        if not _is_now(request.joined.get("x-amz-date", ""), day):
            return "its time is not within five minutes of now"
        return _Signed(key, day, region, service, names.split(";"), given)

    def _judge(self, request: Request, route: Route, signer: Signer) -> None:
        """Whether the function's own policy allows the call. Raises `Refused`."""
        if signer.function is None:
            return
        arn = self._arn(request)
        decision = signer.function.policy.decide(ACTION, arn)
        if decision is not Decision.ALLOWED:
            who = signer.function.entry
            reason = f"{who} may not {ACTION} on {arn}: no verb of uses grants it"
            raise self._refused(route, reason)

    def _arn(self, request: Request) -> str:
        model, api = self.model, self.model.api
        stage = api.stage if api else "$default"
        path = request.path if stage == "$default" else request.path.removeprefix(f"/{stage}")
        where = f"arn:{model.partition}:{SERVICE}:{model.region}:{model.account}"
        return f"{where}:{api.id if api else ''}/{stage}/{request.method}{path}"

    def _identity(self, signer: Signer) -> Mapping[str, object]:
        key = signer.credentials.access_key
        if signer.function is None:
            return iam_identity(self.model, key, "developer")
        model, role, name = self.model, signer.function.role, signer.function.name
        caller = f"AROA{hashlib.sha256(role.encode()).hexdigest()[:17].upper()}:{name}"
        return {
            **iam_identity(self.model, key, name),
            "callerId": caller,
            "userArn": f"arn:{model.partition}:sts::{model.account}:assumed-role/{role}/{name}",
            "userId": caller,
        }

    def _refused(self, route: Route, reason: str) -> Refused:
        self.say(f"routes.{route.key}: a request is refused: {reason}")
        return Refused(message(403, "Forbidden"))


def _is_now(date: str, day: str) -> bool:
    try:
        seconds = timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return False
    return date.startswith(day) and abs(time.time() - seconds) <= SKEW_SECONDS


def signature(request: Request, signed: _Signed, credentials: Credentials) -> str:
    """The signature that the request should have."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as BotocoreCredentials

    headers = {name: request.joined.get(name, "") for name in signed.headers}
    query = f"?{request.query}" if request.query else ""
    url = f"http://{request.joined.get('host', '')}{request.path}{query}"
    again = AWSRequest(request.method, url, headers, request.body)
    again.context["timestamp"] = request.joined["x-amz-date"]
    own = BotocoreCredentials(credentials.access_key, credentials.secret_key)
    auth = SigV4Auth(own, SERVICE, signed.region)
    digest = hashlib.sha256(request.body).hexdigest()
    if request.joined.get("x-amz-content-sha256", digest) != digest:
        return ""
    canonical = auth.canonical_request(again)
    return auth.signature(auth.string_to_sign(again, canonical), again)
