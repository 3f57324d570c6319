"""Throttling as a stage does it: one token bucket for each route with limits of its own, and one
for all the others together (API Gateway developer guide, "Throttle requests to your HTTP APIs").
"""

from __future__ import annotations

import time
from collections.abc import Callable

from framework.local.model import Api, Route, Throttle


class TokenBucket:
    """`burst` tokens at most, `rate` new ones a second, one for each request."""

    def __init__(self, throttle: Throttle, clock: Callable[[], float] = time.monotonic) -> None:
        self.throttle = throttle
        self.clock = clock
        self.tokens = throttle.burst
        self.filled = clock()

    def take(self) -> bool:
        """Whether there was a token left."""
        now = self.clock()
        new = (now - self.filled) * self.throttle.rate
        self.tokens = min(self.throttle.burst, self.tokens + new)
        self.filled = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Throttles:
    """The buckets of one stage."""

    def __init__(self, api: Api, clock: Callable[[], float] = time.monotonic) -> None:
        self.stage = TokenBucket(api.throttle, clock) if api.throttle else None
        self.routes = {
            route.key: TokenBucket(route.throttle, clock) for route in api.routes if route.throttle
        }

    def admit(self, route: Route) -> bool:
        """Whether a request on `route` may pass now."""
        bucket = self.routes.get(route.key, self.stage)
        return bucket is None or bucket.take()
