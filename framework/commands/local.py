"""`services local`: the service on this machine, as it will be on AWS, with no account."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework import compiler
from framework.commands.options import chosen, file_argument, target_for
from framework.commands.output import fail, print_problems
from framework.compiler import Checked
from framework.language import environments
from framework.language.document import Document
from framework.language.problems import Rejected
from framework.plan.resource import Code, Plan, Secret

if TYPE_CHECKING:
    from framework.local.compiled import Compiled

STACK = "local"
"""The stack's name here; it is part of every name, so nothing is taken for the deployed one."""


@click.command()
@file_argument
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port to serve the API on, further regions on those after it; 0 takes free ones.",
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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, for scripts.")
def local(
    file: str | None,
    option: str | None,
    port: int,
    jwks: Path | None,
    environment: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run the service on this machine: no account, no Docker, no login.

    The API answers on http://127.0.0.1:PORT as API Gateway would. Each function runs in a process
    of its own, with exactly the permissions of its policy; S3 and SSM are simulated. Secret
    parameters get made-up values. A changed handler runs at the next request, and a changed
    services.yaml is followed; while it has mistakes, the service goes on as it was. Ctrl-C ends it.

    \b
    services local
    services local --port 8080
    """
    from framework.local.errors import LocalError, Mistakes
    from framework.local.events import Feed
    from framework.local.service import Settings, serve
    from framework.local.terminal import json_lines, text_lines

    project = Project(chosen(file, option), environment)
    checked = project.check()
    if not as_json:
        print_problems(checked.warnings)
    feed = Feed(json_lines(click.echo) if as_json else text_lines(click.echo, quiet))
    try:
        serve(project, Settings(port=port, jwks=jwks), feed)
    except (LocalError, Mistakes) as error:
        fail(str(error))


@dataclass
class Project:
    """One services.yaml as local mode runs it; calling it reads the file as it is now.

    `environment` is the one to run, None for local, dev or the first.
    """

    file: Path
    environment: str | None = None
    checked: Checked | None = None

    def check(self) -> Checked:
        """Check the file, once before the first call. Raises `Rejected`."""
        self.checked = compiler.check(self.file)
        return self.checked

    def __call__(self) -> Compiled:
        """Read the file. Raises `Mistakes` in the words of `services validate`."""
        from framework.local.errors import Mistakes

        try:
            checked, self.checked = self.checked or compiler.check(self.file), None
            return self._compiled(self._document(checked))
        except Rejected as rejected:
            raise Mistakes(map(str, rejected.problems)) from None

    def _document(self, checked: Checked) -> Document:
        if self.environment is not None:
            return checked.document(self.environment)
        for name in (STACK, "dev"):
            if environments.chosen(checked.documents, name):
                return checked.document(name)
        return checked.any

    def _compiled(self, document: Document) -> Compiled:
        from framework.local.compiled import Compiled

        plan = compiler.build(document, target_for(document, STACK).target)
        return Compiled(
            plan=plan,
            import_paths=_import_paths(document, plan).__getitem__,
            secrets=_made_up,
            watched=(self.file, *_requirements(document, plan)),
        )


def _requirements(document: Document, plan: Plan) -> Iterator[Path]:
    """The files that say what is to be installed."""
    project = compiler.project_of(document)
    sources = dict.fromkeys(code.source for code in compiler.codes(plan))
    return (project / source / "requirements.txt" for source in sources)


def _import_paths(document: Document, plan: Plan) -> Mapping[Code, Sequence[Path]]:
    """The requirements are installed for the Python that will run them, which may be another."""
    from framework.local.interpreters import interpreter_for

    return compiler.import_paths(
        document, plan, lambda runtime: interpreter_for(runtime).executable
    )


@cache
def _made_up(secret: Secret) -> str:
    return secrets.token_urlsafe(24)
