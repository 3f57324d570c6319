"""Golden plans: tests/cases/CASE/services.yaml compiles to exactly tests/cases/CASE/plan.yaml.

A case may have a target.yaml with stack, account and regions. A new case needs no code:
`pytest tests/test_cases.py --update` records its plan.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from framework import compiler
from framework.plan.plain import plain_plan
from framework.plan.target import Target
from tests.support.golden import matches
from tests.support.projects import ROOT, TARGET, TODAY

CASES = sorted(path.parent for path in Path(__file__).parent.glob("cases/*/services.yaml"))


def target_of(case: Path) -> Target:
    file = case / "target.yaml"
    if not file.is_file():
        return TARGET
    said = yaml.safe_load(file.read_text("utf-8"))
    return Target(said["stack"], said["account"], tuple(said["regions"]))


def recorded(file: Path, target: Target) -> str:
    document = compiler.check(file, TODAY).document(target.stack)
    target = replace(target, environment=document.environment)
    data = plain_plan(compiler.build(document, target), target)
    return yaml.safe_dump(data, sort_keys=False, width=110, allow_unicode=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, update: bool) -> None:
    matches(recorded(case / "services.yaml", target_of(case)), case / "plan.yaml", update)


def test_sample(update: bool) -> None:
    sample = Path(__file__).parent / "cases" / "sample.yaml"
    matches(recorded(ROOT / "services.yaml", TARGET), sample, update)
