"""`services local`: the service on this machine, as it will be on AWS, with no account."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework import compiler
from framework.commands.options import chosen, file_argument, target_for
from framework.commands.output import fail, print_problems
from framework.compiler import Checked
from framework.language import environments
from framework.language.document import Document
from framework.plan.resource import Code, Plan, Secret

if TYPE_CHECKING:
    from framework.local.service import Settings

STACK = "local"
"""The stack's name here; it is part of every name, so nothing is taken for the deployed one."""


@click.command()
@file_argument
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port to serve the API on; 0 takes a free one.",
)
@click.option(
    "--jwks",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the keys of every JWT authorizer, instead of the issuers' own.",
)
@click.option(
    "--environment",
    metavar="NAME",
    help="The environment to run, where there are some: local, dev or the first without this.",
)
@click.option("--quiet", is_flag=True, help="Print no line for each request.")
def local(
    file: str | None,
    option: str | None,
    port: int,
    jwks: Path | None,
    environment: str | None,
    quiet: bool,
) -> None:
    """Run the service on this machine: no account, no Docker, no login.

    The API answers on http://127.0.0.1:PORT as API Gateway would. Each function runs in a process
    of its own, with exactly the permissions of its policy; S3 and SSM are simulated. Secret
    parameters get made-up values. A changed handler runs at the next request. Ctrl-C ends it all.

    \b
    services local
    services local --port 8080
    """
    from framework.local.errors import LocalError
    from framework.local.service import Settings

    checked = compiler.check(chosen(file, option))
    print_problems(checked.warnings)
    settings = Settings(port=port, jwks=jwks, quiet=quiet)
    try:
        _serve(_document(checked, environment), settings)
    except LocalError as error:
        fail(str(error))


def _document(checked: Checked, environment: str | None) -> Document:
    if environment is not None:
        return checked.document(environment)
    for name in (STACK, "dev"):
        if environments.chosen(checked.documents, name):
            return checked.document(name)
    return checked.any


def _serve(document: Document, settings: Settings) -> None:
    from framework.local.service import serve

    plan = compiler.build(document, target_for(document, STACK).target)
    serve(
        plan,
        settings,
        import_paths=_import_paths(document, plan).__getitem__,
        secrets=_made_up,
        announce=click.echo,
    )


def _import_paths(document: Document, plan: Plan) -> Mapping[Code, tuple[Path, ...]]:
    """The requirements are installed for the Python that will run them, which may be another."""
    from framework.local.interpreters import interpreter_for

    return compiler.import_paths(
        document, plan, lambda runtime: interpreter_for(runtime).executable
    )


def _made_up(secret: Secret) -> str:
    return secrets.token_urlsafe(24)
