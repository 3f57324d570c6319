"""`services schema`: the JSON Schema of services.yaml, for editors."""

from __future__ import annotations

from pathlib import Path

import click

from framework import compiler
from framework.commands.output import fail
from framework.language.reference import reference as reference_text
from framework.language.schema import schema_text

DEFAULT_PATH = "schema/services.schema.json"


@click.command()
@click.option(
    "--check",
    metavar="FILE",
    is_flag=False,
    flag_value=DEFAULT_PATH,
    help=f"Compare FILE with the schema instead of printing it.  [default FILE: {DEFAULT_PATH}]",
)
@click.option("--reference", is_flag=True, help="Print the reference for people instead.")
def schema(check: str | None, reference: bool) -> None:
    """Print the JSON Schema that editors check services.yaml with.

    Editors with the YAML language server read it where services.yaml begins with
    `# yaml-language-server: $schema=./schema/services.schema.json`.

    \b
    services schema > schema/services.schema.json
    services schema --check          exit code 1 where that file is older than this version
    services schema --reference      every section and field, as Markdown
    """
    if reference:
        click.echo(reference_text(compiler.sections()), nl=False)
        return
    text = schema_text(compiler.sections())
    if check is None:
        click.echo(text, nl=False)
        return
    if _read(Path(check)) != text:
        fail(f"{check} is not this version's schema: run  services schema > {check}")
    click.echo(f"{check} is this version's schema")


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
