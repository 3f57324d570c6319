"""The trust policy: exactly one subject, through the account's provider for GitHub."""

from __future__ import annotations

import pytest

from framework.plan.github import branch_subject, environment_subject, github_trust
from framework.plan.plain import plain
from framework.plan.target import Target


def test_subjects() -> None:
    assert branch_subject("o/r", "release/1") == "repo:o/r:ref:refs/heads/release/1"
    assert environment_subject("o@1/r@2", "prod") == "repo:o@1/r@2:environment:prod"


@pytest.mark.parametrize(("region", "partition"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn")])
def test_trust(region: str, partition: str) -> None:
    target = Target("dev", "123456789012", (region,))
    issuer = "token.actions.githubusercontent.com"
    assert plain(github_trust(target, "repo:o/r:environment:prod").document) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {
                    "Federated": f"arn:{partition}:iam::123456789012:oidc-provider/{issuer}"
                },
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        f"{issuer}:aud": "sts.amazonaws.com",
                        f"{issuer}:sub": "repo:o/r:environment:prod",
                    }
                },
            }
        ],
    }
