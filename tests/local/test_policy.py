"""Policies as IAM judges them."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from framework.local.policy import Decision, parse

KEY = "arn:aws:s3:::notes/a/1"


def policy_of(*statements: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: object, resource: object, **more: object) -> Mapping[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        (allow(["s3:GetObject"], ["arn:aws:s3:::notes/*"]), True),
        (allow("s3:GetObject", "arn:aws:s3:::notes/*"), True),
        (allow("S3:getobject", "arn:aws:s3:::notes/?/1"), True),
        (allow("s3:Get*", "*"), True),
        (allow("s3:GetObject", "arn:aws:s3:::NOTES/*"), False),
        (allow("s3:GetObject", "arn:aws:s3:::notes"), False),
        (allow("s3:GetObjectVersion", "*"), False),
        (allow("s3:PutObject", "*"), False),
        (allow("s3:GetObject", "arn:aws:s3:::notes/[a]/1"), False),
        ({"Effect": "Allow", "NotAction": "s3:PutObject", "Resource": "*"}, True),
        ({"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"}, False),
        ({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::notes/*"}, False),
        ({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::other/*"}, True),
    ],
)
def test_actions_and_resources(statement: Mapping[str, object], allowed: bool) -> None:
    decision = parse([policy_of(statement)]).decide("s3:GetObject", KEY)

    assert (decision is Decision.ALLOWED) is allowed


@pytest.mark.parametrize(
    ("condition", "context", "allowed"),
    [
        ({"StringLike": {"s3:prefix": ["a", "a/*"]}}, {"s3:prefix": "a/b"}, True),
        ({"StringLike": {"s3:prefix": ["a/*"]}}, {"s3:prefix": "b/a/"}, False),
        ({"StringLike": {"S3:Prefix": "a/*"}}, {"s3:prefix": "a/b"}, True),
        ({"StringLike": {"s3:prefix": "a/*"}}, {}, False),
        ({"StringLikeIfExists": {"s3:prefix": "a/*"}}, {}, True),
        ({"StringEquals": {"s3:prefix": "a/*"}}, {"s3:prefix": "a/*"}, True),
        ({"StringEquals": {"s3:prefix": "a/*"}}, {"s3:prefix": "a/b"}, False),
        ({"StringNotEquals": {"s3:prefix": ["a", "b"]}}, {"s3:prefix": "b"}, False),
        ({"StringNotEquals": {"s3:prefix": ["a", "b"]}}, {"s3:prefix": "c"}, True),
        ({"StringNotLike": {"s3:prefix": "a*"}}, {}, True),
        ({"Bool": {"aws:SecureTransport": False}}, {"aws:SecureTransport": "false"}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:*:x"}}, {"aws:SourceArn": "arn:aws:x"}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2020"}}, {"aws:CurrentTime": "2021"}, False),
        ({"StringEquals": {"a": "1", "b": "2"}}, {"a": "1", "b": "3"}, False),
    ],
)
def test_conditions(condition: object, context: Mapping[str, str], allowed: bool) -> None:
    policy = parse([policy_of(allow("s3:ListBucket", "*", Condition=condition))])

    decision = policy.decide("s3:ListBucket", "arn:aws:s3:::notes", context)

    assert (decision is Decision.ALLOWED) is allowed


def test_a_deny_wins_over_every_allow() -> None:
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": KEY}
    policy = parse([policy_of(allow("*", "*")), policy_of(deny)])

    assert policy.decide("s3:GetObject", KEY) is Decision.DENIED
    assert policy.decide("s3:GetObject", f"{KEY}0") is Decision.ALLOWED


def test_an_unknown_operator_never_helps() -> None:
    unknown = {"DateGreaterThan": {"aws:CurrentTime": "2020"}}
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": unknown}

    assert parse([policy_of(allow("*", "*"), deny)]).decide("s3:GetObject", KEY) is Decision.DENIED


def test_a_statement_may_stand_alone() -> None:
    document = json.dumps({"Statement": allow("s3:GetObject", "*")})

    assert parse([document]).decide("s3:GetObject", KEY) is Decision.ALLOWED


def test_what_no_statement_mentions_is_not_allowed() -> None:
    assert parse([]).decide("s3:GetObject", KEY) is Decision.UNMENTIONED


def test_a_grant_on_a_part_is_seen() -> None:
    policy = parse([policy_of(allow("s3:GetObject", "arn:aws:s3:::notes/a/*"))])

    assert policy.allows_within("s3:GetObject", "arn:aws:s3:::notes")
    assert not policy.allows_within("s3:GetObject", "arn:aws:s3:::note")
    assert not policy.allows_within("s3:PutObject", "arn:aws:s3:::notes")
