"""The gate in front of the local cloud: every call to AWS is judged by its function's policy.

In: requests of handlers (and of who holds a presigned URL), told apart by the access key. Out: the
cloud's answer, or AccessDenied in the service's own form, with a line on the terminal that says
which `uses` line would allow it. Signatures are not checked: access keys are secret and new at
every start. Whoever needs what is not known here is refused, never let through.
"""

from __future__ import annotations

import re
import time
from calendar import timegm
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import parse_qs

from framework.local import advice, cors, refusals, s3_needs, ssm_needs
from framework.local.cloud import Cloud, CloudGone
from framework.local.events import Denied, Feed
from framework.local.http_messages import Request, Response
from framework.local.invocations import Invocations
from framework.local.log_groups import LogGroups
from framework.local.model import Cors, Function, Model
from framework.local.needs import Need, Unsupported
from framework.local.policy import Decision

_CREDENTIAL = re.compile(r"([A-Z0-9]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")


class Caller(NamedTuple):
    """Who calls and which service, as the signature says."""

    access_key: str
    service: str


class Developer(NamedTuple):
    """The person at this machine: S3, SSM, the logs and Lambda's Invoke, nothing denied."""

    access_key: str
    invocations: Invocations
    logs: LogGroups


class Gate:
    """`functions` are the callers by their access keys; `feed` hears of what is denied."""

    def __init__(
        self,
        model: Model,
        functions: Mapping[str, Function],
        developer: Developer,
        cloud: Cloud,
        feed: Feed,
    ) -> None:
        self.model = model
        self.functions = functions
        self.developer = developer
        self.cloud = cloud
        self.feed = feed

    async def handle(self, request: Request) -> Response:
        """The answer to one call."""
        if cors.is_preflight(request):
            return self._preflight(request)
        caller = identify(request)
        if caller.access_key == self.developer.access_key:
            return await self._as_developer(request, caller)
        if caller.service not in ("s3", "ssm"):
            return self._unsupported(request, caller, f"the service {caller.service or 'unknown'}")
        function = self.functions.get(caller.access_key)
        if function is None:
            return refusals.unknown_key(caller.service)
        try:
            answer = await self._judged(request, caller, function)
        except Unsupported as problem:
            return self._unsupported(request, caller, str(problem))
        except CloudGone as problem:
            self.feed.say(f"the local cloud does not answer: {problem}")
            return refusals.failed(caller.service)
        return self._with_cors(request, answer) if caller.service == "s3" else answer

    async def _as_developer(self, request: Request, caller: Caller) -> Response:
        if caller.service == "lambda":
            return await self.developer.invocations.handle(request)
        if caller.service not in ("s3", "ssm", "logs"):
            return self._unsupported(request, caller, f"the service {caller.service}")
        try:
            if caller.service == "logs":
                await self.developer.logs.bring_all()
            return await self._pass(request, caller)
        except CloudGone as problem:
            self.feed.say(f"the local cloud does not answer: {problem}")
            return refusals.failed(caller.service)

    async def _judged(self, request: Request, caller: Caller, function: Function) -> Response:
        if caller.service == "ssm":
            prefix = f"arn:{self.model.partition}:ssm:{self.model.region}:{self.model.account}:"
            needs: Sequence[Need] = ssm_needs.read(request, prefix)
            return self._denial(function, needs, "ssm") or await self._pass(request, caller)
        call = s3_needs.read(request, self.model.partition)
        if expired(request, time.time()):
            return refusals.expired()
        if call.deletes:
            return await self._deletes(request, caller, function, call)
        denial = self._denial(function, call.needs, "s3")
        if denial is not None:
            return denial
        answer = await self._pass(request, caller)
        if answer.status == 404 and call.reads_an_object:
            return self._missing(function, call, answer)
        return answer

    def _denial(self, function: Function, needs: Sequence[Need], service: str) -> Response | None:
        """The refusal of the first permission that `function` lacks."""
        for need in needs:
            decision = function.policy.decide(need.action, need.resource, need.context)
            if decision is not Decision.ALLOWED:
                text = advice.of_denial(self.model, function, need, decision)
                self.feed.publish(Denied(function.entry, need.action, need.resource, text))
                return refusals.denied(self.model, function, need, decision, service)
        return None

    async def _deletes(
        self, request: Request, caller: Caller, function: Function, call: s3_needs.S3Call
    ) -> Response:
        """DeleteObjects: each key is judged on its own, and the answer tells them apart."""
        arn = f"arn:{self.model.partition}:s3:::{call.bucket}"
        # Imported late: it brings an XML parser, which the start needs nowhere else.
        from framework.local import s3_deletion

        deletion = s3_deletion.read(request.body)
        denied = {
            item: refusal
            for item in deletion.items
            if (refusal := self._denial(function, (item.need(arn),), "s3")) is not None
        }
        if not denied:
            return await self._pass(request, caller)
        allowed = [item for item in deletion.items if item not in denied]
        if not allowed:
            return s3_deletion.answer(b"", denied)
        kept = s3_deletion.request(request, deletion, allowed)
        passed = await self._pass(kept, caller)
        return s3_deletion.answer(passed.body, denied) if passed.status == 200 else passed

    def _missing(self, function: Function, call: s3_needs.S3Call, answer: Response) -> Response:
        """A missing object is AccessDenied to who may not list (S3 API reference, GetObject)."""
        arn = f"arn:{self.model.partition}:s3:::{call.bucket}"
        need = Need("s3:ListBucket", arn)
        decision = function.policy.decide(need.action, need.resource)
        if decision is Decision.ALLOWED:
            return answer
        entry = next((b.entry for b in self.model.buckets if b.name == call.bucket), "")
        self.feed.say(
            f"{function.entry}: {call.key} is not in {entry}, and who may not list is told"
            f" AccessDenied, not NoSuchKey: {advice.uses_line(entry, 'list')}"
        )
        return refusals.denied(self.model, function, need, decision, "s3")

    async def _pass(self, request: Request, caller: Caller) -> Response:
        """The cloud's answer; the signature is replaced by one that only names the service."""
        scope = f"{caller.access_key}/20000101/{self.model.region}/{caller.service}/aws4_request"
        signature = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        headers = tuple(header for header in request.headers if header[0] != "authorization")
        signed = replace(request, headers=(*headers, ("authorization", signature)))
        answer = await self.cloud.send(signed)
        return Response(answer.status, tuple(_without_cors(answer.headers)), answer.body)

    def _unsupported(self, request: Request, caller: Caller, what: str) -> Response:
        function = self.functions.get(caller.access_key)
        who = function.entry if function else "a caller without a function's credentials"
        if caller.access_key == self.developer.access_key:
            who = "the developer"
        self.feed.say(f"{who} called {what}, which local mode does not have")
        return refusals.unsupported(what, caller.service, request)

    def _preflight(self, request: Request) -> Response:
        for rule in self._cors_rules(request):
            if allowed := cors.preflight(request, rule):
                return Response(200, allowed)
        return refusals.cors_refused()

    def _with_cors(self, request: Request, answer: Response) -> Response:
        for rule in self._cors_rules(request):
            if request.method in rule.methods:
                answered = cors.replaced(answer, request, rule)
                if answered.headers != answer.headers:
                    return answered
        return answer

    def _cors_rules(self, request: Request) -> Sequence[Cors]:
        bucket = request.path.removeprefix("/").partition("/")[0]
        found = next((one for one in self.model.buckets if one.name == bucket), None)
        return found.cors if found and "origin" in request.joined else ()


def _without_cors(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [header for header in headers if not header[0].startswith("access-control-")]


def identify(request: Request) -> Caller:
    """Who calls: by the Authorization header, or by the query of a presigned URL."""
    query = parse_qs(request.query)
    scope = query.get("X-Amz-Credential", [""])[0] or request.joined.get("authorization", "")
    found = _CREDENTIAL.search(scope)
    if found:
        return Caller(found[1], found[3])
    if "AWSAccessKeyId" in query:
        return Caller(query["AWSAccessKeyId"][0], "s3")
    return Caller("", "ssm" if "x-amz-target" in request.joined else "s3")


def expired(request: Request, now: float) -> bool:
    """Whether a presigned URL's time is over; both forms of signing, seconds since 1970."""
    query = parse_qs(request.query)
    try:
        if "X-Amz-Expires" in query:
            signed = timegm(time.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ"))
            return now > signed + int(query["X-Amz-Expires"][0])
        return "Expires" in query and now > int(query["Expires"][0])
    except (KeyError, ValueError):
        return True
