"""Whole commands against each other: started in turn, so that a slow moment meets them all.

In: named commands. Out: for each the median of its wall time, and the median of its ratio to the
first, round by round. Ratios hold on another machine; times do not.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """The medians of one command: seconds, and its ratio to the yardstick."""

    seconds: float
    ratio: float


def measure(
    commands: Mapping[str, Sequence[str]], folder: Path, rounds: int = 15
) -> Mapping[str, Figure]:
    """Runs every command once a round; the first one is the yardstick. One round warms up."""
    yardstick = next(iter(commands))
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            taken = _run(command, folder)
            if number:
                times[name].append(taken)
    return {
        name: Figure(
            statistics.median(taken),
            statistics.median(a / b for a, b in zip(taken, times[yardstick], strict=True)),
        )
        for name, taken in times.items()
    }


def _run(command: Sequence[str], folder: Path) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def table(figures: Mapping[str, Figure]) -> str:
    """The figures as a Markdown table."""
    rows = [
        f"| {name} | {each.seconds * 1000:,.0f} ms | {each.ratio:.2f} |"
        for name, each in figures.items()
    ]
    return "\n".join(["| what | median | ratio |", "|---|---|---|", *rows])
