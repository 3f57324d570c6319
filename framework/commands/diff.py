"""`services diff`: what becomes of the resources between two plans, and what opens. No network."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import click
from click.core import ParameterSource

from framework import compiler
from framework.commands.options import chosen, settle, target_options
from framework.commands.output import count, fail
from framework.commands.plan import called, short_type
from framework.commands.revision import RevisionError, checked_out
from framework.data.replacements import replacements
from framework.language.problems import Rejected, printable, written
from framework.plan.changes import Changed, Changes, Missing, PropertyChange, Side, changes
from framework.plan.plain import JsonData, NotAPlan, plain, read_plan, shown
from framework.plan.resource import Plan, Resource
from framework.plan.target import UNKNOWN_ACCOUNT, Target
from framework.plan.widening import Widening, widenings

MOST_PROPERTIES = 12
"""Of one resource; --json has all."""

_MOST_SHOWN = 160


class Asked(NamedTuple):
    """What to plan for where a side is no plan file; `None` where the command line is silent."""

    file: Path
    stack: str | None
    account: str | None
    region: str | None


class Compared(NamedTuple):
    """One side: how it is called, its plan and its target, and what in it is a stand-in."""

    label: str
    plan: Plan
    target: Target
    assumed: tuple[str, ...] = ()


@click.command()
@click.argument("old")
@click.argument("new", required=False)
@click.option("--file", metavar="FILE", help="The services.yaml to compare.")
@target_options
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option(
    "--fail-on-widening", is_flag=True, help="Exit with 1 where anything opens or weakens."
)
@click.pass_context
def diff(
    context: click.Context,
    old: str,
    new: str | None,
    file: str | None,
    stack: str,
    account: str | None,
    region: str | None,
    as_json: bool,
    fail_on_widening: bool,
) -> None:
    """Compare two plans: resources added, changed, replaced, removed, and what widens access.

    OLD and NEW are each a plan file (what `services plan --json` prints) or a git revision; without
    NEW it is the working tree. Revisions are planned as `services plan` does; where one side is a
    plan file, the other takes its stack, account and region, unless the command line says others.

    \b
    services diff main
    services diff v1.4 v1.5 --stack prod --account 123456789012
    services diff deployed.json --fail-on-widening
    """
    said = context.get_parameter_source("stack") == ParameterSource.COMMANDLINE
    asked = Asked(chosen(None, file), stack if said else None, account, region)
    try:
        before, after = _sides(old, new, asked)
    except (NotAPlan, RevisionError) as error:
        fail(str(error))
    found = changes(before.plan, after.plan, replacements())
    wider = widenings(before.plan, after.plan)
    lines = (
        [_as_json(before, after, found, wider)] if as_json else _lines(before, after, found, wider)
    )
    for line in lines:
        click.echo(line)
    if wider and fail_on_widening:
        sys.exit(1)


def _sides(old: str, new: str | None, asked: Asked) -> tuple[Compared, Compared]:
    """Plan files first: what is compiled is compiled for their target."""
    files = [_plan_file(word) if word else None for word in (old, new)]
    known = next((side.target for side in reversed(files) if side is not None), None)
    if known is not None:
        account = None if known.account == UNKNOWN_ACCOUNT else known.account
        asked = asked._replace(
            stack=asked.stack or known.stack,
            account=asked.account or account,
            region=asked.region or known.home,
        )
    first = files[0] or _revision(old, asked)
    return first, files[1] or (_revision(new, asked) if new else _working_tree(asked))


def _plan_file(word: str) -> Compared | None:
    """The side of a plan file; None where the word names no file. Raises `NotAPlan`."""
    path = Path(word)
    try:
        if not path.is_file():
            return None
        data = json.loads(path.read_text("utf-8-sig"))
        plan, target = read_plan(data)
    except (ValueError, RecursionError):
        raise NotAPlan(f"{printable(word)} is no plan: it is not JSON") from None
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise NotAPlan(f"cannot read {printable(word)}: {reason}") from None
    except NotAPlan as error:
        raise NotAPlan(f"{printable(word)} is no plan: {error}") from None
    return Compared(word, plan, target)


def _revision(word: str, asked: Asked) -> Compared:
    """The side of a git revision, judged by the rules of the day it was committed."""
    with checked_out(word, asked.file) as revision:
        try:
            return _compiled(word, revision.file, asked, revision.committed)
        except Rejected as rejected:
            shown_as = f"{printable(word)}:{asked.file}"
            raise Rejected(replace(each, file=shown_as) for each in rejected.problems) from None


def _working_tree(asked: Asked) -> Compared:
    return _compiled(str(asked.file), asked.file, asked, None)


def _compiled(label: str, file: Path, asked: Asked, today: date | None) -> Compared:
    checked = compiler.check(file, today)
    settled = settle(checked, asked.stack or "dev", asked.account, asked.region)
    return Compared(
        label, compiler.build(settled.document, settled.target), settled.target, settled.assumed
    )


def _lines(
    before: Compared, after: Compared, found: Changes, wider: tuple[Widening, ...]
) -> Iterator[str]:
    yield from _head(before, after)
    yield from _titled("added", (_resource_line(each) for each in found.added))
    yield from _titled("changed", _changed_lines(found))
    yield from _titled("replaced", (line for each in found.replaced for line in _changed(each)))
    yield from _titled("removed", (_resource_line(each) for each in found.removed))
    yield from _titled("widens access", (_safe(f"  {each.key}: {each.sentence}") for each in wider))
    yield ""
    yield _summary(found, wider)


def _head(before: Compared, after: Compared) -> Iterator[str]:
    yield _safe(f"{before.label} -> {after.label}, {_where(after.target)}")
    if before.target != after.target:
        yield click.style(
            f"  (the first is for {_where(before.target)}: that alone makes differences)",
            dim=True,
        )
    for note in dict.fromkeys((*before.assumed, *after.assumed)):
        yield click.style(f"  ({note})", dim=True)


def _where(target: Target) -> str:
    return _safe(f"stack {target.stack}, account {target.account}, {', '.join(target.regions)}")


def _titled(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield ""
        yield click.style(title, bold=True)
        yield from found


def _resource_line(resource: Resource) -> str:
    return _safe(f"  {resource.key:<40} {short_type(resource.type):<34} {called(resource)}")


def _changed_lines(found: Changes) -> Iterator[str]:
    if found.provider:
        yield "  provider"
        yield from _property_lines(found.provider, ())
    for each in found.changed:
        yield from _changed(each)


def _changed(change: Changed) -> Iterator[str]:
    yield _safe(f"  {change.new.key:<40} {short_type(change.new.type)}")
    yield from _property_lines(change.properties, change.forcing)


def _property_lines(
    properties: tuple[PropertyChange, ...], forcing: tuple[str, ...]
) -> Iterator[str]:
    for each in properties[:MOST_PROPERTIES]:
        why = "  (replaces)" if each.path[0] in forcing else ""
        if each.because:
            text = f"{_text(each.new)}, of the replaced {each.because}"
        else:
            text = f"{_text(each.old)} -> {_text(each.new)}"
        yield _safe(f"      {written(each.path)}: {text}{why}", most=3 * _MOST_SHOWN)
    if len(properties) > MOST_PROPERTIES:
        yield f"      and {len(properties) - MOST_PROPERTIES} more"


def _text(side: Side) -> str:
    return "(none)" if isinstance(side, Missing) else printable(shown(side), most=_MOST_SHOWN)


def _safe(line: str, most: int = 2 * _MOST_SHOWN) -> str:
    return printable(line.rstrip(), most=most)


def _summary(found: Changes, wider: tuple[Widening, ...]) -> str:
    if not found:
        return "no changes"
    sizes = {
        "added": len(found.added),
        "changed": len(found.changed),
        "replaced": len(found.replaced),
        "removed": len(found.removed),
    }
    numbers = ", ".join(f"{number:,} {what}" for what, number in sizes.items())
    ways = count(len(wider), "way") if wider else "no way"
    return f"{numbers}; access widened in {ways}"


def _as_json(before: Compared, after: Compared, found: Changes, wider: tuple[Widening, ...]) -> str:
    data: dict[str, JsonData] = {
        "format": 1,
        "old": before.label,
        "new": after.label,
        "provider": [_plain_property(each) for each in found.provider],
        "added": [_plain_resource(each) for each in found.added],
        "changed": [_plain_changed(each) for each in found.changed],
        "replaced": [_plain_changed(each) for each in found.replaced],
        "removed": [_plain_resource(each) for each in found.removed],
        "widens": [
            {"rule": each.rule, "key": each.key, "entry": each.entry, "sentence": each.sentence}
            for each in wider
        ],
    }
    return json.dumps(data, indent=2)


def _plain_resource(resource: Resource) -> dict[str, JsonData]:
    return {"key": resource.key, "type": resource.type, "entry": resource.origin}


def _plain_changed(change: Changed) -> JsonData:
    written_out = _plain_resource(change.new)
    written_out["properties"] = [_plain_property(each) for each in change.properties]
    return written_out | ({"because": list(change.forcing)} if change.forcing else {})


def _plain_property(change: PropertyChange) -> JsonData:
    sides = {"old": change.old, "new": change.new}
    said = {name: plain(side) for name, side in sides.items() if not isinstance(side, Missing)}
    return {"path": written(change.path), **said}
