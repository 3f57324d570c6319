"""Policies as sets: what covers what, and what a new version gives that the old one did not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from framework.plan.grants import grants, matches, opened, sentence, undenied
from framework.plan.resource import Attr, Json, Text, Value

Statement = Mapping[str, Value]


def allow(action: Value, resource: Value = "arn:aws:s3:::b/x", **more: Value) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def document(*statements: Statement) -> Json:
    return Json({"Version": "2012-10-17", "Statement": list(statements)})


def new_in(old: Value, new: Value) -> list[str]:
    return [sentence(each) for each in opened(grants([old]), grants([new]))]


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("s3:Get*", "s3:GetObject", True),
        ("s3:GetObject", "s3:Get*", False),
        ("*", "arn:aws:s3:::b/*", True),
        ("arn:aws:s3:::b/*", "*", False),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/in/*", True),
        ("arn:aws:s3:::b/in/*", "arn:aws:s3:::b/in*", False),
        ("arn:aws:s3:::b/?", "arn:aws:s3:::b/x", True),
        ("arn:aws:s3:::b/?", "arn:aws:s3:::b/*", False),
        ("arn:aws:s3:::b/?", "arn:aws:s3:::b/?", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/?", True),
        ("a.c", "abc", False),
        ("*a", "b\na", True),
        ("!s3:*", "!s3:Get", False),
        ("!s3:*", "!s3:*", True),
    ],
)
def test_patterns_cover_patterns(wide: str, narrow: str, covered: bool) -> None:
    assert matches(wide, narrow) is covered


PREFIX: Value = {"StringLike": {"s3:prefix": ["in/*"]}}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (allow("s3:GetObject"), allow(["s3:GetObject"]), []),
        (allow("s3:getobject"), allow("s3:GetObject"), []),
        (allow("s3:GetObject"), allow("s3:PutObject"), ["s3:PutObject on arn:aws:s3:::b/x"]),
        (allow("s3:*", "*"), allow(["s3:GetObject", "s3:Put*"]), []),
        (allow("a:b", "R"), allow("a:b", "r"), ["a:b on r"]),
        (allow("a:b", Condition=PREFIX), allow("a:b", Condition=PREFIX), []),
        (allow("a:b"), allow("a:b", Condition=PREFIX), []),
        (allow("a:b", "r", Condition=PREFIX), allow("a:b", "r"), ["a:b on r"]),
        (
            allow("a:b", "r", Condition=PREFIX),
            allow("a:b", "r", Condition={"StringLike": {"s3:prefix": ["in/*", "out/*"]}}),
            ["a:b on r, where s3:prefix stringlike in/*, out/*"],
        ),
        (
            allow("a:b", "r", Condition=PREFIX),
            allow("a:b", "r", Condition={"stringlike": {"S3:Prefix": "in/deep/*"}}),
            [],
        ),
        (
            allow("a:b", "r", Condition={"StringNotEquals": {"k": ["x", "y"]}}),
            allow("a:b", "r", Condition={"StringNotEquals": {"k": ["x"]}}),
            ["a:b on r, where k stringnotequals x"],
        ),
        (
            allow("a:b", "r", Condition={"StringNotEquals": {"k": ["x"]}}),
            allow("a:b", "r", Condition={"StringNotEquals": {"k": ["x", "y"]}}),
            [],
        ),
        (
            allow("a:b", "r", Condition={"StringNotLike": {"k": ["x*"]}}),
            allow("a:b", "r", Condition={"StringNotLike": {"k": ["x1"]}}),
            ["a:b on r, where k stringnotlike x1"],
        ),
        (
            allow("a:b", "r", Condition={"StringNotLike": {"k": ["x1"]}}),
            allow("a:b", "r", Condition={"StringNotLike": {"k": ["x*"]}}),
            [],
        ),
        (
            allow("a:b", "r", Principal={"AWS": ["1", "2"]}),
            allow("a:b", "r", Principal={"AWS": ["2", "3"]}),
            ["AWS 3: a:b on r"],
        ),
        (allow("a:b", "r", Principal="*"), allow("a:b", "r", Principal={"AWS": "*"}), []),
        (allow("a:b", "r", Principal="*"), allow("a:b", "r", Principal={"Service": "s"}), []),
        (
            allow("a:b", "r", NotPrincipal={"AWS": "1"}),
            allow("a:b", "r", NotPrincipal={"AWS": "2"}),
            ['!{"AWS": "2"}: a:b on r'],
        ),
        (
            {"Effect": "Allow", "NotAction": ["s3:*"], "NotResource": "r"},
            {"Effect": "Allow", "NotAction": ["s3:Get"], "NotResource": "r"},
            ["!s3:Get on !r"],
        ),
        (allow("a:b", "*"), {"Effect": "Allow", "NotAction": "a:b", "Resource": "*"},
         ["!a:b on *"]),
        ({"Effect": "Allow", "Action": "a:b"}, allow("a:b", "r"), ["a:b on r"]),
    ],
)  # fmt: skip
def test_what_a_new_statement_opens(old: Statement, new: Statement, found: list[str]) -> None:
    assert new_in(document(old), document(new)) == found


def test_grants_may_be_said_in_any_statement_and_twice() -> None:
    old = document(allow(["a:b", "a:c"], ["r", "s"]))
    new = document(allow("a:c", "s"), allow("a:b", "r"), allow("a:b", "r"), allow("a:d", "r"))
    assert new_in(old, new) == ["a:d on r"]
    assert new_in(new, old) == ["a:b on s", "a:c on r"]


def test_what_is_no_longer_denied() -> None:
    def deny(resource: str, **more: Value) -> Json:
        return document({"Effect": "Deny", "Action": "s3:*", "Resource": resource, **more})

    old, new = grants([deny("b/*")]), grants([deny("b/x*")])
    assert [sentence(each) for each in undenied(old, new)] == ["s3:* on b/*"]
    assert undenied(new, old) == ()
    limited = grants([deny("b/*", Condition={"Bool": {"k": "true"}})])
    assert len(undenied(old, limited)) == 1
    assert undenied(limited, old) == ()
    assert undenied(old, old) == ()


def test_documents_may_be_text_and_hold_outputs() -> None:
    text = '{"Statement": {"Effect": "Allow", "Action": "a:b", "Resource": "x"}}'
    assert new_in(document(), text) == ["a:b on x"]
    composed = document(allow("a:b", Text(("arn:", Attr("api", "id"), "/*"))))
    assert new_in(document(), composed) == ["a:b on arn:{api.id}/*"]
    made = Text(
        (
            '{"Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "',
            Attr("api", "id"),
            '"}]}',
        )
    )
    assert new_in(document(), made) == ["a:b on {api.id}"]


@pytest.mark.parametrize(
    "what", [None, "no json", 1, Json(None), Json({"Statement": ["x"]}), Json({})]
)
def test_what_is_no_document_grants_nothing(what: Value) -> None:
    assert grants([what]) == grants([])
