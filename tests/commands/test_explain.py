"""`services explain`: golden texts, and what it answers to a name that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.commands import main
from tests.support.golden import matches
from tests.support.projects import ROOT

GOLDEN = Path(__file__).parent / "explain"
SHOP = "tests/cases/environments-prod/services.yaml"

CASES = {
    "sample-function": ["functions.read-note"],
    "sample-route": ["routes.GET /notes/{id}"],
    "sample-bucket": ["buckets.notes"],
    "sample-api": ["api"],
    "environment": ["functions.order", "--stack", "prod", "--file", SHOP],
    "environment-api": ["api", "--stack", "prod", "--file", SHOP],
}


@pytest.mark.parametrize("case", CASES)
def test_explained(
    case: str, update: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        main(["explain", *CASES[case], "--region", "eu-west-1"])
    assert ended.value.code == 0
    matches(capsys.readouterr().out, GOLDEN / f"{case}.txt", update)


def test_an_entry_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        main(["explain", "buckets.note"])
    assert ended.value.code == 2
    said = "there is no entry 'buckets.note', did you mean 'buckets.notes'?"
    assert said in capsys.readouterr().err
