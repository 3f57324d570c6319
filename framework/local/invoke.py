"""Running one function once: by a running service of the project, or by one that ends with it.

In: a request of Lambda's Invoke API, and how to find or make the service. Out: its answer.
"""

from __future__ import annotations

import asyncio
import http.client
from urllib.parse import quote, urlsplit

from framework.local.compiled import Compile
from framework.local.errors import LocalError
from framework.local.events import Feed
from framework.local.http_messages import Request, Response
from framework.local.invocations import path_of
from framework.local.model import Model
from framework.local.running_file import RunningService
from framework.local.service import Service, Settings


def request_of(function: str, event: bytes) -> Request:
    """The request that invokes a function and asks for the end of its log."""
    headers = (("content-type", "application/json"), ("x-amz-log-type", "Tail"))
    return Request("POST", path_of(quote(function, safe="")), headers=headers, body=event)


def by_running(service: RunningService, request: Request) -> Response | None:
    """The answer of a running service, None where none is running any more."""
    region, url = next(iter(service.gates.items()))
    scope = f"{service.access_key}/20000101/{region}/lambda/aws4_request"
    authorization = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=None)
    try:
        connection.request(
            request.method,
            request.path,
            request.body,
            {**dict(request.headers), "authorization": authorization},
        )
        answer = connection.getresponse()
        headers = tuple((name.lower(), value) for name, value in answer.getheaders())
        return Response(answer.status, headers, answer.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def by_own(compile: Compile, settings: Settings, feed: Feed, request: Request) -> Response:
    """The answer of a service that starts and ends for this alone.

    Raises `LocalError` and `Mistakes`.
    """
    return asyncio.run(_by_own(Service(compile, settings, feed), request))


async def _by_own(service: Service, request: Request) -> Response:
    try:
        await service.start()
        return await service.deployment.invocations[0].handle(request)
    finally:
        await service.stop()


def function_named(model: Model, name: str) -> str:
    """The entry of services.yaml that a word names. Raises `LocalError`."""
    from framework.language.messages import suggestion

    known = [function.entry.partition(".")[2] for function in model.functions]
    word = name.removeprefix("functions.")
    if word not in known:
        raise LocalError(f"there is no function '{word}'{suggestion(word, known)}")
    return word
