"""The ids of requests, invocations and traces."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from framework.local import ids


@pytest.mark.parametrize(
    ("make", "form"),
    [
        (ids.request_id, r"[A-Za-z0-9_-]{15}="),
        (ids.invocation_id, r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        (ids.trace_id, r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}"),
    ],
)
def test_ids_have_the_form_of_aws_and_differ(make: Callable[[], str], form: str) -> None:
    made = {make() for _ in range(1000)}

    assert len(made) == 1000
    assert all(re.fullmatch(form, each) for each in made)


@pytest.mark.parametrize("make", [ids.request_id, ids.invocation_id, ids.trace_id])
def test_ids_differ_though_a_test_seeds_its_own_randomness(make: Callable[[], str]) -> None:
    before = random.getstate()
    random.seed(0)
    first = make()
    random.seed(0)
    second = make()
    random.setstate(before)

    assert first != second
