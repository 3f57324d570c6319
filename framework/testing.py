"""A service of local mode for a project's own tests: a pytest fixture.

    # conftest.py
    from framework.testing import local_service

    # test_notes.py
    def test_the_list_is_empty(local_service):
        assert local_service.get("/notes").json() == {"notes": []}

In: the services.yaml in pytest's root folder, or the one named to `service_fixture`. Out:
`LocalService`, started once for all tests on a free port, and ended with them. pytest is imported
by this module alone; it is a project's own dependency.
"""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from framework.commands.local import Project
from framework.language.problems import Rejected
from framework.local.errors import LocalError, Mistakes
from framework.local.events import Denied, Event, Feed, Logged, Problem
from framework.local.invoke import function_named, request_of
from framework.local.service import Service, Settings, running

FILE = "services.yaml"
REQUEST_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """An answer of the service over HTTP; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text in UTF-8."""
        return self.body.decode()

    def json(self) -> object:
        """The body as JSON says it. Raises `ValueError` where it is none."""
        return json.loads(self.body)


class FunctionFailed(AssertionError):
    """An invoked function failed; `error` is AWS's error document."""

    def __init__(self, error: Mapping[str, object]) -> None:
        super().__init__(f"{error.get('errorType')}: {error.get('errorMessage')}")
        self.error = error


@dataclass
class LocalService:
    """A running service. `url` is the API's address in the home region."""

    service: Service
    _events: list[Event] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the API answers: `http://127.0.0.1:PORT`."""
        return self.service.url

    @property
    def logs(self) -> list[str]:
        """What the handlers printed and logged so far, one line each."""
        own = [event for event in self._events if isinstance(event, Logged)]
        return [text for event in own for text in event.texts]

    @property
    def denied(self) -> list[str]:
        """The calls to AWS that a function's policy did not allow, with what would."""
        return [event.text for event in self._events if isinstance(event, Denied)]

    @property
    def problems(self) -> list[str]:
        """What else went wrong: errors of handlers, results that are no response, and so on."""
        return [event.text for event in self._events if isinstance(event, Problem)]

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | object = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A request to the API; a body that is neither bytes nor text goes as JSON."""
        sent = dict(headers or {})
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            sent.setdefault("content-type", "application/json")
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=REQUEST_SECONDS)
        try:
            data = body.encode() if isinstance(body, str) else body
            connection.request(method, path, data or None, sent)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """A GET request to the API."""
        return self.request("GET", path, headers=headers)

    def invoke(self, function: str, event: object = None) -> object:
        """Run a function by its name in services.yaml; its result.

        Raises `FunctionFailed` where it fails, `LocalError` where there is none of that name.
        """
        name = function_named(self.service.deployment.models[0], function)
        request = request_of(name, json.dumps({} if event is None else event).encode())
        handle = self.service.deployment.invocations[0].handle(request)
        answer = asyncio.run_coroutine_threadsafe(handle, self.service.loop).result()
        document = json.loads(answer.body)
        if answer.status != 200 or "x-amz-function-error" in dict(answer.headers):
            raise FunctionFailed(document)
        return document


def service_fixture(
    file: str | Path = FILE, environment: str | None = None
) -> Callable[..., Iterator[LocalService]]:
    """A fixture for the services.yaml `file`, looked for from pytest's root folder.

    `environment` is the one to run, as of `services local`.
    """

    @pytest.fixture(scope="session")
    def local_service(pytestconfig: pytest.Config) -> Iterator[LocalService]:
        """The service of the project, running."""
        project = Project(pytestconfig.rootpath / file, environment)
        events: list[Event] = []
        try:
            with running(project, Settings(port=0), Feed(events.append)) as service:
                yield LocalService(service, events)
        except (LocalError, Mistakes, Rejected) as error:
            pytest.fail(f"the service does not start: {error}", pytrace=False)

    return local_service


local_service = service_fixture()
