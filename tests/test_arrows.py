"""The rooms of the house and the arrows between them: who may import whom, and what.

In: every import statement under framework/, also those inside functions. A new room has to be
entered here before it can be imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.projects import ROOT

ARROWS: dict[str, set[str]] = {
    "language": set(),
    "plan": {"language", "data"},
    "data": set(),
    "kinds": {"language", "plan", "data"},
    "packaging": set(),
    "compiler": {"language", "plan", "kinds", "packaging", "data"},
    "deploy": {"language", "plan", "kinds", "compiler", "packaging"},
    "local": {"language", "plan", "compiler", "packaging"},
    "commands": {"language", "plan", "kinds", "compiler", "packaging", "deploy", "local", "data"},
    "testing": {"language", "local", "commands"},
    "__init__": {"deploy", "plan"},
    "__main__": {"commands"},
}

FOREIGN = {"pulumi": {"deploy"}, "pulumi_aws": set[str](), "moto": {"local"}, "boto3": {"local"}}
"""Packages that only some rooms may import."""

FILES = sorted((ROOT / "framework").rglob("*.py"))


def room_of(path: Path) -> str:
    first = path.relative_to(ROOT / "framework").parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the room"
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)


def rooms_imported(path: Path) -> set[str]:
    names = (name.split(".") for name in imported(path))
    inside = {parts[1] for parts in names if parts[0] == "framework" and len(parts) > 1}
    return inside & ARROWS.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_go_along_the_arrows(path: Path) -> None:
    room = room_of(path)
    assert rooms_imported(path) <= ARROWS[room] | {room}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_foreign_packages_stay_in_their_rooms(path: Path) -> None:
    packages = {name.partition(".")[0] for name in imported(path)}
    for package in packages & FOREIGN.keys():
        assert room_of(path) in FOREIGN[package], f"{package} is not for {room_of(path)}"


def test_handlers_import_nothing_of_the_framework() -> None:
    for path in (ROOT / "handlers").rglob("*.py"):
        assert not any(name.partition(".")[0] == "framework" for name in imported(path))


def test_a_wrong_arrow_is_noticed(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f():\n    from framework.deploy import program\n    import boto3\n")
    assert rooms_imported(wrong) == {"deploy"}
    assert "boto3" in imported(wrong)
