"""`services validate`: checks services.yaml. Needs no network, no credentials, no pulumi."""

from __future__ import annotations

import click

from framework import compiler
from framework.commands.options import chosen, file_argument
from framework.commands.output import count, print_problems
from framework.compiler import Checked


@click.command()
@file_argument
def validate(file: str | None, option: str | None) -> None:
    """Check services.yaml: every mistake at once, with its line.

    Checks the form, the names that entries refer to, and that every handler is there, without
    importing it. Needs no network and no credentials. Exit code 0: fine, 1: there are problems.

    \b
    services validate
    services validate other/services.yaml
    """
    checked = compiler.check(chosen(file, option))
    print_problems(checked.warnings)
    click.echo(f"{checked.any.source.file}: fine, {_contents(checked)}")


def _contents(checked: Checked) -> str:
    maps = [section.name for section in compiler.sections() if not section.single]
    sizes = {name: len(checked.any.sections[name]) for name in maps}
    found = [count(number, name.removesuffix("s")) for name, number in sizes.items() if number]
    if "" not in checked.documents:
        found.append(count(len(checked.documents), "environment"))
    return ", ".join(found) or "though there is nothing in it yet"
