"""Fixtures of the tests that run the real `pulumi` command.

Out: `stack`, an empty project in a temporary folder with the stand-in provider. Every test in this
folder is marked `engine`, and skipped with the reason where the command is not on PATH.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.engine.stack import Stack

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder; pytest hands over those of every folder."""
    absent = shutil.which("pulumi") is None
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.engine)
            if absent:
                item.add_marker(pytest.mark.skip(reason="the pulumi command is not on PATH"))


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """A stack named dev without a project yet: `copy_project` or `write_project` comes first."""
    return Stack(tmp_path)
