"""The gate: every call judged by the function's own policy, by real boto3 against real moto."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from framework.local.gate import expired
from framework.local.http_messages import Request
from framework.plan.resource import Value
from tests.support.local import Local, local, write_handlers
from tests.support.plans import (
    ACCOUNT,
    REGION,
    PlanBuilder,
    allow,
    bucket_arn,
    bucket_name,
    parameter_arn,
    parameter_name,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

NOTES, OTHER = bucket_name("notes"), bucket_name("other")
NOTES_ARN = bucket_arn("notes")
NOT_COVERED = "the prefix of buckets.notes in its uses does not cover it"
ORIGIN = "https://notes.example.com"
HANDLERS = """
    import json
    import os
    import boto3

    s3 = boto3.client("s3")
    ssm = boto3.client("ssm")

    def put(event, context):
        key = event["pathParameters"]["id"]
        s3.put_object(Bucket=os.environ["NOTES_BUCKET"], Key=key, Body=event["body"].encode())
        return {"statusCode": 201}

    def get(event, context):
        key = event["pathParameters"]["id"]
        found = s3.get_object(Bucket=os.environ["NOTES_BUCKET"], Key=key)
        name = os.environ["SIGNING_KEY_PARAMETER"]
        value = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
        return {"text": found["Body"].read().decode(), "key": value}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    folder = tmp_path_factory.mktemp("gate")
    write_handlers(folder, HANDLERS)
    environment = {
        "NOTES_BUCKET": NOTES,
        "SIGNING_KEY_PARAMETER": parameter_name("signing-key"),
    }
    read = [allow("s3:GetObject", f"{NOTES_ARN}/*"), allow("s3:ListBucket", NOTES_ARN)]
    write = allow(["s3:PutObject", "s3:AbortMultipartUpload"], f"{NOTES_ARN}/*")
    delete = allow("s3:DeleteObject", f"{NOTES_ARN}/mine/*")
    prefixed = [
        allow("s3:GetObject", f"{NOTES_ARN}/mine/*"),
        allow("s3:ListBucket", NOTES_ARN, {"StringLike": {"s3:prefix": ["mine", "mine/*"]}}),
    ]
    everything = allow(["s3:*", "ssm:*"], "*")
    key = allow(["ssm:GetParameter", "ssm:GetParameters"], parameter_arn("signing-key"))
    rule: dict[str, Value] = {
        "allowedOrigins": [ORIGIN],
        "allowedMethods": ["GET", "PUT"],
        "allowedHeaders": ["content-type"],
        "maxAgeSeconds": 60,
    }
    builder = (
        PlanBuilder()
        .function("put", "app.put", write, environment=environment)
        .function("get", "app.get", *read, key, environment=environment)
        .function("only-get", "app.get", allow("s3:GetObject", f"{NOTES_ARN}/*"))
        .function("prefixed", "app.get", *prefixed)
        .function("delete", "app.get", delete)
        .function("admin", "app.get", everything)
        .function(
            "denied",
            "app.get",
            everything,
            {"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"},
        )
        .function("nothing", "app.get")
        .route("PUT /notes/{id}", "put")
        .route("GET /notes/{id}", "get")
        .bucket("notes", cors=[rule])
        .bucket("other", versioned=False)
        .parameter("signing-key")
        .parameter("page-title", "Notes")
    )
    with local(builder, folder) as running:
        yield running


@pytest.fixture(scope="module")
def sample(served: Local) -> None:
    """Two objects to read."""
    admin = s3_of(served, "admin")
    for key in ("mine/1", "theirs/1"):
        admin.put_object(Bucket=NOTES, Key=key, Body=key.encode())


def session_of(served: Local, function: str) -> boto3.Session:
    credentials = served.service.grounds.credentials[f"functions.{function}"]
    return boto3.Session(
        credentials.access_key,
        credentials.secret_key,
        credentials.session_token,
        region_name=REGION,
    )


def config(**more: str) -> Config:
    return Config(
        retries={"total_max_attempts": 1}, signature_version=more.get("signature_version")
    )


def s3_of(served: Local, function: str, **more: str) -> S3Client:
    session = session_of(served, function)
    return session.client("s3", endpoint_url=served.service.gate_url, config=config(**more))


def ssm_of(served: Local, function: str) -> SSMClient:
    session = session_of(served, function)
    return session.client("ssm", endpoint_url=served.service.gate_url, config=config())


def test_a_note_is_put_and_read_by_handlers(served: Local) -> None:
    text = {"content-type": "text/plain"}
    put = served.client.put("/notes/first", content="hello", headers=text)
    get = served.client.get("/notes/first")

    assert put.status_code == 201
    assert get.json() == {"text": "hello", "key": "value-of-parameters.signing-key"}
    assert served.client.get("/notes/missing").status_code == 500
    served.lines.wait_for("functions.get: NoSuchKey: ")


def test_the_cloud_holds_what_the_plan_says(served: Local) -> None:
    s3, ssm = s3_of(served, "admin"), ssm_of(served, "admin")

    secret = ssm.get_parameter(Name=parameter_name("signing-key"))["Parameter"]
    plain = ssm.get_parameter(Name=parameter_name("page-title"))["Parameter"]
    assert {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]} == {NOTES, OTHER}
    assert s3.get_bucket_versioning(Bucket=NOTES)["Status"] == "Enabled"
    assert "Status" not in s3.get_bucket_versioning(Bucket=OTHER)
    assert s3.get_bucket_location(Bucket=NOTES)["LocationConstraint"] == REGION
    assert (secret["Type"], plain["Type"], plain["Value"]) == ("SecureString", "String", "Notes")
    assert secret["Value"] != "value-of-parameters.signing-key"
    assert secret["ARN"] == parameter_arn("signing-key")


def user(function: str) -> str:
    name = f"notes-dev-{function}"
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}-{REGION}/{name}"


@pytest.mark.parametrize(
    ("function", "operation", "arguments", "action", "resource", "remedy"),
    [
        ("nothing", "get_object", {"Key": "a"}, "GetObject", f"{NOTES_ARN}/a", "[read]"),
        ("nothing", "list_objects_v2", {}, "ListBucket", NOTES_ARN, "[list]"),
        ("nothing", "list_objects", {}, "ListBucket", NOTES_ARN, "[list]"),
        ("get", "put_object", {"Key": "a"}, "PutObject", f"{NOTES_ARN}/a", "[write]"),
        (
            "nothing",
            "abort_multipart_upload",
            {"Key": "a", "UploadId": "1"},
            "AbortMultipartUpload",
            f"{NOTES_ARN}/a",
            "[write]",
        ),
        ("get", "delete_object", {"Key": "a"}, "DeleteObject", f"{NOTES_ARN}/a", "[delete]"),
    ],
)
def test_a_denied_call_says_which_line_would_allow_it(
    served: Local,
    function: str,
    operation: str,
    arguments: dict[str, str],
    action: str,
    resource: str,
    remedy: str,
) -> None:
    call = getattr(s3_of(served, function), operation)
    with pytest.raises(ClientError) as caught:
        call(Bucket=NOTES, **arguments)

    error = caught.value.response
    assert error["Error"]["Code"] == "AccessDenied"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert error["Error"]["Message"] == (
        f"User: {user(function)} is not authorized to perform: s3:{action} on resource:"
        f' "{resource}" because no identity-based policy allows the s3:{action} action'
    )
    assert (
        f"functions.{function} may not s3:{action} on {resource}:"
        f" add  uses: {{buckets.notes: {remedy}}}"
    ) in served.lines.said


@pytest.mark.parametrize(
    ("function", "operation", "arguments", "line"),
    [
        (
            "prefixed",
            "get_object",
            {"Bucket": NOTES, "Key": "theirs/1"},
            f"s3:GetObject on {NOTES_ARN}/theirs/1: {NOT_COVERED}",
        ),
        (
            "prefixed",
            "list_objects_v2",
            {"Bucket": NOTES, "Prefix": "theirs/"},
            f"s3:ListBucket on {NOTES_ARN}: {NOT_COVERED}",
        ),
        (
            "get",
            "get_bucket_policy",
            {"Bucket": NOTES},
            f"s3:GetBucketPolicy on {NOTES_ARN}: no verb of uses grants it",
        ),
        (
            "get",
            "get_object",
            {"Bucket": "a-stranger", "Key": "a"},
            "s3:GetObject on arn:aws:s3:::a-stranger/a: services.yaml has no entry of that name",
        ),
        (
            "denied",
            "get_object",
            {"Bucket": NOTES, "Key": "a"},
            f"s3:GetObject on {NOTES_ARN}/a: a statement of its policy denies it",
        ),
    ],
)
def test_other_denials_say_why(
    served: Local, function: str, operation: str, arguments: dict[str, str], line: str
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(s3_of(served, function), operation)(**arguments)

    assert f"functions.{function} may not {line}" in served.lines.said


def test_a_deny_statement_is_named_in_the_error(served: Local) -> None:
    with pytest.raises(ClientError, match="with an explicit deny in an identity-based policy"):
        s3_of(served, "denied").get_object(Bucket=NOTES, Key="a")


@pytest.mark.usefixtures("sample")
def test_a_prefix_opens_its_part_alone(served: Local) -> None:
    s3 = s3_of(served, "prefixed")

    listed = s3.list_objects_v2(Bucket=NOTES, Prefix="mine/")["Contents"]
    assert [found["Key"] for found in listed] == ["mine/1"]
    assert s3.get_object(Bucket=NOTES, Key="mine/1")["Body"].read() == b"mine/1"
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket=NOTES)


def test_a_missing_object_is_denied_to_who_may_not_list(served: Local) -> None:
    with pytest.raises(ClientError) as caught:
        s3_of(served, "only-get").get_object(Bucket=NOTES, Key="missing")
    with pytest.raises(ClientError) as head:
        s3_of(served, "only-get").head_object(Bucket=NOTES, Key="missing")
    with pytest.raises(ClientError) as listing:
        s3_of(served, "get").get_object(Bucket=NOTES, Key="missing")

    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    assert head.value.response["Error"]["Code"] == "403"
    assert listing.value.response["Error"]["Code"] == "NoSuchKey"
    assert (
        "functions.only-get: missing is not in buckets.notes, and who may not list is told"
        " AccessDenied, not NoSuchKey: add  uses: {buckets.notes: [list]}"
    ) in served.lines.said


@pytest.mark.usefixtures("sample")
def test_a_head_tells_length_and_type(served: Local) -> None:
    head = s3_of(served, "get").head_object(Bucket=NOTES, Key="mine/1")

    assert head["ContentLength"] == 6


def test_a_large_upload_goes_in_parts(served: Local) -> None:
    data = b"0123456789abcdef" * 1_000_000
    s3_of(served, "put").upload_fileobj(io.BytesIO(data), NOTES, "large")

    assert s3_of(served, "get").get_object(Bucket=NOTES, Key="large")["Body"].read() == data


@pytest.mark.usefixtures("sample")
def test_a_copy_needs_to_read_its_source(served: Local) -> None:
    source = f"{NOTES}/mine/1"
    with pytest.raises(ClientError, match=r"not authorized to perform: s3:GetObject"):
        s3_of(served, "put").copy_object(Bucket=NOTES, Key="copy", CopySource=source)

    s3_of(served, "admin").copy_object(Bucket=NOTES, Key="copy", CopySource=source)
    assert s3_of(served, "get").get_object(Bucket=NOTES, Key="copy")["Body"].read() == b"mine/1"


def test_versions_have_permissions_of_their_own(served: Local) -> None:
    admin = s3_of(served, "admin")
    version = admin.put_object(Bucket=NOTES, Key="versioned", Body=b"1")["VersionId"]
    admin.put_object(Bucket=NOTES, Key="versioned", Body=b"2")

    old = admin.get_object(Bucket=NOTES, Key="versioned", VersionId=version)
    assert old["Body"].read() == b"1"
    with pytest.raises(ClientError, match="s3:GetObjectVersion"):
        s3_of(served, "get").get_object(Bucket=NOTES, Key="versioned", VersionId=version)


def test_deleting_many_answers_for_each(served: Local) -> None:
    admin = s3_of(served, "admin")
    for key in ("mine/x", "mine/y", "theirs/x"):
        admin.put_object(Bucket=NOTES, Key=key)

    def delete(*keys: str) -> tuple[list[str], list[str]]:
        answer = s3_of(served, "delete").delete_objects(
            Bucket=NOTES, Delete={"Objects": [{"Key": key} for key in keys]}
        )
        deleted = [item["Key"] for item in answer.get("Deleted", [])]
        assert {item["Code"] for item in answer.get("Errors", [])} <= {"AccessDenied"}
        return deleted, [item["Key"] for item in answer.get("Errors", [])]

    assert delete("mine/x", "theirs/x") == (["mine/x"], ["theirs/x"])
    assert delete("theirs/x") == ([], ["theirs/x"])
    assert delete("mine/y") == (["mine/y"], [])
    found = admin.list_objects_v2(Bucket=NOTES, Prefix="theirs/x")
    assert found["KeyCount"] == 1


def test_deleting_a_version_needs_its_own_permission(served: Local) -> None:
    answer = s3_of(served, "delete").delete_objects(
        Bucket=NOTES,
        Delete={"Objects": [{"Key": "mine/z"}, {"Key": "mine/z", "VersionId": "7"}]},
    )

    assert [item["VersionId"] for item in answer["Errors"]] == ["7"]
    assert f"functions.delete may not s3:DeleteObjectVersion on {NOTES_ARN}/mine/z" in " ".join(
        served.lines.said
    )


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("signature_version", ["s3v4", "s3"])
def test_a_presigned_url_is_judged_by_who_signed_it(served: Local, signature_version: str) -> None:
    def url(function: str, method: str, key: str, expires: int = 60) -> str:
        client = s3_of(served, function, signature_version=signature_version)
        return client.generate_presigned_url(
            method, Params={"Bucket": NOTES, "Key": key}, ExpiresIn=expires
        )

    assert httpx.get(url("get", "get_object", "mine/1")).text == "mine/1"
    assert httpx.get(url("nothing", "get_object", "mine/1")).status_code == 403
    assert httpx.put(url("put", "put_object", "sent"), content=b"1").status_code == 200
    late = httpx.get(url("get", "get_object", "mine/1", expires=-10))
    assert (late.status_code, "Request has expired" in late.text) == (403, True)


@pytest.mark.parametrize(
    ("query", "late"),
    [
        ("", False),
        ("X-Amz-Date=20260101T000000Z&X-Amz-Expires=60", False),
        ("X-Amz-Date=20260101T000000Z&X-Amz-Expires=9", True),
        ("X-Amz-Date=soon&X-Amz-Expires=9", True),
        ("X-Amz-Expires=9", True),
        ("Expires=1767225611", False),
        ("Expires=1767225609", True),
        ("Expires=never", True),
    ],
)
def test_when_a_presigned_url_is_over(query: str, late: bool) -> None:
    ten_seconds_into_2026 = 1767225610

    assert expired(Request("GET", "/", query), ten_seconds_into_2026) is late


@pytest.mark.parametrize("operation", ["get_parameter", "get_parameters", "put_parameter"])
def test_a_parameter_that_is_not_in_uses_is_denied(served: Local, operation: str) -> None:
    names = [parameter_name("page-title")]
    arguments: dict[str, dict[str, object]] = {
        "get_parameter": {"Name": names[0]},
        "get_parameters": {"Names": [*names, parameter_name("signing-key")]},
        "put_parameter": {"Name": names[0], "Value": "x", "Overwrite": True},
    }
    with pytest.raises(ClientError) as caught:
        getattr(ssm_of(served, "get"), operation)(**arguments[operation])

    action = "".join(part.title() for part in operation.split("_"))
    arn = parameter_arn("page-title")
    verb = "write" if operation == "put_parameter" else "read"
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    assert caught.value.response["Error"]["Message"] == (
        f"User: {user('get')} is not authorized to perform: ssm:{action} on resource: {arn} because"
        f" no identity-based policy allows the ssm:{action} action"
    )
    assert (
        f"functions.get may not ssm:{action} on {arn}:"
        f" add  uses: {{parameters.page-title: [{verb}]}}" in served.lines.said
    )


def test_parameters_can_be_written_and_listed_where_allowed(served: Local) -> None:
    ssm = ssm_of(served, "admin")
    ssm.put_parameter(Name="/notes/dev/new", Value="1", Type="String")

    names = [one["Name"] for one in ssm.get_parameters_by_path(Path="/notes/dev")["Parameters"]]
    assert "/notes/dev/new" in names


def test_an_unknown_service_is_refused_and_named(served: Local) -> None:
    session = session_of(served, "admin")
    tables = session.client("dynamodb", endpoint_url=served.service.gate_url, config=config())
    identity = session.client("sts", endpoint_url=served.service.gate_url, config=config())

    with pytest.raises(ClientError, match="local mode does not have the service dynamodb"):
        tables.list_tables()
    with pytest.raises(ClientError, match="local mode does not have the service sts"):
        identity.get_caller_identity()
    assert (
        "functions.admin called the service dynamodb, which local mode does not have"
        in served.lines.said
    )


def test_an_unknown_operation_is_refused_and_named(served: Local) -> None:
    with pytest.raises(ClientError, match=r"local mode does not have SSM's SendCommand"):
        ssm_of(served, "admin").send_command(DocumentName="x", InstanceIds=["i-12345678"])
    with pytest.raises(ClientError, match=r"local mode does not have S3's GET \?inventory"):
        s3_of(served, "admin").list_bucket_inventory_configurations(Bucket=NOTES)


def test_unknown_credentials_are_nobodys(served: Local) -> None:
    session = boto3.Session("ASIAUNKNOWN", "x", region_name=REGION)
    url = served.service.gate_url

    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        session.client("s3", endpoint_url=url).list_buckets()
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        session.client("ssm", endpoint_url=url).get_parameter(Name="x")
    assert httpx.get(f"{url}/{NOTES}/mine/1").status_code == 403
    target = {"x-amz-target": "AmazonSSM.GetParameter"}
    assert httpx.post(url, headers=target, content=b"{}").json()["__type"] == (
        "UnrecognizedClientException"
    )


def test_a_deletion_that_is_no_xml_is_refused(served: Local) -> None:
    key = served.service.grounds.credentials["functions.admin"].access_key
    scope = f"AWS4-HMAC-SHA256 Credential={key}/20260101/{REGION}/s3/aws4_request"
    answer = httpx.post(
        f"{served.service.gate_url}/{NOTES}?delete", headers={"authorization": scope}, content=b"{"
    )

    assert answer.status_code == 501
    assert "with a body that is no XML" in answer.text


@pytest.mark.usefixtures("sample")
def test_the_buckets_cors_rules_hold(served: Local) -> None:
    url = s3_of(served, "get").generate_presigned_url(
        "get_object", Params={"Bucket": NOTES, "Key": "mine/1"}
    )
    ask = {"origin": ORIGIN, "access-control-request-method": "PUT"}

    allowed = httpx.options(url, headers=ask)
    refused = httpx.options(url, headers={**ask, "origin": "https://evil.example"})
    answered = httpx.get(url, headers={"origin": ORIGIN})
    elsewhere = httpx.get(url, headers={"origin": "https://evil.example"})
    other = httpx.options(f"{served.service.gate_url}/{OTHER}/x", headers=ask)

    assert allowed.headers["access-control-allow-methods"] == "GET,PUT"
    assert allowed.headers["access-control-max-age"] == "60"
    assert (refused.status_code, other.status_code) == (403, 403)
    assert answered.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-origin" not in elsewhere.headers
    assert answered.text == "mine/1"


def test_only_the_gate_reaches_the_cloud(served: Local) -> None:
    s3_of(served, "admin").list_buckets()
    port = served.service.grounds.cloud.port
    assert port is not None

    answer = httpx.get(f"http://127.0.0.1:{port.result()}/{NOTES}")

    assert answer.status_code == 403
    assert "call the gate instead" in answer.text


def test_a_secret_is_never_said(served: Local) -> None:
    ssm_of(served, "get").get_parameter(Name=parameter_name("signing-key"), WithDecryption=True)

    assert "value-of" not in json.dumps(served.lines.said)


def test_a_cloud_that_is_gone_is_said(tmp_path: Path) -> None:
    write_handlers(tmp_path, HANDLERS)
    builder = PlanBuilder().function("admin", "app.get", allow(["s3:*", "ssm:*"], "*"))

    with local(builder.bucket("notes"), tmp_path) as running:
        s3_of(running, "admin").list_buckets()
        process = running.service.grounds.cloud.process
        assert process is not None
        process.kill()
        process.wait()
        with pytest.raises(ClientError, match="InternalError"):
            s3_of(running, "admin").list_buckets()
        with pytest.raises(ClientError, match="InternalServerError"):
            ssm_of(running, "admin").get_parameter(Name="x")
        running.lines.wait_for("the local cloud does not answer: ")


def test_the_cloud_starts_late_where_the_plan_holds_nothing(tmp_path: Path) -> None:
    builder = PlanBuilder().function("admin", "app.get", allow("s3:*", "*"))

    with local(builder, tmp_path) as running:
        assert running.service.grounds.cloud.process is None
        assert s3_of(running, "admin").list_buckets()["Buckets"] == []
        assert running.service.grounds.cloud.process is not None


def test_what_the_cloud_cannot_make_is_said(tmp_path: Path) -> None:
    plan = PlanBuilder().function("admin", "app.get").parameter("empty", "").bucket("notes").plan()

    with local(plan, tmp_path) as running:
        line = running.lines.wait_for("the local cloud could not make it")

    assert line == "parameters.empty: ValidationException: the local cloud could not make it"


def test_a_host_of_the_callers_names_no_other_bucket(served: Local) -> None:
    """The request is judged by its path; the cloud must not read a bucket from Host."""
    sign = s3_of(served, "admin")
    sign.put_object(Bucket=OTHER, Key="pub/x", Body=b"of the other bucket")
    sign.put_object(Bucket=NOTES, Key="x", Body=b"of this bucket")
    url = sign.generate_presigned_url("get_object", Params={"Bucket": NOTES, "Key": "x"})
    answer = httpx.get(url, headers={"host": f"{OTHER}.s3.amazonaws.com"})
    assert answer.content == b"of this bucket"
