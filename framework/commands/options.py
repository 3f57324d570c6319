"""Options that several verbs share, and the target that is planned for when nothing is deployed.

In: the command line's words, the document, and the stack's Pulumi.STACK.yaml for its region.
Out: the file, and a `Target` made of what is known and of stand-ins for what is not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from framework import compiler
from framework.compiler import Checked
from framework.language.problems import Rejected
from framework.plan.target import UNKNOWN_ACCOUNT, Target

FunctionT = TypeVar("FunctionT", bound=Callable[..., None])

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
        click.option("--region", help="The home region, where services.yaml names none."),
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


@dataclass(frozen=True, slots=True)
class Settled:
    """A target, and sentences about what in it is a stand-in."""

    target: Target
    assumed: tuple[str, ...]


def settle(checked: Checked, stack: str, account: str | None, region: str | None) -> Settled:
    """The target for planning offline. Raises `click.UsageError` for an impossible word."""
    if account is not None and not re.fullmatch("[0-9]{12}", account):
        raise click.UsageError("--account takes the twelve digits of an AWS account")
    if not re.fullmatch("[A-Za-z0-9_.-]{1,100}", stack):
        raise click.UsageError("--stack takes letters, digits, hyphens, dots and underscores")
    regions, assumed = _regions(checked, stack, region)
    if account is None:
        assumed = (f"account {UNKNOWN_ACCOUNT} stands for the stack's: --account says it", *assumed)
    return Settled(Target(stack, account or UNKNOWN_ACCOUNT, regions), assumed)


def _regions(
    checked: Checked, stack: str, region: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    written = checked.document.regions
    if region is not None and not re.fullmatch("[a-z]{2}(-[a-z]+)+-[0-9]", region):
        raise click.UsageError("--region takes a region such as eu-west-1")
    if written:
        return written, ()
    known = region or _stack_region(checked.project, stack) or _shell_region()
    if known:
        return (known,), ()
    return (DEFAULT_REGION,), (f"region {DEFAULT_REGION} stands for the stack's: --region says it",)


def _shell_region() -> str | None:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


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
    return region if isinstance(region, str) else None
