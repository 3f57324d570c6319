"""Signals to a group of processes, noted instead of sent."""

from __future__ import annotations

import os

import pytest


def recording(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Groups and signals, from now on."""
    killed: list[tuple[int, int]] = []

    def kill(group: int, number: int) -> None:
        killed.append((group, number))

    monkeypatch.setattr(os, "killpg", kill)
    return killed
