"""`services local`: the service on this machine, as it will be on AWS, with no account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework import compiler
from framework.commands.options import chosen, file_argument, target_for
from framework.commands.output import fail, print_problems
from framework.compiler import Checked
from framework.kinds.function import SECTION as FUNCTIONS
from framework.kinds.parameter import SECTION as PARAMETERS
from framework.language import environments
from framework.language.document import Document
from framework.language.problems import Rejected
from framework.plan.resource import Code, Plan

if TYPE_CHECKING:
    from framework.local.compiled import Compiled

STACK = "local"
"""The stack's name here; it is part of every name, so nothing is taken for the deployed one."""

RUNNING = "running.json"
"""The file that says where the project's running service is."""


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
@click.option("--packaged", is_flag=True, help="Run the very packages that are deployed.")
@click.option("--persist", is_flag=True, help="Keep the contents of buckets and parameters.")
@click.option("--no-console", is_flag=True, help="Show no page under /_services.")
@click.option("--quiet", is_flag=True, help="Print no line for each request.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, for scripts.")
def local(
    file: str | None,
    option: str | None,
    port: int,
    jwks: Path | None,
    environment: str | None,
    packaged: bool,
    persist: bool,
    no_console: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run the service on this machine: no account, no Docker, no login.

    The API answers on http://127.0.0.1:PORT as API Gateway would. Each function runs in a process
    of its own, with exactly the permissions of its policy; S3 and SSM are simulated. Secret
    parameters have their values from services.local.yaml, or made-up ones. A changed handler runs
    at the next request, and a changed services.yaml is followed; while it has mistakes, the service
    goes on as it was. A page under /_services shows what there is and what happens. Ctrl-C ends it.

    \b
    services local
    services local --port 8080
    """
    project = Project(chosen(file, option), environment, packaged)
    checked = project.check()
    # Imported here: meanwhile the interpreters are looked for.
    from framework.local.errors import LocalError, Mistakes
    from framework.local.events import Feed
    from framework.local.service import Settings, serve
    from framework.local.terminal import json_lines, text_lines

    if not as_json:
        print_problems(checked.warnings)
    folder = state_of(checked.any)
    settings = Settings(
        port=port,
        jwks=jwks,
        state=folder / "cloud.zip" if persist else None,
        running=folder / RUNNING,
        console=not no_console,
        runtimes=runtimes_of(checked.any),
    )
    feed = Feed(json_lines(click.echo) if as_json else text_lines(click.echo, quiet))
    try:
        serve(project, settings, feed)
    except (LocalError, Mistakes) as error:
        fail(str(error))


@dataclass
class Project:
    """One services.yaml as local mode runs it; calling it reads the file as it is now.

    `environment` is the one to run, None for local, dev or the first. With `packaged` the functions
    run from the packages that are deployed, not from their sources.
    """

    file: Path
    environment: str | None = None
    packaged: bool = False
    checked: Checked | None = None

    def check(self) -> Checked:
        """Check the file, once before the first call. Raises `Rejected`."""
        from framework.local.interpreters import look_for

        self.checked = compiler.check(self.file)
        look_for(runtimes_of(self.checked.any))
        return self.checked

    def __call__(self) -> Compiled:
        """Read the file. Raises `Mistakes` in the words of `services validate`."""
        from framework.local.errors import Mistakes

        try:
            checked, self.checked = self.checked or compiler.check(self.file), None
            return self._compiled(checked, self._document(checked))
        except Rejected as rejected:
            raise Mistakes(map(str, rejected.problems)) from None

    def _document(self, checked: Checked) -> Document:
        if self.environment is not None:
            return checked.document(self.environment)
        for name in (STACK, "dev"):
            if environments.chosen(checked.documents, name):
                return checked.document(name)
        return checked.any

    def _compiled(self, checked: Checked, document: Document) -> Compiled:
        from framework.local import secret_values
        from framework.local.compiled import Compiled

        own = self.file.with_name(secret_values.FILE)
        given = secret_values.values_of(own, _parameters(checked))
        plan = compiler.build(document, target_for(document, STACK).target)
        return Compiled(
            plan=plan,
            import_paths=self._import_paths(document, plan).__getitem__,
            secrets=secret_values.SecretValues(given, state_of(document)),
            watched=(self.file, own, *_requirements(document, plan)),
            folders=_sources(document, plan) if self.packaged else (),
            notes=secret_values.note_about(own),
        )

    def _import_paths(self, document: Document, plan: Plan) -> Mapping[Code, Sequence[Path]]:
        return (_packaged if self.packaged else _installed)(document, plan)


def runtimes_of(document: Document) -> tuple[str, ...]:
    """The runtimes of the functions, each once."""
    functions = document.entries(FUNCTIONS).values()
    return tuple(dict.fromkeys(function.runtime for function in functions))


def state_of(document: Document) -> Path:
    """Where local mode keeps what it has to find again."""
    return compiler.cache_of(document) / "local"


def _parameters(checked: Checked) -> Mapping[str, bool]:
    """The parameters of all environments, true for the secret ones."""
    return {
        name: parameter.secret
        for document in checked.documents.values()
        for name, parameter in document.entries(PARAMETERS).items()
    }


def _sources(document: Document, plan: Plan) -> tuple[Path, ...]:
    project = compiler.project_of(document)
    return tuple(dict.fromkeys(project / code.source for code in compiler.codes(plan)))


def _requirements(document: Document, plan: Plan) -> Iterator[Path]:
    """The files that say what is to be installed."""
    return (source / "requirements.txt" for source in _sources(document, plan))


def _packaged(document: Document, plan: Plan) -> Mapping[Code, Sequence[Path]]:
    """The packages as they are deployed, unpacked. Raises `Rejected`, `LocalError`."""
    from framework.local.interpreters import interpreter_for
    from framework.local.packaged import unpacked

    folder = state_of(document) / "packages"
    packages = compiler.package(document, plan, compiler.cache_of(document))
    return {
        code: (unpacked(each.path, each.sha256, folder, interpreter_for(code.runtime)),)
        for code, each in packages.items()
    }


def _installed(document: Document, plan: Plan) -> Mapping[Code, Sequence[Path]]:
    """The requirements are installed for the Python that will run them, which may be another."""
    from framework.local.interpreters import interpreter_for

    return compiler.import_paths(
        document, plan, lambda runtime: interpreter_for(runtime).executable
    )
