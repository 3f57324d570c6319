"""Every recipe is checked and planned as it stands; its Python is run where it needs no AWS."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from framework import Plan, Resource, compiler
from framework.plan.target import Target
from tests.support.projects import ROOT, TODAY

PAGE = (ROOT / "docs" / "recipes.md").read_text("utf-8")
PARTS = {part.partition("\n")[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}


def block(part: str, language: str) -> str | None:
    found = re.search(rf"^```{language}\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
    return found.group(1) if found else None


def plans(folder: Path, text: str) -> list[Plan]:
    """The plans of all environments; the handlers that the file names are made."""
    (folder / "services.yaml").write_text(text, "utf-8")
    (folder / "handlers").mkdir()
    for function in yaml.safe_load(text)["functions"].values():
        module, _, name = function["handler"].rpartition(".")
        file = folder / "handlers" / f"{module}.py"
        written = file.read_text("utf-8") if file.exists() else ""
        file.write_text(f"{written}def {name}(event, context): ...\n", "utf-8")
    checked = compiler.check(folder / "services.yaml", TODAY)
    assert checked.warnings == ()
    return [
        compiler.build(document, Target(name or "dev", "123456789012", ("eu-west-1",)))
        for name, document in checked.documents.items()
    ]


def test_there_are_ten() -> None:
    assert len(PARTS) == 10


@pytest.mark.parametrize("title", PARTS)
def test_recipe(title: str, tmp_path: Path) -> None:
    text = block(PARTS[title], "yaml")
    assert text is not None
    assert all(plan.resources for plan in plans(tmp_path, text))


def run(title: str) -> dict[str, object]:
    code = block(PARTS[title], "python")
    assert code is not None
    names: dict[str, object] = {}
    exec(compile(code, "recipe", "exec"), names)
    return names


def test_the_transform_changes_its_bucket_alone(tmp_path: Path) -> None:
    title = "What services.yaml cannot say"
    transform: Callable[[Resource], Resource] = run(title)["transform"]  # type: ignore[assignment]
    (plan,) = plans(tmp_path, block(PARTS[title], "yaml") or "")
    changed = plan.transformed(transform)
    different = [a.key for a, b in zip(changed.resources, plan.resources, strict=True) if a != b]
    assert different == ["buckets.documents"]
    assert changed.by_key["buckets.documents"].inputs["objectLockEnabled"] is True


def test_settings_are_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (plan,) = plans(tmp_path, block(PARTS["Settings as JSON"], "yaml") or "")
    environment = plan.by_key["functions.api"].inputs["environment"]
    assert isinstance(environment, dict)
    monkeypatch.setenv("SHIPPING", environment["variables"]["SHIPPING"])
    assert run("Settings as JSON")["SHIPPING"] == {"countries": ["DE", "FR"], "free_from": 50}


def test_the_secret_is_read_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    title = "A secret key for another service"
    (plan,) = plans(tmp_path, block(PARTS[title], "yaml") or "")
    environment = plan.by_key["functions.pay"].inputs["environment"]
    assert isinstance(environment, dict)
    assert environment["variables"] == {"PAYMENT_KEY_PARAMETER": "/shop/dev/payment-key"}
    assert "PAYMENT_KEY_PARAMETER" in (block(PARTS[title], "python") or "")
