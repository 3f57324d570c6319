"""The pages hold together: links lead somewhere, and commands are ones that the command line takes.

In: README.md, CONTRIBUTING.md, CHANGELOG.md and everything under docs/. A command is a line of a
fenced block that runs `services`; only its words are looked at, nothing is run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from framework.commands import services
from tests.support.projects import ROOT

AT_THE_TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")

PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / name for name in AT_THE_TOP)])

every_page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix()
)

_FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INLINE_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.*?) *$", re.MULTILINE)
_COMMAND = re.compile(r"^(?:\$ |- run: )?(?:\S*/)?services (\S.*)$")
_SHELL = ("", "console", "sh", "bash", "yaml")
"""Languages of blocks that may hold commands; blocks of output may have none."""

_ENDS = re.compile(r"\s(?:\||>|&&|;|#|2>).*$|\s{3,}\S.*$")
"""Where a command ends: a pipe, a redirection, a comment, or a wide gap before an explanation."""


def prose(page: Path) -> str:
    """The text of a page without its blocks of code."""
    return _FENCE.sub("", page.read_text("utf-8"))


def links(page: Path) -> Iterator[str]:
    """Where the page's links lead, other sites left out."""
    for target in _LINK.findall(_INLINE_CODE.sub("", prose(page))):
        if not re.match(r"[a-z]+:", target):
            yield unquote(target)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them; equal ones are numbered."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(page)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        number = next(n for n in range(1000) if (f"{anchor}-{n}" if n else anchor) not in found)
        found.add(f"{anchor}-{number}" if number else anchor)
    return found


def broken(page: Path) -> Iterator[str]:
    """The links of a page that lead nowhere."""
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        inside = file.is_relative_to(ROOT)
        if not (inside and file.exists() and (not anchor or anchor in anchors(file))):
            yield target


def commands(page: Path) -> Iterator[str]:
    """The words behind `services` of every command in the page's blocks; continued lines joined."""
    for language, text in _FENCE.findall(page.read_text("utf-8")):
        if language in _SHELL:
            for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines():
                found = _COMMAND.match(line.strip())
                if found:
                    yield _ENDS.sub("", found[1]).strip()


def misused(command: str) -> str | None:
    """What the command line says against a command's words, without running it."""
    words = shlex.split(command)
    known: click.Command = services
    context = click.Context(known, info_name="services")
    while isinstance(known, click.Group) and words and not words[0].startswith("-"):
        found = known.get_command(context, words[0])
        if found is None:
            return f"no such verb: {words[0]}"
        known, words = found, words[1:]
        context = click.Context(known, info_name=known.name, parent=context)
    return _refused(known, context, words)


def _refused(known: click.Command, context: click.Context, words: list[str]) -> str | None:
    """What a verb says against the words behind it: options and choices, not their values."""
    try:
        values, rest, _ = known.make_parser(context).parse_args(words)
        for parameter in known.get_params(context):
            given = values.get(parameter.name or "")
            if isinstance(parameter.type, click.Choice) and isinstance(given, str):
                parameter.type.convert(given, parameter, context)
    except click.UsageError as error:
        return error.format_message()
    return f"unexpected words: {rest}" if rest else None


@every_page
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    assert list(broken(page)) == []


@every_page
def test_commands_are_known(page: Path) -> None:
    wrong = {command: said for command in commands(page) if (said := misused(command))}
    assert wrong == {}


def test_wrong_links_and_commands_are_noticed(tmp_path: Path) -> None:
    assert misused("plan --jsno") is not None
    assert misused("paln") == "no such verb: paln"
    assert misused("plan --format yaml") is not None
    assert misused("plan one two") == "unexpected words: ['two']"
    assert misused("plan other/services.yaml --json") is None
    written = tmp_path / "page.md"
    written.write_text(
        "# One thing\n[a](#one-thing) [b](#another) `[c](d)`\n```console\n$ services plan  # it\n"
        "$ services plan --stack \\\n  prod | jq .x\n```\n",
        "utf-8",
    )
    assert list(links(written)) == ["#one-thing", "#another"]
    assert anchors(written) == {"one-thing"}
    assert list(commands(written)) == ["plan", "plan --stack prod"]
