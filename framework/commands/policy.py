"""`services policy`: the smallest IAM policy with which pulumi up can deploy the service.

In: a services.yaml and what to plan for. Out: on standard output the JSON
{"policies": [document, ...]}, and in it with --github also "trust"; on standard error what in it
is a stand-in or wider than it has to be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import click

from framework import compiler
from framework.commands.options import chosen, file_argument, settle, target_options
from framework.commands.output import fail
from framework.plan.deployer import MOST_DOCUMENTS, DeployerPolicy, deployer_policy
from framework.plan.github import branch_subject, environment_subject, github_trust
from framework.plan.plain import JsonData, plain
from framework.plan.resource import PlanError

DEFAULT_BRANCH = "main"

_REPOSITORY = re.compile(
    r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}"
    r"|[A-Za-z0-9-]{1,39}@[0-9]{1,20}/[A-Za-z0-9._-]{1,100}@[0-9]{1,20}"
)
"""OWNER/REPO, or both with their ids (GitHub Docs, "Immutable subject claims")."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,254}")
"""A branch or an environment: no $, which IAM would take for the start of a variable."""


@click.command()
@file_argument
@target_options
@click.option(
    "--by-prefix",
    is_flag=True,
    help="Allow all names that begin like this service's and stack's, so that the policy stays "
    "right when entries come and go.",
)
@click.option(
    "--github", metavar="OWNER/REPO", help="Print the trust policy for its workflows too."
)
@click.option("--branch", help=f"The branch that deploys.  [default: {DEFAULT_BRANCH}]")
@click.option("--github-environment", metavar="NAME", help="The GitHub environment that deploys.")
def policy(
    file: str | None,
    option: str | None,
    stack: str,
    account: str | None,
    region: str | None,
    by_prefix: bool,
    github: str | None,
    branch: str | None,
    github_environment: str | None,
) -> None:
    """Print the smallest IAM policy with which pulumi up deploys the service.

    It lets a role create, change, refresh and destroy what services plan shows, as narrowly as AWS
    can tell things apart. It is for one stack: its names, account and regions. Where it is too
    long for one managed policy there are several documents, all of which the role needs.

    \b
    services policy --stack prod --account 123456789012 --region eu-west-1
    services policy --github octo-org/notes --github-environment prod
    services policy | jq '.policies[0]'
    """
    subject = _subject(github, branch, github_environment)
    settled = settle(compiler.check(chosen(file, option)), stack, account, region)
    plan = compiler.build(settled.document, settled.target)
    try:
        deployer = deployer_policy(plan, settled.target, by_prefix)
    except PlanError as error:
        fail(str(error))
    for note in (*settled.assumed, *_notes(deployer)):
        click.echo(f"note: {note}", err=True)
    printed: dict[str, JsonData] = {
        "policies": [plain(each.document) for each in deployer.documents]
    }
    if subject:
        printed["trust"] = plain(github_trust(settled.target, subject).document)
    click.echo(json.dumps(printed, indent=2, ensure_ascii=False))


def _subject(github: str | None, branch: str | None, environment: str | None) -> str | None:
    """The subject of the tokens that may deploy. Raises `click.UsageError` for impossible words."""
    if github is None:
        if branch or environment:
            raise click.UsageError("--branch and --github-environment go with --github OWNER/REPO")
        return None
    if branch and environment:
        raise click.UsageError("--branch and --github-environment exclude each other")
    if not _REPOSITORY.fullmatch(github):
        raise click.UsageError("--github takes OWNER/REPO, or OWNER@ID/REPO@ID")
    if not _NAME.fullmatch(environment or branch or DEFAULT_BRANCH):
        raise click.UsageError("a branch or environment is letters, digits, and . _ / -")
    if environment:
        return environment_subject(github, environment)
    return branch_subject(github, branch or DEFAULT_BRANCH)


def _notes(deployer: DeployerPolicy) -> Iterator[str]:
    if deployer.by_prefix:
        services = ", ".join(deployer.by_prefix)
        yield f"names in {services} are allowed by the prefix {deployer.prefix}"
    if len(deployer.documents) > MOST_DOCUMENTS:
        yield (
            f"a role takes {MOST_DOCUMENTS} managed policies unless AWS has raised that quota, "
            f"and these are {len(deployer.documents)}"
        )
