"""The command line `services`, one file per verb.

In: words. Out: printed lines and an exit code: 0 fine, 1 problems in the author's file, 2 wrong use
of the command, 3 a bug of ours. A verb's module is imported when it is used, and only then.
"""

from __future__ import annotations

import gc
import importlib
import sys
import traceback
from collections.abc import Sequence

import click

from framework.commands.output import fail, print_problems
from framework.language.problems import Rejected

VERBS = (
    "init",
    "add",
    "validate",
    "plan",
    "diff",
    "explain",
    "local",
    "invoke",
    "package",
    "policy",
    "schema",
)
"""In the order of a first day; each is a module of this package with a command of its name."""

_BUG = """
This is a bug in pulumi-services, not a mistake of yours. Please report it to the project,
with the lines above and the services.yaml that shows it."""


class _Verbs(click.Group):
    """Looks a verb up in its own module."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module = importlib.import_module(f"framework.commands.{name}")
        command = getattr(module, name)
        return command if isinstance(command, click.Command) else None


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pulumi-services", prog_name="services")
def services() -> None:
    """Serverless services on AWS from one services.yaml.

    \b
    services validate     check services.yaml, with no network and no credentials
    services plan         show what pulumi up would create
    services local        run the service here: no account, no Docker
    pulumi up             deploy it
    """


def main(words: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its code."""
    # A command is over before it has left garbage worth a search; local mode searches again.
    gc.disable()
    try:
        code = services.main(args=words, prog_name="services", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except Rejected as rejected:
        print_problems(rejected.problems)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        sys.exit(130)
    except BrokenPipeError:
        fail_quietly()
    except Exception:
        traceback.print_exc()
        click.echo(_BUG, err=True)
        sys.exit(3)


def fail_quietly() -> None:
    """Whoever read the output is gone: there is nobody to tell."""
    sys.stderr.close()
    sys.exit(1)


__all__ = ["fail", "main", "services"]
