"""`services package`: builds the functions' packages, as pulumi up would."""

from __future__ import annotations

import filecmp
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
    from framework.packaging.store import Package

_ANYWHERE = Target("package", UNKNOWN_ACCOUNT, ("us-east-1",))
"""Packages depend on neither stack, account nor region."""

_CACHE_MB = 2048


@click.command()
@file_argument
@click.option("--out", metavar="DIR", help="Also copy the packages to DIR, as FUNCTION.zip.")
@click.option("--stack", help="The stack, where environments differ in their functions.")
@click.option("--check", is_flag=True, help="Build everything twice from nothing and compare.")
@click.option(
    "--upgrade", is_flag=True, help="Take the newest versions of what requirements leave open."
)
@click.option(
    "--report", is_flag=True, help="Say what packages weigh, of what, and how long they import."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option(
    "--prune", is_flag=True, help="Also remove from .services/ what was not used for longest."
)
@click.option(
    "--cache-limit", type=click.IntRange(0), default=_CACHE_MB, show_default=True, metavar="MB",
    help="What --prune leaves.",
)  # fmt: skip
def package(
    file: str | None, option: str | None, out: str | None, stack: str | None, check: bool,
    upgrade: bool, report: bool, as_json: bool, prune: bool, cache_limit: int,
) -> None:  # fmt: skip
    """Build the functions' packages: source and requirements, the same bytes everywhere.

    Requirements (requirements.txt, or pyproject.toml with uv.lock) are installed for Lambda's
    platform, wheels only, whatever machine this is. Packages are kept in .services/ by their
    content; functions with equal input share one.

    \b
    services package
    services package --report
    services package --out dist
    services package --check
    services package --prune --cache-limit 500
    """
    if as_json and (check or prune or not report):
        raise click.UsageError("--json belongs to --report, without --check and --prune")
    checked = compiler.check(chosen(file, option))
    document = checked.document(stack) if stack else checked.any
    plan = compiler.build(document, _ANYWHERE)
    packages = _built(document, plan, upgrade)
    if not as_json:
        told = compiler.package_warnings(document, plan, packages)
        print_problems(sorted((*checked.warnings, *told)))
    for name, code in _functions(plan).items() if out is not None else ():
        _copy(packages[code], Path(out or ""), name)
    if report:
        _report(document, plan, packages, as_json)
    else:
        _list(plan, packages)
    if check:
        _check(document, plan, packages)
    if prune:
        _prune(document, packages, cache_limit)


def _built(document: Document, plan: Plan, upgrade: bool) -> Mapping[Code, Package]:
    with _progress(len(compiler.codes(plan))) as done:
        return compiler.package(
            document, plan, compiler.cache_of(document), upgrade=upgrade, done=done
        )


@contextmanager
def _progress(length: int) -> Iterator[Callable[[Code], None]]:
    """A bar on a terminal, on standard error; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda code: None
        return
    with click.progressbar(length=length, label="building packages", file=sys.stderr) as bar:
        yield lambda code: bar.update(1)


def _list(plan: Plan, packages: Mapping[Code, Package]) -> None:
    for name, code in _functions(plan).items():
        built = packages[code]
        click.echo(f"{name:<30} {built.size:>12,} bytes  {built.sha256}")


def _report(
    document: Document, plan: Plan, packages: Mapping[Code, Package], as_json: bool
) -> None:
    from framework.commands import package_report

    rows = package_report.rows(document, plan, packages)
    if as_json:
        warnings = list(map(str, compiler.package_warnings(document, plan, packages)))
        click.echo(json.dumps(package_report.as_data(rows, warnings), indent=2, ensure_ascii=False))
    else:
        click.echo(package_report.as_text(rows))


def _functions(plan: Plan) -> Mapping[str, Code]:
    return {resource.origin.partition(".")[2]: code for resource, code in compiler.functions(plan)}


def _copy(built: Package, folder: Path, name: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(built.path, folder / f"{name}.zip")
    except OSError as error:
        fail(f"cannot write to {folder}: {(error.strerror or 'unknown reason').lower()}")


def _check(document: Document, plan: Plan, packages: Mapping[Code, Package]) -> None:
    """Builds again in a folder of its own, sharing nothing but the versions that were chosen, and
    compares every byte."""
    from framework.packaging.store import Store

    with tempfile.TemporaryDirectory(prefix="services-") as folder:
        Store(Path(folder)).take_resolutions(Store(compiler.cache_of(document)))
        again = compiler.package(document, plan, Path(folder))
        for code, built in again.items():
            if not filecmp.cmp(built.path, packages[code].path, shallow=False):
                fail(f"the package of {code.source} for {code.runtime} differs when built again")
    click.echo(f"{count(len(packages), 'package')} built twice, the same to the byte")


def _prune(document: Document, packages: Mapping[Code, Package], megabytes: int) -> None:
    from framework.packaging.prune import prune

    try:
        done = prune(compiler.cache_of(document), megabytes * 1024**2, packages.values())
    except OSError as error:
        fail(f"cannot prune {error.filename}: {(error.strerror or 'unknown reason').lower()}")
    left, freed = (f"{size / 1024**2:,.1f} MB" for size in (done.left, done.freed))
    removed = count(done.removed, "thing")
    click.echo(f"removed {removed}, {freed}, from the cache; {left} are left")
