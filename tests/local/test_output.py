"""What of a handler's output is shown."""

from __future__ import annotations

import pytest

from framework.local.output import LONGEST_LINE, MOST_OUTPUT, Output

CUT = "... the rest of this invocation's output is not shown"


def shown(*parts: bytes) -> list[str]:
    said: list[str] = []
    output = Output(said.append)
    for part in parts:
        output.data_received(part)
    output.connection_lost(None)
    return said


@pytest.mark.parametrize(
    ("parts", "lines"),
    [
        ([b"one\ntwo\n"], ["one", "two"]),
        ([b"on", b"e\ntw", b"o\n"], ["one", "two"]),
        ([b"one"], ["one"]),
        ([b"\xff\n"], ["�"]),
        ([b"\n"], [""]),
        ([], []),
    ],
)
def test_lines_are_shown_whole(parts: list[bytes], lines: list[str]) -> None:
    assert shown(*parts) == lines


@pytest.mark.parametrize("parts", [[b"x" * 9_000 + b"\nend\n"], [b"x" * 9_000, b"x\nend\n"]])
def test_a_long_line_is_cut(parts: list[bytes]) -> None:
    assert shown(*parts) == [f"{'x' * LONGEST_LINE} ...", "end"]


def test_a_flood_is_cut_until_the_next_invocation() -> None:
    said: list[str] = []
    output = Output(said.append)
    for _ in range(10):
        output.data_received(b"x" * 99 + b"\n" + b"y" * 99 + b"\n")
        output.data_received((b"z" * 999 + b"\n") * 100)
    assert said[-1] == CUT
    assert sum(len(line) for line in said) < MOST_OUTPUT * 1.1

    output.begin_invocation()
    output.data_received(b"again\n")

    assert said[-1] == "again"
