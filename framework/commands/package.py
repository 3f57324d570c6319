"""`services package`: builds the functions' packages, as pulumi up would."""

from __future__ import annotations

import filecmp
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framework import compiler
from framework.commands.options import chosen, file_argument
from framework.commands.output import count, fail, print_problems
from framework.language.document import Document
from framework.plan.resource import Code, Plan
from framework.plan.target import UNKNOWN_ACCOUNT, Target

if TYPE_CHECKING:
    from framework.packaging import Package

_ANYWHERE = Target("package", UNKNOWN_ACCOUNT, ("us-east-1",))
"""Packages depend on neither stack, account nor region."""


@click.command()
@file_argument
@click.option("--out", metavar="DIR", help="Also copy the packages to DIR, as FUNCTION.zip.")
@click.option("--stack", help="The stack, where environments differ in their functions.")
@click.option("--check", is_flag=True, help="Build everything twice from nothing and compare.")
def package(
    file: str | None, option: str | None, out: str | None, stack: str | None, check: bool
) -> None:
    """Build the functions' packages: source and requirements, the same bytes everywhere.

    Requirements are installed for Lambda's platform, wheels only, whatever machine this is.
    Packages are kept in .services/ by their content; functions with equal input share one.

    \b
    services package
    services package --out dist
    services package --check
    """
    checked = compiler.check(chosen(file, option))
    print_problems(checked.warnings)
    document = checked.document(stack) if stack else checked.any
    plan = compiler.build(document, _ANYWHERE)
    packages = compiler.package(document, plan, compiler.cache_of(document))
    for name, code in _functions(plan).items():
        built = packages[code]
        click.echo(f"{name:<30} {built.size:>12,} bytes  {built.sha256}")
        if out is not None:
            _copy(built, Path(out), name)
    if check:
        _check(document, plan, packages)


def _functions(plan: Plan) -> Mapping[str, Code]:
    found: dict[str, Code] = {}
    for resource in plan.of_type("aws:lambda/function:Function"):
        code = resource.inputs.get("code")
        if isinstance(code, Code):
            found[resource.origin.partition(".")[2]] = code
    return found


def _copy(built: Package, folder: Path, name: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(built.path, folder / f"{name}.zip")
    except OSError as error:
        fail(f"cannot write to {folder}: {(error.strerror or 'unknown reason').lower()}")


def _check(document: Document, plan: Plan, packages: Mapping[Code, Package]) -> None:
    """Builds again in a folder of its own, sharing nothing, and compares every byte."""
    with tempfile.TemporaryDirectory(prefix="services-") as folder:
        again = compiler.package(document, plan, Path(folder))
        for code, built in again.items():
            if not filecmp.cmp(built.path, packages[code].path, shallow=False):
                fail(f"the package of {code.source} for {code.runtime} differs when built again")
    click.echo(f"{count(len(packages), 'package')} built twice, the same to the byte")
