"""Golden comparisons: old and new of tests/diffs/CASE compare to exactly its expected.txt.

A side is a services.yaml (old.yaml) or, for what none can say, a plan (old.plan.yaml). A case may
have a target.yaml, or a new.target.yaml for one side. A new case needs no code:
`pytest tests/test_diffs.py --update` records what is printed.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from framework.commands import main
from framework.plan.plain import plain_plan, read_plan
from framework.plan.resource import Plan
from framework.plan.target import Target
from framework.plan.widening import RULES, Widening, name, widenings
from framework.plan.widening.rule import Rule
from tests.support.golden import matches
from tests.support.projects import ROOT, TARGET, planned, project

CASES = sorted(path for path in (ROOT / "tests" / "diffs").iterdir() if path.is_dir())


def target_of(case: Path, side: str) -> Target:
    for file in (case / f"{side}.target.yaml", case / "target.yaml"):
        if file.is_file():
            said = yaml.safe_load(file.read_text("utf-8"))
            return Target(said["stack"], said["account"], tuple(said["regions"]))
    return TARGET


def side_of(case: Path, side: str, folder: Path) -> tuple[Plan, Target]:
    by_hand = case / f"{side}.plan.yaml"
    if by_hand.is_file():
        return read_plan(yaml.safe_load(by_hand.read_text("utf-8")))
    folder.mkdir(parents=True)
    target = target_of(case, side)
    file = project(folder, (case / f"{side}.yaml").read_text("utf-8"))
    return planned(file, target), target


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(
    case: Path,
    update: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for side in ("old", "new"):
        plan, target = side_of(case, side, tmp_path / side)
        text = json.dumps(plain_plan(plan, target))
        (tmp_path / f"{side}.json").write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["diff", "old.json", "new.json", "--fail-on-widening"])
    printed = capsys.readouterr().out
    matches(f"{printed}\nexit code {ended.value.code}\n", case / "expected.txt", update)


@pytest.fixture(scope="module")
def both_ways(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, tuple[set[str], set[str]]]:
    """The rules that each case triggers, forwards and backwards."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for case in CASES:
        folder = tmp_path_factory.mktemp(case.name)
        old, new = (side_of(case, side, folder / side)[0] for side in ("old", "new"))
        found[case.name] = (rules(widenings(old, new)), rules(widenings(new, old)))
    return found


def rules(found: tuple[Widening, ...]) -> set[str]:
    return {each.rule for each in found}


BOTH_WAYS = {"authorization-kinds"}
"""Rules about what is neither wider nor narrower, but lets in others than before."""


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_every_rule_has_a_case_that_triggers_it_one_way_alone(
    rule: Rule, both_ways: dict[str, tuple[set[str], set[str]]]
) -> None:
    shown = [
        case
        for case, (forwards, backwards) in both_ways.items()
        if name(rule) in forwards and (name(rule) not in backwards or name(rule) in BOTH_WAYS)
    ]
    assert shown, f"no case of tests/diffs shows {name(rule)} forwards and not backwards"


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_every_rule_says_what_it_is_for(rule: Rule) -> None:
    assert rule.__doc__


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_plan_opens_nothing_beside_itself(case: Path, tmp_path: Path) -> None:
    plan, _ = side_of(case, "new", tmp_path / "new")
    assert widenings(plan, plan) == ()


PAGE = (ROOT / "docs" / "reading-the-plan.md").read_text("utf-8")


def test_the_page_shows_what_is_printed() -> None:
    printed = (ROOT / "tests" / "diffs" / "reading-the-plan" / "expected.txt").read_text("utf-8")
    assert f"```\n{printed.partition(chr(10) + 'exit code')[0].rstrip()}\n```" in PAGE


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_the_page_says_what_each_rule_is_for(rule: Rule) -> None:
    first = " ".join((rule.__doc__ or "").partition("\n\n")[0].split())
    assert f"| `{name(rule)}` | {first} |" in PAGE
