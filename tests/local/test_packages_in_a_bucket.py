"""Functions whose packages go through a bucket run here from their source, like all others."""

from __future__ import annotations

from framework.local.model import read_all
from framework.plan.resource import Code
from tests.support.projects import ROOT, planned
from tests.test_cases import target_of

CASE = ROOT / "tests" / "cases" / "packages-in-a-bucket"


def test_the_packages_are_known_and_their_bucket_is_left_out() -> None:
    models = read_all(planned(CASE / "services.yaml", target_of(CASE)))
    assert [model.region for model in models] == ["eu-west-1", "us-east-1"]
    for model in models:
        assert {each.entry.partition("@")[0]: each.code for each in model.functions} == {
            "functions.render": Code("handlers/heavy", "python3.13", "arm64"),
            "functions.crop": Code("handlers/heavy", "python3.13", "arm64"),
            "functions.crop-intel": Code("handlers/heavy", "python3.13", "x86_64"),
            "functions.health": Code("handlers/light", "python3.13", "arm64"),
        }
        (bucket,) = model.buckets
        assert bucket.entry.partition("@")[0] == "buckets.artifacts"
