"""`services validate`: checks services.yaml. Needs no network, no credentials, no pulumi."""

from __future__ import annotations

import sys

import click

from framework import compiler
from framework.commands.options import chosen, file_argument
from framework.commands.output import TEXT_FORMATS, count, print_problems
from framework.commands.project_schema import keep_fresh
from framework.compiler import Checked
from framework.language.formats import FORMATS
from framework.language.problems import Rejected


@click.command()
@file_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(tuple(FORMATS)),
    help="How problems are printed.  [default: full on a terminal, concise elsewhere]",
)
def validate(file: str | None, option: str | None, form: str | None) -> None:
    """Check services.yaml: every mistake at once, with its line.

    Checks the form, the names that entries refer to, and that every handler is there, without
    importing it. Needs no network and no credentials. Exit code 0: fine, 1: there are problems.
    Where services.yaml begins by naming a schema of the project's own, that is kept up to date.

    \b
    services validate
    services validate other/services.yaml
    services validate --format github
    services validate --format sarif > services.sarif
    """
    path = chosen(file, option)
    keep_fresh(path)
    try:
        checked = compiler.check(path)
    except Rejected as rejected:
        print_problems(rejected.problems, form)
        sys.exit(1)
    print_problems(checked.warnings, form)
    if form is None or form in TEXT_FORMATS:
        click.echo(f"{checked.any.source.file}: fine, {_contents(checked)}")


def _contents(checked: Checked) -> str:
    maps = [section.name for section in compiler.sections() if not section.single]
    sizes = {name: len(checked.any.sections[name]) for name in maps}
    found = [count(number, name.removesuffix("s")) for name, number in sizes.items() if number]
    if "" not in checked.documents:
        found.append(count(len(checked.documents), "environment"))
    return ", ".join(found) or "though there is nothing in it yet"
