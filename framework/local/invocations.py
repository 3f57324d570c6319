"""Lambda's Invoke API for one region: how a person or a program here runs a function by its name.

In: `POST /2015-03-31/functions/NAME/invocations`, the event as its body. Out: the function's result
or its error document, as AWS answers. Source: Lambda API reference, "Invoke": a function's error is
200 with `X-Amz-Function-Error`; `X-Amz-Log-Type: Tail` gives the last 4 KB of the log.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from framework.local.http_messages import Request, Response
from framework.local.model import Function, Model, without_region
from framework.local.worker import MAXIMUM_PAYLOAD
from framework.local.workers import Outcome, Pool, Throttled

Witness = Callable[[str, str, bytes], Callable[[Outcome | None], None]]
"""Is told the region, the function's entry and the event before an invocation; what it gives back
is told the outcome, None where there is none."""

_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_JSON = ("content-type", "application/json")


def path_of(function: str) -> str:
    """The path that invokes a function."""
    return f"/2015-03-31/functions/{function}/invocations"


class Invocations:
    """The functions of one region by name, ARN, or entry of services.yaml."""

    def __init__(
        self, model: Model, pools: Mapping[str, Pool], witness: Witness | None = None
    ) -> None:
        self.model = model
        self.pools = pools
        self.witness = witness
        self.running: set[asyncio.Task[Outcome]] = set()

    async def handle(self, request: Request) -> Response:
        """Run the function that the path names."""
        found = _PATH.fullmatch(request.path)
        if found is None or request.method != "POST":
            return _refusal(501, "NotImplemented", "local mode has Invoke alone of Lambda's API")
        name = unquote(found[1])
        function = self._function(name)
        if function is None:
            arn = f"arn:{self.model.partition}:lambda:{self.model.region}:{self.model.account}"
            text = f"Function not found: {arn}:function:{name}"
            return _refusal(404, "ResourceNotFoundException", text)
        return await self._invoke(self.pools[function.entry], request)

    def _function(self, name: str) -> Function | None:
        for function in self.model.functions:
            entry = without_region(function.entry)
            if name in (function.name, function.arn, entry, entry.partition(".")[2]):
                return function
        return None

    async def _invoke(self, pool: Pool, request: Request) -> Response:
        body = request.body or b"{}"
        if len(body) > MAXIMUM_PAYLOAD:
            text = f"Request must be smaller than {MAXIMUM_PAYLOAD} bytes for InvokeFunction"
            return _refusal(413, "RequestTooLargeException", text)
        try:
            json.loads(body)
        except (ValueError, RecursionError) as error:
            text = f"Could not parse request body into json: {error}"
            return _refusal(400, "InvalidRequestContentException", text)
        match request.joined.get("x-amz-invocation-type", "RequestResponse"):
            case "DryRun":
                return Response(204)
            case "Event":
                self._leave(pool, body)
                return Response(202)
        return await self._answer(pool, body, request)

    def _leave(self, pool: Pool, body: bytes) -> None:
        """Run it without anybody who waits; AWS would also try again, which is not done here."""
        task = asyncio.ensure_future(self._run(pool, body))
        self.running.add(task)
        task.add_done_callback(self._left)

    async def _run(self, pool: Pool, event: bytes) -> Outcome:
        if self.witness is None:
            return await pool.invoke(event)
        done = self.witness(self.model.region, pool.function.entry, event)
        outcome = None
        try:
            outcome = await pool.invoke(event)
            return outcome
        finally:
            done(outcome)

    def _left(self, task: asyncio.Task[Outcome]) -> None:
        self.running.discard(task)
        task.exception()

    async def _answer(self, pool: Pool, body: bytes, request: Request) -> Response:
        try:
            outcome = await self._run(pool, body)
        except Throttled:
            return _refusal(429, "TooManyRequestsException", "Rate Exceeded.")
        headers = [_JSON, ("x-amz-executed-version", "$LATEST")]
        if outcome.failed:
            headers.append(("x-amz-function-error", "Unhandled"))
        if request.joined.get("x-amz-log-type") == "Tail":
            log = outcome.log.text() if outcome.log else b""
            headers.append(("x-amz-log-result", base64.b64encode(log).decode()))
        return Response(200, tuple(headers), outcome.payload)


def _refusal(status: int, error_type: str, text: str) -> Response:
    body = json.dumps({"Type": "User", "Message": text}).encode()
    return Response(status, (_JSON, ("x-amzn-errortype", error_type)), body)
