"""`services explain ENTRY`: what holds for one entry, and which line of the file says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from framework import compiler
from framework.commands.options import chosen, settle, target_options
from framework.commands.origins import BUILT_IN, origin, settings
from framework.commands.plan import called, short_type
from framework.kinds import KINDS
from framework.kinds import function as functions
from framework.kinds import route as routes
from framework.kinds.kind import Context, Kind
from framework.kinds.uses import statements_for
from framework.language.document import Document
from framework.language.messages import suggestion
from framework.plan.iam import Statement, combined
from framework.plan.resource import Plan, Resource

Row = tuple[str, str, str]
"""What, its value, and where that is from."""


@click.command()
@click.argument("entry")
@click.option("--file", "file", metavar="FILE", help="The services.yaml to read.")
@target_options
def explain(
    entry: str, file: str | None, stack: str, account: str | None, region: str | None
) -> None:
    """Explain one entry: its settings, variables, routes, permissions and resources.

    Each with the line it comes from: the entry itself, the defaults, an environment, or built in.
    ENTRY is written as everywhere: functions.list-notes, "routes.GET /notes", buckets.notes, api.

    \b
    services explain functions.list-notes
    services explain functions.list-notes --stack prod
    """
    checked = compiler.check(chosen(file, None))
    settled = settle(checked, stack, account, region)
    kind, name = _found(settled.document, entry)
    plan = compiler.build(settled.document, settled.target)
    context = Context(settled.document, settled.target, settled.target.home, KINDS)
    click.secho(f"{entry}  {origin(settled.document, _path(kind, name))}", bold=True)
    for note in settled.assumed:
        click.secho(f"  ({note})", dim=True)
    for title, rows in _parts(context, kind, name, plan):
        _print(title, list(rows))


def _found(document: Document, entry: str) -> tuple[Kind[Any], str]:
    """The kind and the name of an entry. Raises `click.UsageError` with the nearest there is."""
    for kind in KINDS:
        section = kind.section.name
        if kind.section.single and entry == section:
            return kind, section
        name = entry.removeprefix(f"{section}.")
        if name != entry and not kind.section.single and name in document.sections[section]:
            return kind, name
    known = [
        kind.section.name if kind.section.single else f"{kind.section.name}.{name}"
        for kind in KINDS
        for name in document.sections[kind.section.name]
    ]
    near = suggestion(entry, known) or f"; there are {', '.join(known)}"
    raise click.UsageError(f"there is no entry '{entry}'{near}")


def _path(kind: Kind[Any], name: str) -> tuple[str, ...]:
    return (name,) if kind.section.single else (kind.section.name, name)


def _parts(
    context: Context, kind: Kind[Any], name: str, plan: Plan
) -> Iterator[tuple[str, Iterator[Row]]]:
    document, address = context.document, ".".join(_path(kind, name))
    rows = ((each.name, each.value, each.origin) for each in settings(document, kind.section, name))
    yield "settings", rows
    if kind.section is functions.SECTION:
        yield "variables", _variables(context, name, plan)
        yield "called by", _routes(document, name)
        yield "may", _permissions(context, name)
    yield "used by", _users(document, address)
    yield (
        "resources",
        ((each.key, short_type(each.type), called(each)) for each in _own(plan, address)),
    )


def _own(plan: Plan, address: str) -> Iterator[Resource]:
    return (resource for resource in plan.resources if resource.origin == address)


def _variables(context: Context, name: str, plan: Plan) -> Iterator[Row]:
    function = context.document.entries(functions.SECTION)[name]
    environment = plan.by_key[f"functions.{name}"].inputs.get("environment")
    variables = environment["variables"] if isinstance(environment, Mapping) else {}
    brought = dict(_brought(context, name))
    for variable, value in variables.items() if isinstance(variables, Mapping) else ():
        path: tuple[str, ...] = ("functions", name, "environment", variable)
        if variable not in function.environment:
            path = ("functions", name, "uses", brought[variable])
        yield variable, str(value), origin(context.document, path)


def _brought(context: Context, name: str) -> Iterator[tuple[str, str]]:
    for address in context.document.entries(functions.SECTION)[name].uses:
        section, _, entry = address.partition(".")
        variable = context.by_section[section].variable
        if variable:
            yield variable.name(entry), address


def _routes(document: Document, name: str) -> Iterator[Row]:
    for key, route in document.entries(routes.SECTION).items():
        if route.function == name:
            yield key, f"auth {route.auth}", origin(document, ("routes", key))


def _permissions(context: Context, name: str) -> Iterator[Row]:
    function = context.document.entries(functions.SECTION)[name]
    for statement in combined(functions.own_statements(context, name, function)):
        yield *_said(statement), BUILT_IN
    for address, use in function.uses.items():
        asked = f"{address}: {', '.join(use.verbs)}"
        where = origin(context.document, ("functions", name, "uses", address))
        for statement in combined(statements_for(context, {address: use})):
            yield *_said(statement), f"{where} uses {asked}"


def _said(statement: Statement) -> tuple[str, str]:
    conditions = "".join(
        f" where {key} is {' or '.join(values)}" for _, key, values in statement.conditions
    )
    return ", ".join(statement.actions), ", ".join(statement.resources) + conditions


def _users(document: Document, address: str) -> Iterator[Row]:
    for name, function in document.entries(functions.SECTION).items():
        if address in function.uses:
            where = origin(document, ("functions", name, "uses", address))
            yield f"functions.{name}", ", ".join(function.uses[address].verbs), where


def _print(title: str, rows: list[Row]) -> None:
    if not rows:
        return
    click.echo()
    click.secho(title, bold=True)
    first, second = (min(max(len(row[column]) for row in rows), 44) for column in (0, 1))
    for name, value, where in rows:
        click.echo(f"  {name:<{first}}  {value:<{second}}  {where}".rstrip())
