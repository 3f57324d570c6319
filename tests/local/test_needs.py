"""Which permissions a call to S3 or SSM needs."""

from __future__ import annotations

import json

import pytest

from framework.local import s3_needs, ssm_needs
from framework.local.http_messages import Request
from framework.local.needs import Unsupported

BUCKET = "arn:aws:s3:::notes"
PREFIX = "arn:aws:ssm:eu-west-1:123456789012:"


@pytest.mark.parametrize(
    ("line", "action", "resource"),
    [
        ("GET /", "s3:ListAllMyBuckets", "*"),
        ("GET /notes", "s3:ListBucket", BUCKET),
        ("GET /notes/", "s3:ListBucket", BUCKET),
        ("GET /notes?list-type=2&prefix=a&x-id=ListObjectsV2", "s3:ListBucket", BUCKET),
        ("HEAD /notes", "s3:ListBucket", BUCKET),
        ("GET /notes?versions", "s3:ListBucketVersions", BUCKET),
        ("GET /notes?uploads", "s3:ListBucketMultipartUploads", BUCKET),
        ("GET /notes?location", "s3:GetBucketLocation", BUCKET),
        ("PUT /notes", "s3:CreateBucket", BUCKET),
        ("PUT /notes?policy", "s3:PutBucketPolicy", BUCKET),
        ("DELETE /notes?policy", "s3:DeleteBucketPolicy", BUCKET),
        ("DELETE /notes", "s3:DeleteBucket", BUCKET),
        ("GET /notes/a/b%20c", "s3:GetObject", f"{BUCKET}/a/b c"),
        ("GET /notes/a?response-content-type=text", "s3:GetObject", f"{BUCKET}/a"),
        ("GET /notes/a?partNumber=1", "s3:GetObject", f"{BUCKET}/a"),
        ("GET /notes/a?X-Amz-Signature=1&X-Amz-Expires=2", "s3:GetObject", f"{BUCKET}/a"),
        ("GET /notes/a?AWSAccessKeyId=1&Signature=1&Expires=2", "s3:GetObject", f"{BUCKET}/a"),
        ("GET /notes/a?versionId=1", "s3:GetObjectVersion", f"{BUCKET}/a"),
        ("HEAD /notes/a", "s3:GetObject", f"{BUCKET}/a"),
        ("GET /notes/a?acl&versionId=1", "s3:GetObjectVersionAcl", f"{BUCKET}/a"),
        ("GET /notes/a?tagging", "s3:GetObjectTagging", f"{BUCKET}/a"),
        ("GET /notes/a?uploadId=1", "s3:ListMultipartUploadParts", f"{BUCKET}/a"),
        ("PUT /notes/a", "s3:PutObject", f"{BUCKET}/a"),
        ("PUT /notes/a?uploadId=1&partNumber=2", "s3:PutObject", f"{BUCKET}/a"),
        ("POST /notes/a?uploads", "s3:PutObject", f"{BUCKET}/a"),
        ("POST /notes/a?uploadId=1", "s3:PutObject", f"{BUCKET}/a"),
        ("POST /notes/a?restore", "s3:RestoreObject", f"{BUCKET}/a"),
        ("PUT /notes/a?acl", "s3:PutObjectAcl", f"{BUCKET}/a"),
        ("DELETE /notes/a", "s3:DeleteObject", f"{BUCKET}/a"),
        ("DELETE /notes/a?versionId=1", "s3:DeleteObjectVersion", f"{BUCKET}/a"),
        ("DELETE /notes/a?uploadId=1", "s3:AbortMultipartUpload", f"{BUCKET}/a"),
    ],
)
def test_an_s3_request_needs_one_permission(line: str, action: str, resource: str) -> None:
    call = s3_needs.read(request_of(line), "aws")

    assert [(need.action, need.resource) for need in call.needs] == [(action, resource)]


def request_of(line: str, **headers: str) -> Request:
    method, _, target = line.partition(" ")
    path, _, query = target.partition("?")
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Request(method, path, query, named)


@pytest.mark.parametrize(
    ("line", "headers", "more"),
    [
        (
            "PUT /notes/a",
            {"x_amz_copy_source": "/other/b%20c"},
            [("s3:GetObject", "arn:aws:s3:::other/b c")],
        ),
        (
            "PUT /notes/a?partNumber=1&uploadId=2",
            {"x_amz_copy_source": "other/b?versionId=7"},
            [("s3:GetObjectVersion", "arn:aws:s3:::other/b")],
        ),
        ("PUT /notes/a", {"x_amz_acl": "private"}, [("s3:PutObjectAcl", f"{BUCKET}/a")]),
        ("PUT /notes/a", {"x_amz_tagging": "a=1"}, [("s3:PutObjectTagging", f"{BUCKET}/a")]),
        ("GET /notes/a?attributes", {}, [("s3:GetObject", f"{BUCKET}/a")]),
    ],
)
def test_some_s3_requests_need_more(
    line: str, headers: dict[str, str], more: list[tuple[str, str]]
) -> None:
    needs = s3_needs.read(request_of(line, **headers), "aws").needs

    assert [(need.action, need.resource) for need in needs[1:]] == more


def test_a_listing_carries_what_conditions_ask_for() -> None:
    call = s3_needs.read(request_of("GET /notes?prefix=a%2F&delimiter=%2F&max-keys=5"), "aws")

    assert call.needs[0].context == {
        "s3:prefix": "a/",
        "s3:delimiter": "/",
        "s3:max-keys": "5",
    }


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("GET /notes?inventory&id=1", "S3's GET ?inventory"),
        ("PUT /notes/a?unknown", "S3's PUT ?unknown"),
        ("POST /notes", "S3's POST request"),
        ("POST /notes/a?select&select-type=2", "S3's POST ?select"),
        ("PATCH /notes/a", "S3's PATCH request"),
        ("DELETE /notes?location", "S3's DELETE ?location"),
    ],
)
def test_an_unknown_s3_request_is_refused(line: str, what: str) -> None:
    with pytest.raises(Unsupported) as caught:
        s3_needs.read(request_of(line), "aws")

    assert str(caught.value) == what


def test_other_partitions_have_arns_of_their_own() -> None:
    call = s3_needs.read(request_of("GET /notes/a"), "aws-cn")

    assert call.needs[0].resource == "arn:aws-cn:s3:::notes/a"


def ssm_request(operation: str, body: object) -> Request:
    target = (("x-amz-target", f"AmazonSSM.{operation}"),)
    return Request("POST", "/", headers=target, body=json.dumps(body).encode())


@pytest.mark.parametrize(
    ("operation", "body", "names"),
    [
        ("GetParameter", {"Name": "/notes/dev/key"}, ["parameter/notes/dev/key"]),
        ("GetParameter", {"Name": "key"}, ["parameter/key"]),
        ("GetParameter", {"Name": "/notes/key:3"}, ["parameter/notes/key"]),
        ("GetParameter", {"Name": f"{PREFIX}parameter/notes/key:live"}, ["parameter/notes/key"]),
        ("GetParameters", {"Names": ["/a", "/b"]}, ["parameter/a", "parameter/b"]),
        ("GetParametersByPath", {"Path": "/notes/dev"}, ["parameter/notes/dev"]),
        ("GetParameterHistory", {"Name": "/a"}, ["parameter/a"]),
        ("PutParameter", {"Name": "/a", "Value": "x"}, ["parameter/a"]),
        ("DeleteParameter", {"Name": "/a"}, ["parameter/a"]),
        ("DeleteParameters", {"Names": ["/a"]}, ["parameter/a"]),
        ("DescribeParameters", {}, ["*"]),
        (
            "AddTagsToResource",
            {"ResourceType": "Parameter", "ResourceId": "/a", "Tags": []},
            ["parameter/a"],
        ),
    ],
)
def test_an_ssm_request_needs_its_action_on_each_parameter(
    operation: str, body: object, names: list[str]
) -> None:
    needs = ssm_needs.read(ssm_request(operation, body), PREFIX)

    assert [need.action for need in needs] == [f"ssm:{operation}"] * len(names)
    assert [need.resource for need in needs] == [f"{PREFIX}{name}" for name in names]


@pytest.mark.parametrize(
    ("request_", "what"),
    [
        (ssm_request("SendCommand", {}), "SSM's SendCommand"),
        (ssm_request("GetParameter", {}), "SSM's GetParameter without a name"),
        (ssm_request("GetParameter", ["a"]), "SSM's GetParameter without a name"),
        (
            ssm_request("AddTagsToResource", {"ResourceType": "Document", "ResourceId": "x"}),
            "SSM's AddTagsToResource",
        ),
        (Request("POST", "/"), "SSM's request without a target"),
        (Request("POST", "/", body=b"{"), "SSM with a body that is no JSON"),
    ],
)
def test_an_unknown_ssm_request_is_refused(request_: Request, what: str) -> None:
    with pytest.raises(Unsupported) as caught:
        ssm_needs.read(request_, PREFIX)

    assert str(caught.value) == what


@pytest.mark.parametrize("target", ["AmazonSSM.GetParameter", "AmazonSSM.DescribeParameters"])
def test_a_query_string_may_not_say_another_parameter_than_the_body(target: str) -> None:
    request = Request(
        "POST", "/", "Name=/notes/theirs", (("x-amz-target", target),), b'{"Name": "/notes/ours"}'
    )
    with pytest.raises(Unsupported, match="SSM with a query string"):
        ssm_needs.read(request, PREFIX)


def test_a_parameter_of_the_query_stands_once() -> None:
    with pytest.raises(Unsupported, match="S3 with a query parameter twice"):
        s3_needs.read(request_of("GET /notes?prefix=secret&prefix=open/"), "aws")
