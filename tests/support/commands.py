"""Runs the command line in this process, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from framework.commands import main


@dataclass(frozen=True)
class Ran:
    """One run: its exit code and what it printed."""

    code: object
    out: str
    err: str


Services = Callable[..., Ran]
"""Runs `services WORDS`."""


def run_main(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> Ran:
    """One run of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    printed = capsys.readouterr()
    return Ran(ended.value.code, printed.out, printed.err)
