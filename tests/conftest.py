"""What all tests share: the option that records golden files again."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="record golden files again")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be recorded again."""
    return bool(request.config.getoption("--update"))


@pytest.fixture(autouse=True)
def after_deploying() -> Iterator[None]:
    """A deploying program collects no garbage and ends at Ctrl-C; the tests' process lives on."""
    interrupted = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, interrupted)
    if not gc.isenabled():
        gc.unfreeze()
        gc.enable()
