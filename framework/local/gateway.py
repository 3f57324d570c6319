"""API Gateway for one stage of an HTTP API: from a request to its response.

In: requests, and the pools that run the functions. Out: responses, and for what people must know a
line on the terminal. The order is AWS's: stage, route, throttle, preflight, authorizer, permission,
integration. Error bodies as AWS sends them (`{"message":"Not Found"}`).
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic_core import to_json

from framework.local import cors, event, ids, response
from framework.local.authorizer import JwtAuthorizer, Refused
from framework.local.events import Feed, Requested
from framework.local.http_messages import Request, Response, message
from framework.local.model import Api, Authorizer, Model, Route
from framework.local.router import Match, Router
from framework.local.signatures import IamAuthorizer
from framework.local.throttle import Throttles
from framework.local.worker import MAXIMUM_PAYLOAD
from framework.local.workers import Outcome, Pool, Throttled

NOT_FOUND = message(404, "Not Found")
FORBIDDEN = message(403, "Forbidden")

_OWN_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?\Z", re.IGNORECASE)
"""What a caller on this machine says as Host. API Gateway answers 403 to names that are not its
own, too; here it keeps pages of the web from reading local data by a name of theirs."""
TOO_LARGE = message(413, "Request Entity Too Large")
TOO_MANY = message(429, "Too Many Requests")
FAILED = message(500, "Internal Server Error")
UNAVAILABLE = message(503, "Service Unavailable")


@dataclass(slots=True)
class _Call:
    """A request on its way; `event` is what the function got."""

    request: Request
    request_id: str
    match: Match | None
    event: bytes | None = None


@dataclass(frozen=True)
class Gateway:
    """One API. `pools` run the functions by their entries; `feed` hears of every request."""

    model: Model
    api: Api
    pools: Mapping[str, Pool]
    authorizers: Mapping[str, JwtAuthorizer]
    iam: IamAuthorizer
    feed: Feed
    router: Router
    throttles: Throttles

    @classmethod
    def of(
        cls,
        model: Model,
        api: Api,
        pools: Mapping[str, Pool],
        authorizer: Callable[[Authorizer], JwtAuthorizer],
        iam: IamAuthorizer,
        feed: Feed,
    ) -> Gateway:
        """The gateway of an API; `authorizer` makes a JWT authorizer."""
        found = {r.authorizer.name: r.authorizer for r in api.routes if r.authorizer}
        authorizers = {name: authorizer(one) for name, one in found.items()}
        router = Router(api.routes)
        return cls(model, api, pools, authorizers, iam, feed, router, Throttles(api))

    async def handle(self, request: Request) -> Response:
        """The response to one request."""
        start = time.perf_counter()
        request_id = ids.request_id()
        call = _Call(request, request_id, self._match(request))
        answer = await self._answer(call)
        if self.api.cors is not None and not cors.is_preflight(request):
            answer = cors.replaced(answer, request, self.api.cors)
        answer = answer.with_headers(("apigw-requestid", request_id))
        self._publish(call, answer, time.perf_counter() - start)
        return answer

    def _match(self, request: Request) -> Match | None:
        """The route that takes a request: under a named stage only paths that begin with it."""
        path = request.path
        if self.api.stage != "$default":
            stage = f"/{self.api.stage}"
            if path != stage and not path.startswith(f"{stage}/"):
                return None
            path = path[len(stage) :] or "/"
        return self.router.match(request.method, path)

    async def _answer(self, call: _Call) -> Response:
        request, match = call.request, call.match
        if not _OWN_HOST.match(request.joined.get("host", "localhost")):
            return FORBIDDEN
        preflight = self.api.cors is not None and cors.is_preflight(request)
        if match is None:
            return self._preflight(request) if preflight else NOT_FOUND
        if not self.throttles.admit(match.route):
            return TOO_MANY
        if not match.route.served:
            return _not_served(match.route)
        try:
            authorizer = await self._authorize(request, match.route)
        except Refused as refused:
            return refused.response
        if preflight:
            return self._preflight(request)
        return await self._integrate(call, match, authorizer)

    def _preflight(self, request: Request) -> Response:
        allowed = cors.preflight(request, self.api.cors) if self.api.cors else ()
        return Response(204, allowed)

    async def _authorize(self, request: Request, route: Route) -> Mapping[str, object] | None:
        if route.authorization == "AWS_IAM":
            return await self.iam.authorize(request, route)
        if route.authorizer is None:
            return None
        authorizer = self.authorizers[route.authorizer.name]
        return await authorizer.authorize(request, route.scopes)

    async def _integrate(
        self, call: _Call, match: Match, authorizer: Mapping[str, object] | None
    ) -> Response:
        route = match.route
        if not route.permitted:
            self.feed.say(
                f"routes.{route.key}: no aws:lambda/permission:Permission of the plan lets this"
                f" route invoke {route.function.entry}: 500 to the caller"
            )
            return FAILED
        document = event.of_request(call.request, match, self.model, call.request_id, authorizer)
        payload = call.event = _as_json(document)
        if len(payload) > MAXIMUM_PAYLOAD:
            return TOO_LARGE
        outcome = await self._invoke(route, payload)
        return outcome if isinstance(outcome, Response) else self._response(route, outcome)

    async def _invoke(self, route: Route, payload: bytes) -> Outcome | Response:
        """The outcome; a response where the integration's time is over or nobody is free.

        The function runs on when its caller no longer waits, as on AWS.
        """
        pool = self.pools[route.function.entry]
        try:
            if pool.answers_within(route.timeout):
                return await pool.invoke(payload)
            task = asyncio.ensure_future(pool.invoke(payload))
            return await asyncio.wait_for(asyncio.shield(task), route.timeout)
        except TimeoutError:
            self.feed.say(
                f"routes.{route.key}: no answer within {route.timeout:g} s, the integration's limit"
            )
            return UNAVAILABLE
        except Throttled:
            self.feed.say(
                f"routes.{route.key}: {route.function.entry} already runs"
                f" {route.function.concurrency} times, its reserved concurrency"
            )
            return UNAVAILABLE

    def _response(self, route: Route, outcome: Outcome) -> Response:
        if outcome.failed:
            return FAILED
        try:
            return response.of_result(outcome.payload)
        except response.Malformed as problem:
            self.feed.say(f"{route.function.entry}: its result is no response: {problem}")
            return FAILED

    def _publish(self, call: _Call, answer: Response, seconds: float) -> None:
        route = call.match.route if call.match else None
        self.feed.publish(
            Requested(
                region=self.model.region,
                request_id=call.request_id,
                method=call.request.method,
                path=call.request.path,
                route=route.key if route else "",
                function=route.function.entry if route else "",
                milliseconds=seconds * 1000,
                response=answer,
                invoked=call.event,
            )
        )


def _as_json(document: Mapping[str, object]) -> bytes:
    """The event as Lambda gets it, without blanks and in UTF-8."""
    try:
        return to_json(document)
    except ValueError:
        # Half a letter (a lone surrogate), which a claim of a token may hold.
        return json.dumps(document).encode()


def _not_served(route: Route) -> Response:
    return message(
        501,
        f"local mode does not know {route.authorization}: {route.key} is not served",
    )
