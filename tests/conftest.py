"""What all tests share: the option that records golden files again."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="record golden files again")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be recorded again."""
    return bool(request.config.getoption("--update"))


@pytest.fixture(autouse=True)
def garbage_collection() -> Iterator[None]:
    """A deploying program switches it off for its short life; the tests' process lives on."""
    yield
    if not gc.isenabled():
        gc.unfreeze()
        gc.enable()
