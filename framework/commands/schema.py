"""`services schema`: the JSON Schema of services.yaml, for editors; or one project's own."""

from __future__ import annotations

from pathlib import Path

import click

from framework import compiler
from framework.commands import project_schema, scaffold
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
@click.option(
    "--for",
    "project",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The schema for this services.yaml: it also completes the names in it.",
)
@click.option(
    "-o", "out", metavar="FILE", type=click.Path(path_type=Path), help="Write it to FILE."
)
@click.option("--reference", is_flag=True, help="Print the reference for people instead.")
def schema(check: str | None, project: Path | None, out: Path | None, reference: bool) -> None:
    """Print the JSON Schema that editors check services.yaml with.

    Editors with the YAML language server read it where services.yaml begins with
    `# yaml-language-server: $schema=./schema/services.schema.json`. With --for it knows the
    project's functions, authorizers, buckets and parameters; services validate keeps such a
    schema up to date where services.yaml begins by naming it.

    \b
    services schema > schema/services.schema.json
    services schema --check          exit code 1 where that file is older than this version
    services schema --for services.yaml -o schema/project.schema.json
    services schema --reference      every section and field, as Markdown
    """
    if reference:
        click.echo(reference_text(compiler.sections()), nl=False)
        return
    text = _text(project)
    if check is not None:
        _check(Path(check), text, project)
    elif out is not None:
        _write(out, text)
    else:
        click.echo(text, nl=False)


def _text(project: Path | None) -> str:
    if project is None:
        return schema_text(compiler.sections())
    return project_schema.schema_for(compiler.read(project))


def _check(file: Path, text: str, project: Path | None) -> None:
    if _read(file) == text:
        click.echo(f"{file} is this version's schema")
    elif project is None:
        fail(f"{file} is not this version's schema: run  services schema > {file}")
    else:
        fail(f"{file} is old: run  services schema --for {project} -o {file}")


def _write(file: Path, text: str) -> None:
    try:
        scaffold.write_all({file: text.encode()})
    except OSError as error:
        fail(f"cannot write {file}: {(error.strerror or 'unknown reason').lower()}")


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
