"""docs/deploying.md: its example of a transform, run on the in-process engine as it stands."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from tests.support.monitor import run
from tests.support.projects import ROOT, project

SERVICE = """\
service: shop
functions:
  order: {handler: app.main}
  pack: {handler: app.main}
"""


def test_the_transform_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "deploying.md").read_text("utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    project(tmp_path, SERVICE)
    (tmp_path / "__main__.py").write_text(program, "utf-8")
    monkeypatch.chdir(tmp_path)

    done = run(lambda: runpy.run_path("__main__.py"), config={"aws:region": "eu-west-1"})

    assert done.error is None
    bounded = {
        name: each.inputs["permissionsBoundary"]
        for name, each in done.registered.items()
        if "permissionsBoundary" in each.inputs
    }
    assert bounded == dict.fromkeys(
        ("functions.order/role", "functions.pack/role"),
        "arn:aws:iam::123456789012:policy/developers",
    )
    assert done.outputs["roles"] == ["shop-dev-order-eu-west-1", "shop-dev-pack-eu-west-1"]
