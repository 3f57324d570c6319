"""The page and its data over HTTP, for every region of the service.

In: requests at or under `/_services`, judged by `guard`. Out: the page, its files, and as JSON:

GET  /_services/service        what there is: routes, functions, who may what
GET  /_services/events?after=N what has changed since; waits for it, `WAIT_SECONDS` at most
GET  /_services/calls/N        all that is kept of one request or invocation
POST /_services/requests       send a request to the API; the answer is the call
POST /_services/invocations    run a function with an event; the answer is the call

Credentials are blotted out of everything that leaves here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from framework.local.console import guard, sending
from framework.local.console.assets import Asset, asset, document
from framework.local.console.describe import described
from framework.local.console.history import History
from framework.local.console.mount import MOUNT
from framework.local.console.words import in_full, in_short, note_in_words
from framework.local.environment import Credentials
from framework.local.http_messages import Request, Response
from framework.local.invoke import request_of
from framework.local.model import Model

WAIT_SECONDS = 20.0

BLOT = "(left out)"

Document = Mapping[str, object]
Handle = Callable[[Request], Awaitable[Response]]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'"
)
_HEADERS = (
    ("cache-control", "no-store"),
    ("content-security-policy", _POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
)
_GET = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Region:
    """One region of the running service: what it is now, its API, and Lambda's Invoke there."""

    model: Model
    address: str
    api: Handle
    invoke: Handle


class Console:
    """The page. `regions` are the service as it is now, home first.

    `credentials` are all that the page must not show; the first are the developer's.
    """

    def __init__(
        self,
        history: History,
        regions: Callable[[], Sequence[Region]],
        credentials: Callable[[], Iterable[Credentials]],
    ) -> None:
        self.history = history
        self.regions = regions
        self.credentials = credentials

    async def handle(self, number: int, request: Request) -> Response:
        """The answer to a request for the page of one region, or its data."""
        reason = guard.refusal(request)
        if reason is not None:
            return self._message(403, f"refused: {reason}")
        if request.method not in (*_GET, "POST"):
            return self._message(405, f"{request.method} is not for this page", "GET, HEAD, POST")
        name = request.path[len(MOUNT) :].strip("/")
        if request.method == "POST":
            return await self._posted(number, name, request)
        return self._file(name, request) or await self._read(number, name, request)

    def _file(self, name: str, request: Request) -> Response | None:
        if name:
            found = asset(name)
            return self._asset(found) if found else None
        reason = guard.refusal_of_document(request)
        if reason is not None:
            return self._message(403, f"refused: {reason}")
        return self._asset(document(self.history.token))

    async def _read(self, number: int, name: str, request: Request) -> Response:
        reason = guard.refusal_of_data(request, self.history.token)
        if reason is not None:
            return self._message(403, f"refused: {reason}")
        match name.split("/"):
            case ["service"]:
                return self._json(self._service(number))
            case ["events"]:
                return self._json(await self._events(number, request))
            case ["calls", text]:
                call = self.history.call(_number(text))
                if call is None:
                    return self._message(404, "it is no longer kept")
                return self._json(in_full(call, self.history.notes))
        return self._message(404, "there is nothing of that name")

    async def _posted(self, number: int, name: str, request: Request) -> Response:
        reason = guard.refusal_of_data(request, self.history.token)
        if reason is not None:
            return self._message(403, f"refused: {reason}")
        post = {"requests": self._send, "invocations": self._invoke}.get(name)
        if post is None:
            return self._message(404, "there is nothing of that name")
        try:
            return await post(self.regions()[number], _document(request), request)
        except sending.NotSent as problem:
            return self._message(400, str(problem))

    def _service(self, number: int) -> Document:
        regions = self.regions()
        others = [r for r in regions if r is not regions[number]]
        return {
            **described(regions[number].model, regions[number].address),
            "others": [{"region": r.model.region, "address": r.address} for r in others],
            "reading": self.history.readings,
        }

    async def _events(self, number: int, request: Request) -> Document:
        """What has changed after a number of the page's; it begins with 0."""
        history = self.history
        after = _number(parse_qs(request.query).get("after", ["0"])[0])
        # Before waiting: at the end of it the service may have ended.
        region = self.regions()[number].model.region
        await history.later_than(after, WAIT_SECONDS)
        calls = [call for call in history.calls if call.changed > after and call.region == region]
        return {
            "now": history.now,
            "reading": history.readings,
            "oldest": history.calls[0].number if history.calls else history.now,
            "calls": [in_short(call) for call in calls],
            "notes": [note_in_words(note) for note in history.notes if note.changed > after],
        }

    async def _send(self, region: Region, form: Document, request: Request) -> Response:
        written = sending.Written.of(form)
        made = sending.request_of(written, request.joined["host"], request.port)
        if written.sign:
            developer = next(iter(self.credentials()))
            made = await asyncio.to_thread(sending.signed, made, region.model.region, developer)
        return await self._outcome(region.api(made))

    async def _invoke(self, region: Region, form: Document, request: Request) -> Response:
        function, event = form.get("function"), form.get("event")
        if not isinstance(function, str) or not isinstance(event, str):
            raise sending.NotSent("function and event are text")
        asked = request_of(function, event.encode(errors="replace"))
        return await self._outcome(region.invoke(asked))

    async def _outcome(self, work: Awaitable[Response]) -> Response:
        """The call that a form led to. Raises `NotSent` where no function was there to run."""
        answer, call = await self.history.caused(work)
        if call is None or (call.request is None and answer.status != 200):
            raise sending.NotSent(str(json.loads(answer.body)["Message"]))
        return self._json(in_full(call, self.history.notes))

    def _asset(self, found: Asset) -> Response:
        return Response(200, (("content-type", found.type), *_HEADERS), found.data)

    def _json(self, content: Document) -> Response:
        text = json.dumps(content, ensure_ascii=False)
        for secret in self._secrets():
            text = text.replace(secret, BLOT)
        return self._asset(Asset("application/json", text.encode(errors="replace")))

    def _secrets(self) -> Iterable[str]:
        """An access key is as good as a secret here: the gate tells callers apart by it."""
        for own in self.credentials():
            words = (own.access_key, own.secret_key, own.session_token)
            yield from filter(None, words)

    def _message(self, status: int, text: str, allow: str = "") -> Response:
        headers = (("allow", allow),) if allow else ()
        return Response(
            status,
            (("content-type", "application/json"), *headers, *_HEADERS),
            json.dumps({"message": text}, ensure_ascii=False).encode(),
        )


def _document(request: Request) -> Document:
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError):
        raise sending.NotSent("the body is not JSON") from None
    if not isinstance(found, dict):
        raise sending.NotSent("the body is no object")
    return found


def _number(text: str) -> int:
    """A whole number of a URL, 0 where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
