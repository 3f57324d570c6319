"""What happens while the service runs: one object for each thing, handed to whoever subscribed.

In: the rest of this room publishes. Out: `Feed.subscribe`; each event has `lines` for a terminal
and `document` for a program. Events are published on the event loop's thread, in order; a listener
must be quick and must not raise. The feed itself keeps nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, TypeAlias

from framework.local.http_messages import Response

Document: TypeAlias = Mapping[str, object]


class Ready(NamedTuple):
    """The service is up. `urls` by region, home first; `routes` as (region, key, function)."""

    name: str
    urls: Mapping[str, str]
    routes: tuple[tuple[str, str, str], ...]
    lines: tuple[str, ...] = ()

    def document(self) -> Document:
        """As a program reads it; `url` is the home region's."""
        routes = [{"region": r, "route": key, "function": f} for r, key, f in self.routes]
        url = next(iter(self.urls.values()), "")
        return {
            "event": "ready",
            "service": self.name,
            "url": url,
            "urls": dict(self.urls),
            "routes": routes,
        }


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

    def document(self) -> Document:
        """As a program reads it, without event and body."""
        return {
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


class Content(Protocol):
    """What a line of a log says, made when it is read: most lines never are.

    `text` is for people, `stored` what the log group keeps; either may be empty.
    """

    @property
    def text(self) -> str:
        """The line as a terminal shows it."""
        ...

    @property
    def stored(self) -> str:
        """The line as CloudWatch Logs has it."""
        ...


class Printed(NamedTuple):
    """A line whose words are known."""

    text: str
    stored: str = ""


class LogStream(NamedTuple):
    """Where a function's lines go: its entry, the region, the log group and the stream's name."""

    function: str
    region: str = ""
    group: str = ""
    name: str = ""


class Logged(NamedTuple):
    """A line of a function's log: what it printed, or with `platform` what Lambda adds.

    `seconds` is when, since 1970.
    """

    stream: LogStream
    content: Content
    request_id: str = ""
    platform: bool = False
    seconds: float = 0.0

    @property
    def function(self) -> str:
        """The entry of the function that logged."""
        return self.stream.function

    @property
    def text(self) -> str:
        """For people."""
        return self.content.text

    @property
    def stored(self) -> str:
        """For the log group."""
        return self.content.stored

    @property
    def lines(self) -> tuple[str, ...]:
        """One line, under the function's name; none of what is for the log group alone."""
        text = self.text
        return (f"{self.function} | {text}",) if text or not self.stored else ()

    def document(self) -> Document:
        """As a program reads it."""
        return {
            "event": "log",
            "function": self.function,
            "request_id": self.request_id or None,
            "platform": self.platform,
            "text": self.stored or self.text,
        }


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

    def document(self) -> Document:
        """As a program reads it."""
        return {
            "event": "denied",
            "function": self.function,
            "action": self.action,
            "resource": self.resource,
            "text": self.text,
        }


class Reloaded(NamedTuple):
    """services.yaml has changed and is followed; `changes` are lines, one for each entry."""

    changes: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """What is new, what is gone, what is different."""
        if not self.changes:
            return ("services.yaml has changed, nothing of it here",)
        return ("services.yaml has changed:", *(f"  {change}" for change in self.changes))

    def document(self) -> Document:
        """As a program reads it."""
        return {"event": "reloaded", "changes": list(self.changes)}


class Problem(NamedTuple):
    """Something that people should know, in one line or more."""

    text: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The text as it is."""
        return (self.text,)

    def document(self) -> Document:
        """As a program reads it."""
        return {"event": "problem", "text": self.text}


Event: TypeAlias = Ready | Requested | Logged | Denied | Reloaded | Problem
Listener: TypeAlias = Callable[[Event], None]


class Feed:
    """Hands every event to every listener."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hand events to `listener` from now on; call the result to end that."""
        self._listeners = (*self._listeners, listener)
        return lambda: self._unsubscribe(listener)

    def publish(self, event: Event) -> None:
        """Hand an event to everybody."""
        for listener in self._listeners:
            listener(event)

    def say(self, text: str) -> None:
        """Publish a problem."""
        self.publish(Problem(text))

    def _unsubscribe(self, listener: Listener) -> None:
        left = list(self._listeners)
        left.remove(listener)
        self._listeners = tuple(left)
