"""Token buckets by an own clock."""

from __future__ import annotations

from dataclasses import dataclass

from framework.local.model import Throttle, read
from framework.local.throttle import Throttles, TokenBucket
from tests.support.plans import PlanBuilder


@dataclass
class Clock:
    """A clock that goes when it is told."""

    now: float = 0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    clock = Clock()
    bucket = TokenBucket(Throttle(rate=2, burst=3), clock)

    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    clock.now = 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]
    clock.now = 100
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_a_route_with_limits_has_a_bucket_of_its_own() -> None:
    builder = PlanBuilder(
        stage={
            "defaultRouteSettings": {"throttlingRateLimit": 1, "throttlingBurstLimit": 2},
            "routeSettings": [
                {"routeKey": "GET /own", "throttlingRateLimit": 1, "throttlingBurstLimit": 1}
            ],
        }
    ).function("f", "app.f")
    for key in ("GET /own", "GET /a", "GET /b"):
        builder.route(key, "f")
    api = read(builder.plan()).api
    assert api is not None
    own, a, b = api.routes
    throttles = Throttles(api, Clock())

    assert [throttles.admit(route) for route in (own, own, a, b, a)] == [
        True,
        False,
        True,
        True,
        False,
    ]


def test_a_stage_without_limits_admits_everything() -> None:
    builder = PlanBuilder(stage={"defaultRouteSettings": {}}).function("f", "app.f")
    api = read(builder.route("GET /a", "f").plan()).api
    assert api is not None
    throttles = Throttles(api, Clock())

    assert all(throttles.admit(api.routes[0]) for _ in range(10_000))
