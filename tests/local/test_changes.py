"""What has changed, in lines."""

from __future__ import annotations

import pytest

from framework.local.changes import changes
from framework.local.model import read
from tests.support.plans import PlanBuilder, allow, bucket_arn


def builder() -> PlanBuilder:
    return PlanBuilder().function("f", "app.f").route("GET /a", "f").bucket("b").parameter("p", "1")


@pytest.mark.parametrize(
    ("after", "lines"),
    [
        (builder(), []),
        (builder().route("GET /b", "f"), ["new routes.GET /b"]),
        (
            PlanBuilder().function("f", "app.f").bucket("b").parameter("p", "1"),
            ["gone routes.GET /a", "gone api"],
        ),
        (
            PlanBuilder()
            .function("f", "app.f", allow("s3:GetObject", f"{bucket_arn('b')}/*"))
            .route("GET /a", "f", permitted=False)
            .bucket("b", versioned=False)
            .parameter("p", "2"),
            [
                "changed functions.f",
                "changed routes.GET /a",
                "changed buckets.b",
                "changed parameters.p",
            ],
        ),
        (
            PlanBuilder(api={"corsConfiguration": {"allowOrigins": ["https://a.example"]}})
            .function("f", "app.f")
            .route("GET /a", "f")
            .bucket("b")
            .parameter("p", "1"),
            ["changed api"],
        ),
    ],
)
def test_the_lines(after: PlanBuilder, lines: list[str]) -> None:
    assert list(changes([read(builder().plan())], [read(after.plan())])) == lines
