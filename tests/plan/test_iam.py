"""Policy documents: combined, sorted, and the same however they were asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from framework.plan.iam import Statement, combined, policy, trust
from framework.plan.resource import Json

actions = st.lists(st.sampled_from(["s3:Get", "s3:Put", "ssm:Get"]), min_size=1).map(tuple)
resources = st.lists(st.sampled_from(["arn:a", "arn:b", "*"]), min_size=1).map(tuple)
conditions = st.sampled_from([(), (("StringLike", "s3:prefix", ("a/*",)),)])
statements = st.lists(st.builds(Statement, actions, resources, conditions), max_size=6)


def pairs(found: list[Statement] | tuple[Statement, ...]) -> set[tuple[str, str, object]]:
    return {
        (action, resource, each.conditions)
        for each in found
        for action in each.actions
        for resource in each.resources
    }


@given(statements)
def test_combining_grants_exactly_the_same(given_statements: list[Statement]) -> None:
    assert pairs(combined(given_statements)) == pairs(given_statements)


@given(statements)
def test_the_order_of_grants_does_not_matter(given_statements: list[Statement]) -> None:
    shuffled = list(reversed(given_statements))
    assert combined(shuffled) == combined(given_statements)


def test_statements_that_differ_in_one_thing_are_one() -> None:
    assert combined(
        [
            Statement(("s3:Put",), ("arn:b",)),
            Statement(("s3:Get",), ("arn:b",)),
            Statement(("s3:Get", "s3:Put"), ("arn:a",)),
        ]
    ) == (Statement(("s3:Get", "s3:Put"), ("arn:a", "arn:b")),)


def test_documents_are_in_iams_words() -> None:
    narrowed = Statement(("s3:List",), ("arn:a",), (("StringLike", "s3:prefix", ("a/*",)),))
    assert policy([narrowed]) == Json(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["s3:List"],
                    "Resource": ["arn:a"],
                    "Condition": {"StringLike": {"s3:prefix": ["a/*"]}},
                }
            ],
        }
    )
    assert trust("lambda.amazonaws.com") == Json(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    )
