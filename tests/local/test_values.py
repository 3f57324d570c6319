"""Values of a plan as plain data."""

from __future__ import annotations

import re

from framework.local.values import made_up, plain
from framework.plan.resource import Attr, Json, Secret, Text

API = Attr("api", "id")


def test_an_output_is_made_up_and_always_the_same() -> None:
    assert re.fullmatch(r"l[0-9a-f]{9}", made_up(API))
    assert made_up(API) == made_up(Attr("api", "id"))
    assert made_up(API) != made_up(Attr("api", "arn"))


def test_values_become_plain() -> None:
    secret = Secret(("parameters", "key"))

    assert plain({"a": (API, Text(("x/", API)), 5, None), "s": secret}) == {
        "a": [made_up(API), f"x/{made_up(API)}", 5, None],
        "s": secret,
    }
    assert plain(Json({"b": 1, "a": API})) == f'{{"a": "{made_up(API)}", "b": 1}}'
