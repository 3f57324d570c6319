"""Which route takes a request: API Gateway's precedence for HTTP APIs.

In: the routes of an API. Out: `Router.match`. The rules (API Gateway developer guide, "Develop
routes for HTTP APIs"): a full match before a greedy one, a greedy one before `$default`; among
equals more literal segments first, then an explicit method before ANY. A greedy part takes what
comes after its slash, even nothing (`/` on `ANY /{proxy+}` arrives with `"proxy": ""`, as recorded
from AWS); no other part of a path is ever empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from framework.local.model import Route


class Match(NamedTuple):
    """The route that takes a request, with the decoded parts of its path."""

    route: Route
    parameters: Mapping[str, str]


class Router:
    """The routes of one API in order of precedence."""

    def __init__(self, routes: Iterable[Route]) -> None:
        patterns = [_Pattern(route) for route in routes if route.path]
        self.patterns = sorted(patterns, key=lambda pattern: pattern.rank)
        # Nothing comes before a route without variables, but the same path with an explicit method.
        plain = [route for route in routes if route.path and "{" not in route.path]
        self.plain = {(route.method, route.path): Match(route, {}) for route in plain}
        self.default = next((route for route in routes if not route.path), None)

    def match(self, method: str, path: str) -> Match | None:
        """The route for a method and a path that is still percent-encoded, None where none is."""
        if "%" not in path:
            found = self.plain.get((method, path)) or self.plain.get(("ANY", path))
            if found is not None:
                return found
        segments = [unquote(segment) for segment in path.split("/")[1:]]
        for pattern in self.patterns:
            if pattern.method in (method, "ANY"):
                parameters = pattern.match(segments)
                if parameters is not None:
                    return Match(pattern.route, parameters)
        return Match(self.default, {}) if self.default else None


class _Pattern:
    def __init__(self, route: Route) -> None:
        self.route = route
        self.method = route.method
        self.parts = route.path.split("/")[1:]
        self.greedy = self.parts[-1].endswith("+}")

    @property
    def rank(self) -> tuple[bool, int, list[bool], bool]:
        """What sorts before comes first."""
        names = [part.startswith("{") for part in self.parts]
        return self.greedy, names.count(True) - len(names), names, self.method == "ANY"

    def match(self, segments: list[str]) -> dict[str, str] | None:
        parts = self.parts
        if self.greedy:
            head = len(parts) - 1
            if len(segments) <= head:
                return None
            segments = [*segments[:head], "/".join(segments[head:])]
        if len(parts) != len(segments):
            return None
        return _parameters(parts, segments)


def _parameters(parts: list[str], segments: list[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for part, segment in zip(parts, segments, strict=True):
        if part.startswith("{"):
            if not segment and not part.endswith("+}"):
                return None
            found[part.strip("{}").removesuffix("+")] = segment
        elif part != segment:
            return None
    return found
