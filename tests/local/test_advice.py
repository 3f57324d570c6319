"""The verbs that local mode advises are exactly those that the kinds grant."""

from __future__ import annotations

from framework import compiler
from framework.kinds import KINDS
from framework.kinds.kind import Context
from framework.local.advice import VERBS
from tests.support.projects import ROOT, TARGET, TODAY

CASE = ROOT / "tests" / "cases" / "two-functions-one-bucket" / "services.yaml"


def granted() -> dict[str, str]:
    """Every action -> the verb that grants it, asked of the kinds themselves."""
    documents = [compiler.check(file, TODAY).any for file in (CASE, ROOT / "services.yaml")]
    found: dict[str, str] = {}
    for document in documents:
        context = Context(document, TARGET, TARGET.home, KINDS)
        for kind in KINDS:
            for name in document.sections[kind.section.name]:
                for verb, grant in kind.grants.items():
                    actions = (a for each in grant(context, name, "") for a in each.actions)
                    found.update(dict.fromkeys(actions, verb))
    return found


def test_the_advised_verbs_are_those_of_the_kinds() -> None:
    assert granted() == dict(VERBS)
