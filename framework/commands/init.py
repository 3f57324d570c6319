"""`services init`: a new project from nothing, which validates, runs and passes its tests."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from pydantic import TypeAdapter, ValidationError

from framework.commands import project_schema, scaffold
from framework.commands.output import count, fail
from framework.language.composer import compose
from framework.language.fields import Name
from framework.language.problems import printable

_LONGEST_NAME = 64


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="The service's name.  [default: from the folder's]")
def init(folder: Path, name: str | None) -> None:
    """Make a new project in DIR: one function with a route and a test, ready to run.

    With services.yaml come the handler, its test, what pulumi up needs, the settings that make
    editors complete and check services.yaml, and a workflow for GitHub. Nothing that is there
    already is changed: where one of the files exists, nothing is written.

    \b
    services init notes
    services init . --name notes
    """
    _reachable(folder)
    service = _valid(name) if name is not None else _named_after(folder)
    contents = dict(scaffold.project_files(service))
    source = compose(contents["services.yaml"].decode(), "services.yaml")
    contents[project_schema.PATH] = project_schema.schema_for(source).encode()
    _refuse(folder, contents)
    try:
        scaffold.write_all({folder / path: content for path, content in contents.items()})
    except OSError as error:
        fail(f"cannot write {error.filename}: {(error.strerror or 'unknown reason').lower()}")
    click.echo(f"service {service}: {count(len(contents), 'file')} in {folder}\n\n{_next(folder)}")


def _reachable(folder: Path) -> None:
    """Ends with a line for a name that no folder can have, and for links in a circle."""
    try:
        folder.resolve().exists()
    except (OSError, RuntimeError, ValueError):
        fail(f"{printable(str(folder))} can be no folder")


def _valid(name: str) -> str:
    try:
        return TypeAdapter(Name).validate_python(name)
    except ValidationError as error:
        raise click.UsageError(error.errors()[0]["msg"]) from None


def _named_after(folder: Path) -> str:
    """The folder's name as a service's; on a terminal it can be changed."""
    words = re.sub("[^a-z0-9]+", "-", folder.resolve().name.lower())
    suggested = words.lstrip("-0123456789")[:_LONGEST_NAME].strip("-") or "service"
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return suggested
    named: str = click.prompt("The service's name", default=suggested, value_proc=_valid)
    return named


def _refuse(folder: Path, contents: Mapping[str, bytes]) -> None:
    if folder.exists() and not folder.is_dir():
        fail(f"{folder} is no folder")
    for each in sorted({(folder / path).parent for path in contents}):
        if not each.resolve().is_relative_to(folder.resolve()):
            fail(f"nothing written: {each} leads out of it")
    if taken := scaffold.in_the_way(folder, contents):
        fail(f"nothing written: {folder} already has {', '.join(taken)}")


def _next(folder: Path) -> str:
    enter = [] if folder.resolve() == Path.cwd() else [f"cd {folder}"]
    steps = [
        *enter,
        "services validate      # every mistake, with its line",
        "services local         # the service on this machine, without AWS",
        "python -m pytest       # the tests; pip install -r requirements-dev.txt brings pytest",
        'services add function NAME --route "GET /path" --auth none',
    ]
    return "Next:\n" + "\n".join(f"  {step}" for step in steps)
