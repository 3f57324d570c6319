"""Options that several verbs share, and the target that is planned for when nothing is deployed.

In: the command line's words, the document, and the stack's Pulumi.STACK.yaml for its region.
Out: the file, and a `Target` made of what is known and of stand-ins for what is not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import click

from framework import compiler
from framework.compiler import Checked
from framework.language.document import Document
from framework.language.problems import Rejected
from framework.plan.target import UNKNOWN_ACCOUNT, Target, home_first

FunctionT = TypeVar("FunctionT", bound=Callable[..., None])

_REGION = "[a-z]{2}(-[a-z]+)+-[0-9]"

DEFAULT_REGION = "us-east-1"
"""Planned for where neither services.yaml, the stack nor the shell names a region."""


def file_argument(command: FunctionT) -> FunctionT:
    """`[FILE]` or `--file FILE`; services.yaml without either."""
    command = click.option(
        "--file", "option", metavar="FILE", help="The services.yaml to read; the same as FILE."
    )(command)
    return click.argument("file", required=False, metavar="[FILE]")(command)


def target_options(command: FunctionT) -> FunctionT:
    """`--stack`, `--account` and `--region`: what to plan for."""
    for option in (
        click.option(
            "--region", help="The home region: one of services.yaml's, or any where it names none."
        ),
        click.option("--account", help="The AWS account; 000000000000 stands for an unknown one."),
        click.option("--stack", default="dev", show_default=True, help="The Pulumi stack."),
    ):
        command = option(command)
    return command


def chosen(file: str | None, option: str | None) -> Path:
    """The file that the words name."""
    if file and option and file != option:
        raise click.UsageError("FILE and --file name different files")
    return Path(file or option or compiler.DEFAULT_FILE)


class Settled(NamedTuple):
    """A target, the document for it, and sentences about what in the target is a stand-in."""

    document: Document
    target: Target
    assumed: tuple[str, ...]


def settle(checked: Checked, stack: str, account: str | None, region: str | None) -> Settled:
    """The document and the target of a stack, for planning offline.

    Raises `click.UsageError` for an impossible word, `Rejected` where no environment fits.
    """
    if account is not None and not re.fullmatch("[0-9]{12}", account):
        raise click.UsageError("--account takes the twelve digits of an AWS account")
    if not re.fullmatch("[A-Za-z0-9_.-]{1,100}", stack):
        raise click.UsageError("--stack takes letters, digits, hyphens, dots and underscores")
    return target_for(checked.document(stack), stack, account, region)


def target_for(
    document: Document, stack: str, account: str | None = None, region: str | None = None
) -> Settled:
    """The target of a stack with this document. Raises `click.UsageError` for another account."""
    if account and document.account and account != document.account:
        pinned = f"environment {document.environment} is pinned to account {document.account}"
        raise click.UsageError(f"{pinned}, not {account}")
    regions, assumed = _regions(document, stack, region)
    known = account or document.account
    if known is None:
        assumed = (f"account {UNKNOWN_ACCOUNT} stands for the stack's: --account says it", *assumed)
    target = Target(stack, known or UNKNOWN_ACCOUNT, regions, document.environment)
    compiler.fit(document, target)
    return Settled(document, target, assumed)


def _regions(
    document: Document, stack: str, region: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if region is not None and not re.fullmatch(_REGION, region):
        raise click.UsageError("--region takes a region such as eu-west-1")
    stack_region = region or _stack_region(compiler.project_of(document), stack)
    if document.regions:
        return home_first(document.regions, stack_region), ()
    known = stack_region or _shell_region()
    if known:
        return (known,), ()
    return (DEFAULT_REGION,), (f"region {DEFAULT_REGION} stands for the stack's: --region says it",)


def _shell_region() -> str | None:
    named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return named if named and re.fullmatch(_REGION, named) else None


def _stack_region(project: Path, stack: str) -> str | None:
    """`aws:region` of Pulumi.STACK.yaml, which Pulumi writes; anything unreadable says nothing."""
    file = project / f"Pulumi.{stack}.yaml"
    if not file.is_file():
        return None
    try:
        settings = compiler.read(file).root.plain()
    except Rejected:
        return None
    config = settings.get("config") if isinstance(settings, dict) else None
    region = config.get("aws:region") if isinstance(config, dict) else None
    return region if isinstance(region, str) and re.fullmatch(_REGION, region) else None
