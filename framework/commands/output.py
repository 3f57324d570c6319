"""What verbs print: problems with their lines, and counts in words.

In: located problems. Out: lines on standard output; on a terminal with the source line and a caret.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from framework.language.problems import HIDDEN, Located, printable

MOST_PROBLEMS = 20
"""More than this scroll the first one away, which is the one to mend first."""


def print_problems(problems: Sequence[Located]) -> None:
    """Prints problems in file order, at most `MOST_PROBLEMS`."""
    for problem in problems[:MOST_PROBLEMS]:
        click.echo(str(problem))
        if sys.stdout.isatty() and not _may_be_secret(problem):
            _print_snippet(problem)
    if len(problems) > MOST_PROBLEMS:
        click.echo(f"and {len(problems) - MOST_PROBLEMS} more")


def _may_be_secret(problem: Located) -> bool:
    """Whether the line may hold a secret by mistake; then the place alone has to do."""
    return any(step in HIDDEN for step in re.split(r"[^A-Za-z_]+", problem.where))


def _print_snippet(problem: Located) -> None:
    line = _line(problem)
    if line is None:
        return
    end = problem.end_column if problem.end_line == problem.line else len(line) + 1
    number = str(problem.line)
    carets = "^" * max(1, min(end, len(line) + 1) - problem.column)
    colour = None if "NO_COLOR" not in os.environ else False
    click.secho(f"  {number} | ", dim=True, nl=False, color=colour)
    click.echo(printable(line, most=400))
    blanks = " " * (len(number) + 5 + problem.column - 1)
    click.echo(blanks + click.style(carets, fg="red"), color=colour)


def _line(problem: Located) -> str | None:
    """The line as the problem counts it: U+0085 and U+2028 end none."""
    try:
        text = Path(problem.file).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
    lines = re.split(r"\r\n|\n|\r", text)
    return lines[problem.line - 1] if problem.line <= len(lines) else None


def count(number: int, thing: str) -> str:
    """A number of things in words: "1 route", "3 routes"."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def fail(message: str) -> None:
    """One clear line about a mistake that is not in services.yaml, and exit code 1."""
    click.echo(f"services: {message}", err=True)
    sys.exit(1)
