"""Golden messages: `services validate CASE.yaml` in tests/errors prints exactly CASE.txt.

A new case needs no code: `pytest tests/test_errors.py --update` records its text.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Self

import pytest

from framework.commands import main
from tests.support.golden import matches
from tests.support.projects import TODAY

CASES = sorted(Path(__file__).parent.glob("errors/*.yaml"))


class Today(date):
    """The day on which all cases are checked."""

    @classmethod
    def today(cls) -> Self:
        return cls(TODAY.year, TODAY.month, TODAY.day)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_mistake(
    case: Path, update: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(case.parent)
    monkeypatch.setattr("framework.compiler.date", Today)
    before = sorted(case.parent.iterdir())
    with pytest.raises(SystemExit) as ended:
        main(["validate", case.name])
    printed = capsys.readouterr()
    matches(printed.out, case.with_suffix(".txt"), update)
    assert ended.value.code == 1
    assert printed.err == ""
    assert "Traceback" not in printed.out
    assert update or sorted(case.parent.iterdir()) == before


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 20
