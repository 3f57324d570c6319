"""Whole commands against each other: started in turn, so that a slow moment meets them all.

In: named commands. Out: for each the median of its wall time, and the median of its ratio to the
first, round by round. Ratios hold on another machine; times do not.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """The medians of one command: seconds, its ratio to the yardstick, peak memory in bytes."""

    seconds: float
    ratio: float
    memory: float = 0


def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class Command:
    """What is run, where, with which variables besides ours, and what is done before, untimed."""

    words: Sequence[str]
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] = _nothing


def measure(commands: Mapping[str, Command], rounds: int, warm: bool = True) -> dict[str, Figure]:
    """Runs every command once a round; the first one is the yardstick. One round may warm up."""
    yardstick = next(iter(commands))
    times: dict[str, list[float]] = {name: [] for name in commands}
    memory: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + warm):
        for name, command in commands.items():
            taken, peak = timed(command)
            if number >= warm:
                times[name].append(taken)
                memory[name].append(peak)
    return {
        name: Figure(
            statistics.median(taken),
            statistics.median(a / b for a, b in zip(taken, times[yardstick], strict=True)),
            statistics.median(memory[name]),
        )
        for name, taken in times.items()
    }


def timed(command: Command) -> tuple[float, float]:
    """Seconds of one run, and the peak memory of its process in bytes. Raises where it fails."""
    command.before()
    start = time.perf_counter()
    process = subprocess.Popen(
        command.words,
        cwd=command.folder,
        env={**os.environ, **command.variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    said = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    taken = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{' '.join(command.words)} failed:\n{said.decode(errors='replace')}")
    return taken, usage.ru_maxrss * 1024


def table(figures: Mapping[str, Figure], against: str) -> str:
    """The figures as a Markdown table; `against` says what the ratios are to."""
    rows = [
        f"| {name} | {_time(each.seconds)} | {each.ratio:.2f} | {each.memory / 2**20:,.0f} MB |"
        for name, each in figures.items()
    ]
    head = f"| what | median | ratio to {against} | peak memory |"
    return "\n".join([head, "|---|---|---|---|", *rows])


def _time(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms" if seconds < 10 else f"{seconds:,.1f} s"
