"""Names: their limits, and that two things never share one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.plan.names import Names, cut, digits, identifier, slug
from framework.plan.target import Target, partition_of

words = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,8}){0,8}", fullmatch=True).filter(
    lambda text: len(text) <= 64
)
stacks = st.from_regex(r"[A-Za-z0-9_.-]{1,100}", fullmatch=True)

NAMES = Names("notes", Target("dev", "123456789012", ("eu-west-1",)), "eu-west-1")


def test_short_names_are_read_as_written() -> None:
    assert NAMES.name("list-notes", 64) == "notes-dev-list-notes"
    assert NAMES.regional("list-notes", 64) == "notes-dev-list-notes-eu-west-1"
    assert NAMES.worldwide("files", 63) == "notes-dev-files-123456789012-eu-west-1"
    assert NAMES.path("key") == "/notes/dev/key"
    assert NAMES.name("", 128) == "notes-dev"


def test_arns_carry_partition_region_and_account() -> None:
    china = Names("notes", Target("dev", "1" * 12, ("cn-north-1",)), "cn-north-1")
    assert NAMES.arn("lambda", "function:x") == "arn:aws:lambda:eu-west-1:123456789012:function:x"
    assert china.arn("logs", "x") == "arn:aws-cn:logs:cn-north-1:111111111111:x"
    assert china.global_arn("iam", "role/x") == "arn:aws-cn:iam::111111111111:role/x"
    assert china.bucket_arn("x") == "arn:aws-cn:s3:::x"


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-west-1", "aws"),
        ("us-east-1", "aws"),
        ("cn-northwest-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
    ],
)
def test_partitions(region: str, partition: str) -> None:
    assert partition_of(region) == partition
    assert Target("dev", "1" * 12, (region,)).partition == partition


@pytest.mark.parametrize(
    ("stack", "word"),
    [
        ("dev", "dev"),
        ("pr-42", "pr-42"),
        ("Dev", f"dev-{digits('Dev')}"),
        ("my_stack.1", f"my-stack-1-{digits('my_stack.1')}"),
        ("--", digits("--")),
    ],
)
def test_stacks_become_words(stack: str, word: str) -> None:
    assert slug(stack) == word


def test_a_long_name_ends_in_the_digits_of_the_whole() -> None:
    long = "a" * 70
    assert cut(long, 64) == f"{'a' * 57}-{digits(long)}"
    assert cut("a" * 64, 64) == "a" * 64


@given(words, stacks, words)
def test_names_keep_the_limits_of_aws(service: str, stack: str, entry: str) -> None:
    names = Names(service, Target(stack, "123456789012", ("ap-southeast-2",)), "ap-southeast-2")
    assert len(names.name(entry, 64)) <= 64
    assert len(names.regional(entry, 64)) <= 64
    assert names.regional(entry, 64).endswith("-ap-southeast-2")
    bucket = names.worldwide(entry, 63)
    assert len(bucket) <= 63
    assert bucket.endswith("-123456789012-ap-southeast-2")
    assert bucket.strip("abcdefghijklmnopqrstuvwxyz0123456789-") == ""
    assert "--" not in bucket


@given(words, words, words)
def test_entries_of_a_stack_never_share_a_name(service: str, one: str, other: str) -> None:
    names = Names(service, Target("dev", "123456789012", ("eu-west-1",)), "eu-west-1")
    for kind in (names.name, names.regional, names.worldwide):
        assert (kind(one, 63) == kind(other, 63)) == (one == other)


@given(st.text(min_size=1), st.text(min_size=1))
def test_identifiers_of_two_texts_differ(one: str, other: str) -> None:
    assert (identifier(one) == identifier(other)) == (one == other)
    assert identifier(one).replace("-", "").isalnum()
