"""Who may take the deploying role: one branch or one environment of one GitHub repository.

In: the target, the repository and what of it. Out: the role's trust policy. The subject is compared
as a whole, without wildcards: a workflow of another branch or of a pull request gets nothing.
Sources: GitHub Docs, "OpenID Connect reference"; IAM user guide, "Create a role for OpenID Connect
federation".
"""

from __future__ import annotations

from framework.plan.iam import VERSION
from framework.plan.resource import Json, Value
from framework.plan.target import Target

ISSUER = "token.actions.githubusercontent.com"
"""Of GitHub's tokens; the name of the account's identity provider for them."""

AUDIENCE = "sts.amazonaws.com"
"""For whom aws-actions/configure-aws-credentials has a token made out, if not told otherwise."""


def branch_subject(repository: str, branch: str) -> str:
    """The `sub` of tokens of workflows on a branch.

    `repository` is OWNER/REPO, or OWNER@ID/REPO@ID where the repository's subjects carry ids.
    """
    return f"repo:{repository}:ref:refs/heads/{branch}"


def environment_subject(repository: str, environment: str) -> str:
    """The `sub` of tokens of jobs with a GitHub environment, whatever their branch."""
    return f"repo:{repository}:environment:{environment}"


def github_trust(target: Target, subject: str) -> Json:
    """A trust policy for exactly this `sub`, through GitHub's identity provider in the account."""
    provider = f"arn:{target.partition}:iam::{target.account}:oidc-provider/{ISSUER}"
    allow: dict[str, Value] = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": subject}},
    }
    return Json({"Version": VERSION, "Statement": [allow]})
