"""`services plan`: what pulumi up would create: a tree, JSON, or a program. Needs no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

import click
from pydantic import TypeAdapter

from framework import compiler
from framework.commands.options import Settled, chosen, file_argument, settle, target_options
from framework.commands.output import count, print_problems
from framework.kinds.kind import Relaxation
from framework.language.document import Document
from framework.language.problems import Located, Rejected, written
from framework.plan.plain import plain_plan, shown
from framework.plan.pulumi_yaml import program
from framework.plan.resource import Plan, Resource, Text

FORMATS = ("tree", "json", "pulumi-yaml")

MANY_RESOURCES = 500

_MANY = (
    "  (kept in a file or a bucket, the state of so many resources makes pulumi up slow: it is "
    "written anew at every step; see docs/deploying.md)"
)

_NAMES = ("name", "bucket", "dashboardName", "routeKey", "role")
"""Inputs that hold what a resource is called on AWS, the most telling first."""


@click.command()
@file_argument
@target_options
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="tree (for reading), json (the whole plan) or pulumi-yaml (a program).  [default: tree]",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def plan(
    file: str | None,
    option: str | None,
    stack: str,
    account: str | None,
    region: str | None,
    form: str | None,
    as_json: bool,
) -> None:
    """Show what pulumi up would create: entries, their resources, names on AWS.

    Needs no network, no credentials and no pulumi: names and ARNs are computed. What is not known
    here has a stand-in, and the first lines say so. --format pulumi-yaml writes the Pulumi.yaml of
    a program that deploys the same without this framework.

    \b
    services plan
    services plan --stack prod --account 123456789012 --region eu-west-1
    services plan --json | jq '.resources[] | select(.type == "aws:iam/rolePolicy:RolePolicy")'
    services plan --stack prod --account 123456789012 --format pulumi-yaml > way-out/Pulumi.yaml
    """
    if as_json and form not in (None, "json"):
        raise click.UsageError(f"--json is --format json, not --format {form}")
    checked = compiler.check(chosen(file, option))
    settled = settle(checked, stack, account, region)
    built = compiler.build(settled.document, settled.target)
    match "json" if as_json else form:
        case "json":
            data = plain_plan(built, settled.target)
            # Python's own json indents in Python: a third of the time of a large plan.
            click.echo(TypeAdapter(object).dump_json(data, indent=2))
        case "pulumi-yaml":
            click.echo(
                program(built, project_name(settled.document), version("pulumi-aws")), nl=False
            )
        case _:
            _print_tree(settled, built, checked.warnings)


def _print_tree(settled: Settled, built: Plan, warnings: Sequence[Located]) -> None:
    print_problems(warnings)
    target = settled.target
    click.echo(
        f"service {settled.document.service}, stack {target.stack}, "
        f"account {target.account}, {', '.join(target.regions)}"
    )
    for note in settled.assumed:
        click.secho(f"  ({note})", dim=True)
    for line in tree(built):
        click.echo(line)
    for line in relaxed_lines(compiler.relaxed(settled.document)):
        click.echo(line)
    click.echo(f"\n{count(len(built.resources), 'resource')}")
    if len(built.resources) > MANY_RESOURCES:
        click.echo(_MANY)


def project_name(document: Document) -> str:
    """The name of the Pulumi project, which stands in every URN; the service's without one."""
    file = compiler.project_of(document) / "Pulumi.yaml"
    try:
        settings = compiler.read(file).root.plain()
    except Rejected:
        return document.service
    name = settings.get("name") if isinstance(settings, dict) else None
    return name if isinstance(name, str) else document.service


NARROWEST = 20
"""Characters of the parts' column; an entry with longer parts has a wider one."""


def relaxed_lines(relaxed: Sequence[Relaxation]) -> Iterator[str]:
    """What the file turns down of the defaults, each with the reason that it gives."""
    if relaxed:
        yield ""
        yield click.style("relaxed", bold=True)
    for each in relaxed:
        why = f"because: {each.reason}" if each.reason else "no reason given"
        yield f"  {written(each.path)}: {each.what} ({why})"


def tree(plan: Plan) -> Iterator[str]:
    """The lines of the tree: an entry, then its resources with their names on AWS."""
    for origin, resources in _by_entry(plan).items():
        yield ""
        yield click.style(origin, bold=True)
        parts = {key: key.removeprefix(origin).lstrip("/.") or "·" for key in resources}
        width = max(NARROWEST, *map(len, parts.values()))
        for key, resource in resources.items():
            line = f"  {parts[key]:<{width}} {short_type(resource.type):<42} {called(resource)}"
            yield line.rstrip()


def _by_entry(plan: Plan) -> Mapping[str, dict[str, Resource]]:
    """The resources by the entries they come from, each entry's own resource first."""
    entries: dict[str, dict[str, Resource]] = {}
    for resource in plan.resources:
        entries.setdefault(resource.origin, {})[resource.key] = resource
    return {
        origin: dict(sorted(found.items(), key=lambda item: item[0] != origin))
        for origin, found in entries.items()
    }


def short_type(token: str) -> str:
    """aws:lambda/function:Function -> lambda.Function"""
    _, module, name = token.split(":")
    return f"{module.partition('/')[0]}.{name}"


def called(resource: Resource) -> str:
    """What a resource is called on AWS, or what it is for."""
    if resource.type == "aws:lambda/permission:Permission":
        return _source(resource)
    if resource.type == "aws:s3/bucketObjectv2:BucketObjectv2":
        return shown(resource.inputs["key"])
    return next((str(resource.inputs[name]) for name in _NAMES if name in resource.inputs), "")


def _source(resource: Resource) -> str:
    source = resource.inputs.get("sourceArn")
    if not isinstance(source, Text):
        return str(source)
    return "".join(part if isinstance(part, str) else "{api}" for part in source.parts)
