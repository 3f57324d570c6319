"""What happens while the service runs: one object for each thing, handed to whoever subscribed.

In: the rest of this room publishes; `logs` has one more kind of event, what Lambda adds to a log.
Out: `Feed.subscribe`; each event has `lines` for a terminal and `documents` for a program. Events
are published on the event loop's thread, in order; a listener must be quick and must not raise. The
feed itself keeps nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, TypeAlias, TypeVar, cast

from framework.local.http_messages import Response

Document: TypeAlias = Mapping[str, object]


class Event(Protocol):
    """Something that happened."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What a terminal shows; nothing where people need not see it."""
        ...

    def documents(self) -> tuple[Document, ...]:
        """As a program reads it, mostly one: `event` says which kind it is."""
        ...


class Ready(NamedTuple):
    """The service is up. `urls` by region, home first; `routes` as (region, key, function)."""

    name: str
    urls: Mapping[str, str]
    routes: tuple[tuple[str, str, str], ...]
    lines: tuple[str, ...] = ()

    def documents(self) -> tuple[Document, ...]:
        """As a program reads it; `url` is the home region's."""
        routes = [{"region": r, "route": key, "function": f} for r, key, f in self.routes]
        url = next(iter(self.urls.values()), "")
        document = {
            "event": "ready",
            "service": self.name,
            "url": url,
            "urls": dict(self.urls),
            "routes": routes,
        }
        return (document,)


class Requested(NamedTuple):
    """One request to the API and its answer; `invoked` is the event that the function got."""

    region: str
    request_id: str
    method: str
    path: str
    route: str
    function: str
    milliseconds: float
    response: Response
    invoked: bytes | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """One line."""
        function = f" {self.function}" if self.function else ""
        status, took = self.response.status, f"{self.milliseconds:.0f} ms"
        return (f"{self.method} {self.path} -> {status}{function} {took}",)

    def documents(self) -> tuple[Document, ...]:
        """As a program reads it, without event and body."""
        document = {
            "event": "request",
            "region": self.region,
            "request_id": self.request_id,
            "method": self.method,
            "path": self.path,
            "route": self.route or None,
            "function": self.function or None,
            "status": self.response.status,
            "milliseconds": round(self.milliseconds, 3),
        }
        return (document,)


class LogStream(NamedTuple):
    """Where a function's lines go: its entry, the region, the log group and the stream's name."""

    function: str
    region: str = ""
    group: str = ""
    name: str = ""

    def lines(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """What a terminal shows, under the function's name."""
        return tuple(f"{self.function} | {text}" for text in texts)

    def document(self, request_id: str, platform: bool, text: str) -> Document:
        """A line as a program reads it; `platform` where Lambda has added it."""
        return {
            "event": "log",
            "function": self.function,
            "request_id": request_id or None,
            "platform": platform,
            "text": text,
        }


class Logged(NamedTuple):
    """A line that a function printed or logged.

    `text` is for people, `stored` as the log group has it; what is empty is not for them.
    `seconds` is when, since 1970.
    """

    stream: LogStream
    text: str
    stored: str = ""
    request_id: str = ""
    seconds: float = 0.0

    @property
    def texts(self) -> tuple[str, ...]:
        """What people see of it, if anything."""
        return (self.text,) if self.text or not self.stored else ()

    @property
    def messages(self) -> tuple[str, ...]:
        """What the log group has of it, if anything."""
        return (self.stored,) if self.stored else ()

    @property
    def lines(self) -> tuple[str, ...]:
        """Under the function's name."""
        return self.stream.lines(self.texts)

    def documents(self) -> tuple[Document, ...]:
        """As a program reads it; a line that was only made more readable is part of another."""
        return tuple(self.stream.document(self.request_id, False, m) for m in self.messages)


class Denied(NamedTuple):
    """A call that a function's policy does not allow; `text` says what would."""

    function: str
    action: str
    resource: str
    text: str

    @property
    def lines(self) -> tuple[str, ...]:
        """One line."""
        return (self.text,)

    def documents(self) -> tuple[Document, ...]:
        """As a program reads it."""
        document = {
            "event": "denied",
            "function": self.function,
            "action": self.action,
            "resource": self.resource,
            "text": self.text,
        }
        return (document,)


class Reloaded(NamedTuple):
    """services.yaml has changed and is followed; `changes` are lines, one for each entry."""

    changes: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """What is new, what is gone, what is different."""
        if not self.changes:
            return ("services.yaml has changed, nothing of it here",)
        return ("services.yaml has changed:", *(f"  {change}" for change in self.changes))

    def documents(self) -> tuple[Document, ...]:
        """As a program reads it."""
        return ({"event": "reloaded", "changes": list(self.changes)},)


class Problem(NamedTuple):
    """Something that people should know, in one line or more."""

    text: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The text as it is."""
        return (self.text,)

    def documents(self) -> tuple[Document, ...]:
        """As a program reads it."""
        return ({"event": "problem", "text": self.text},)


Listener: TypeAlias = Callable[[Event], None]
E = TypeVar("E", bound=Event)


class Feed:
    """Hands every event to those who want to hear of its kind."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners: tuple[tuple[Listener, tuple[type, ...]], ...] = ()
        self._of_kind: dict[type, tuple[Listener, ...]] = {}
        for listener in listeners:
            self.subscribe(listener)

    def subscribe(self, listener: Callable[[E], None], *kinds: type[E]) -> None:
        """Hand events of these kinds, or where none is named all events, to `listener`."""
        self._listeners = (*self._listeners, (cast(Listener, listener), kinds))
        self._of_kind.clear()

    def publish(self, event: Event) -> None:
        """Hand an event to everybody who wants it."""
        listeners = self._of_kind.get(type(event))
        for listener in self._wanting(type(event)) if listeners is None else listeners:
            listener(event)

    def say(self, text: str) -> None:
        """Publish a problem."""
        self.publish(Problem(text))

    def _wanting(self, kind: type) -> tuple[Listener, ...]:
        found = tuple(one for one, kinds in self._listeners if not kinds or kind in kinds)
        self._of_kind[kind] = found
        return found
