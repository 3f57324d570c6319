"""The sample's Lambda functions, called with API Gateway's events, against moto's S3 and SSM."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import clear_caches
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.client import BaseClient
from moto import mock_aws
from mypy_boto3_s3 import S3Client

from handlers import notes

BUCKET = "notes-test-notes-123456789012-eu-west-1"
KEY_NAME = "/notes/test/signing-key"
KEY = "correct horse battery staple"
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "NOTES_BUCKET": BUCKET,
    "SIGNING_KEY_PARAMETER": KEY_NAME,
    "PAGE_TITLE_PARAMETER": "/notes/test/page-title",
    "PAGE_SIZE": "2",
    "LIMITS": '{"max_bytes":16}',
}
# Settings of the person running the tests that would lead boto3 past moto.
FOREIGN = ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SSM")
# Powertools exports it without types.
forget_parameters: Callable[[], None] = clear_caches
NEEDS_TEXT = 'the body must be JSON like {"text": "..."}'


@pytest.fixture(scope="module")
def account() -> Iterator[S3Client]:
    """An account with the sample's bucket and parameters, and the environment that names them."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name, value in ENVIRONMENT.items():
            environment.setenv(name, value)
        for name in FOREIGN:
            environment.delenv(name, raising=False)
        s3 = boto3.client("s3")
        s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        ssm = boto3.client("ssm")
        ssm.put_parameter(Name=KEY_NAME, Value=KEY, Type="SecureString")
        ssm.put_parameter(Name=ENVIRONMENT["PAGE_TITLE_PARAMETER"], Value="Notes", Type="String")
        yield s3
        notes.s3.cache_clear()


@pytest.fixture(autouse=True)
def bucket(account: S3Client) -> Iterator[S3Client]:
    """For every test an empty bucket, and no parameter remembered from the test before."""
    yield account
    forget_parameters()
    for item in account.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        account.delete_object(Bucket=BUCKET, Key=item["Key"])


@dataclass
class Call:
    operation: str
    parameters: Mapping[str, object]


@dataclass
class Calls:
    """Every call that the handlers' boto3 clients make, in order."""

    made: list[Call] = field(default_factory=list)

    def operations(self) -> list[str]:
        return [call.operation for call in self.made]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    seen = Calls()
    # The seam that moto's own documentation names for patching single operations.
    real: Callable[..., object] = vars(BaseClient)["_make_api_call"]

    def record(client: BaseClient, operation: str, parameters: Mapping[str, object]) -> object:
        seen.made.append(Call(operation, parameters))
        return real(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return seen


@dataclass
class Answer:
    status: int
    body: str

    def json(self) -> dict[str, object]:
        content = json.loads(self.body)
        assert isinstance(content, dict)
        return content


def event(
    method: str,
    path: str,
    body: str | None = None,
    *,
    query: Mapping[str, str] | None = None,
    encoded: bool = False,
    stage: str = "$default",
) -> dict[str, object]:
    """What API Gateway sends to a function: an HTTP API's event, payload format 2.0."""
    route = f"{method} /notes" if path == "/notes" else f"{method} /notes/{{id}}"
    request: dict[str, object] = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path if stage == "$default" else f"/{stage}{path}",
        "rawQueryString": "&".join(f"{name}={value}" for name, value in (query or {}).items()),
        "headers": {
            "accept": "*/*",
            "content-length": str(len(body or "")),
            "host": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            "user-agent": "curl/8.7.1",
            "x-amzn-trace-id": "Root=1-67fd2d4b-0a1b2c3d4e5f60718293a4b5",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "curl/8.7.1",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": route,
            "stage": stage,
            "time": "14/Apr/2025:15:43:07 +0000",
            "timeEpoch": 1744645387000,
        },
        "isBase64Encoded": encoded,
    }
    if path != "/notes":
        request["pathParameters"] = {"id": path.removeprefix("/notes/")}
    # API Gateway leaves out what a request does not have.
    if query:
        request["queryStringParameters"] = dict(query)
    if body is not None:
        request["body"] = body
    return request


def answer(result: Mapping[str, object]) -> Answer:
    status, body = result["statusCode"], result.get("body")
    assert isinstance(status, int)
    return Answer(status, body if isinstance(body, str) else "")


def listed(after: str | None = None) -> Answer:
    query = None if after is None else {"after": after}
    return answer(notes.list_notes(event("GET", "/notes", query=query), LambdaContext()))


def read(note_id: str) -> Answer:
    return answer(notes.read_note(event("GET", f"/notes/{note_id}"), LambdaContext()))


def write(note_id: str, body: str | None, *, encoded: bool = False) -> Answer:
    request = event("PUT", f"/notes/{note_id}", body, encoded=encoded)
    return answer(notes.write_note(request, LambdaContext()))


def write_text(note_id: str, text: str) -> Answer:
    return write(note_id, json.dumps({"text": text}))


def delete(note_id: str) -> Answer:
    return answer(notes.delete_note(event("DELETE", f"/notes/{note_id}"), LambdaContext()))


def refusal(status: int, message: str) -> dict[str, object]:
    return {"statusCode": status, "message": message}


def stored_signature(bucket: S3Client, note_id: str) -> str:
    return bucket.head_object(Bucket=BUCKET, Key=note_id)["Metadata"]["signature"]


def expected_signature(key: str, note_id: str, text: str) -> str:
    return hmac.new(key.encode(), f"{note_id}\n{text}".encode(), hashlib.sha256).hexdigest()


def test_a_note_is_written_read_listed_and_deleted() -> None:
    note = {"id": "milk", "text": "Grüße ✓"}
    written, seen = write_text("milk", "Grüße ✓"), read("milk")
    assert (written.status, written.json()) == (200, note)
    assert (seen.status, seen.json()) == (200, note)
    assert listed().json() == {"title": "Notes", "notes": ["milk"], "next": None}
    assert delete("milk") == Answer(204, "")
    assert read("milk").status == 404
    assert listed().json() == {"title": "Notes", "notes": [], "next": None}


def test_writing_again_replaces_the_text() -> None:
    write_text("milk", "one")
    write_text("milk", "two")
    assert read("milk").json() == {"id": "milk", "text": "two"}


def test_answers_are_json() -> None:
    result = notes.list_notes(event("GET", "/notes"), LambdaContext())
    assert result["headers"] == {"Content-Type": "application/json"}


def test_a_named_stage_in_the_path_changes_nothing() -> None:
    result = notes.list_notes(event("GET", "/notes", stage="prod"), LambdaContext())
    assert answer(result).status == 200


def test_a_missing_note_is_404() -> None:
    missing = read("nothing")
    assert missing.status == 404
    assert missing.json() == refusal(404, "there is no note 'nothing'")


def test_deleting_a_missing_note_is_fine() -> None:
    assert delete("nothing") == Answer(204, "")


@pytest.mark.parametrize("call", [read, delete, lambda note_id: write_text(note_id, "x")])
@pytest.mark.parametrize("note_id", ["Milk", "-milk", "milk_1", "..", "é", "milk ", "a" * 65])
def test_a_wrong_id_is_400_and_nothing_is_called(
    call: Callable[[str], Answer], note_id: str, calls: Calls
) -> None:
    refused = call(note_id)
    message = "an id is 1 to 64 of a-z, 0-9 and '-', and does not begin with '-'"
    assert (refused.status, refused.json()) == (400, refusal(400, message))
    assert calls.made == []


@pytest.mark.parametrize("note_id", ["a", "0", "a-1-", "a" * 64])
def test_ids_at_the_edge_are_taken(note_id: str) -> None:
    assert write_text(note_id, "x").status == 200
    assert read(note_id).json() == {"id": note_id, "text": "x"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="no body"),
        pytest.param("", id="empty"),
        pytest.param("milk", id="not JSON"),
        pytest.param('{"text": "milk"', id="cut off"),
        pytest.param('"milk"', id="not a map"),
        pytest.param("[]", id="a list"),
        pytest.param("{}", id="no text"),
        pytest.param('{"text": 7}', id="text is a number"),
        pytest.param('{"text": null}', id="text is null"),
        pytest.param('{"text": "\\ud800"}', id="half a character"),
        pytest.param('{"text": ' + "[" * 100_000, id="nested without end"),
    ],
)
def test_a_body_without_text_is_400(body: str | None, calls: Calls) -> None:
    refused = write("milk", body)
    assert (refused.status, refused.json()) == (400, refusal(400, NEEDS_TEXT))
    assert calls.made == []


@pytest.mark.parametrize("body", ["not base64!", base64.b64encode(b'{"text": "\xff"}').decode()])
def test_a_base64_body_that_is_no_text_is_400(body: str) -> None:
    refused = write("milk", body, encoded=True)
    assert (refused.status, refused.json()) == (400, refusal(400, NEEDS_TEXT))


def test_a_base64_body_is_decoded() -> None:
    body = base64.b64encode('{"text": "Grüße"}'.encode()).decode()
    assert write("milk", body, encoded=True).json() == {"id": "milk", "text": "Grüße"}
    assert read("milk").json() == {"id": "milk", "text": "Grüße"}


@pytest.mark.parametrize("text", ["", "a" * 16, "é" * 8])
def test_a_text_up_to_the_limit_is_taken(text: str) -> None:
    assert write_text("milk", text).status == 200
    assert read("milk").json() == {"id": "milk", "text": text}


@pytest.mark.parametrize(("text", "size"), [("a" * 17, 17), ("é" * 9, 18)])
def test_a_text_over_the_limit_is_400(text: str, size: int, calls: Calls) -> None:
    refused = write_text("milk", text)
    message = f"the text has {size} bytes, at most 16 are allowed"
    assert (refused.status, refused.json()) == (400, refusal(400, message))
    assert calls.made == []


def test_the_limit_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMITS", '{"max_bytes": 17}')
    assert write_text("milk", "a" * 17).status == 200


def test_pages_hold_every_note_once_and_in_order() -> None:
    for note_id in ("e", "b", "d", "a", "c"):
        write_text(note_id, "x")
    assert listed().json() == {"title": "Notes", "notes": ["a", "b"], "next": "b"}
    assert listed("b").json() == {"title": "Notes", "notes": ["c", "d"], "next": "d"}
    assert listed("d").json() == {"title": "Notes", "notes": ["e"], "next": None}


def test_a_page_that_is_just_full_is_the_last() -> None:
    write_text("a", "x")
    write_text("b", "x")
    assert listed().json() == {"title": "Notes", "notes": ["a", "b"], "next": None}


def test_the_next_page_is_found_though_its_mark_was_deleted() -> None:
    for note_id in ("a", "b", "c"):
        write_text(note_id, "x")
    delete("b")
    assert listed("b").json() == {"title": "Notes", "notes": ["c"], "next": None}


def test_the_page_size_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    write_text("a", "x")
    write_text("b", "x")
    monkeypatch.setenv("PAGE_SIZE", "1")
    assert listed().json() == {"title": "Notes", "notes": ["a"], "next": "a"}


def test_a_wrong_page_mark_is_400() -> None:
    assert listed("../x").status == 400


def tamper(bucket: S3Client, text: bytes, metadata: Mapping[str, str]) -> None:
    bucket.put_object(Bucket=BUCKET, Key="milk", Body=text, Metadata=metadata)


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        pytest.param(b"poison", expected_signature(KEY, "milk", "fresh"), id="another text"),
        pytest.param(b"fresh", expected_signature("guess", "milk", "fresh"), id="another key"),
        pytest.param(b"fresh", expected_signature(KEY, "cream", "fresh"), id="another note's"),
        pytest.param(b"fresh", None, id="none"),
        pytest.param(b"\xff", "no signature", id="not even text"),
    ],
)
def test_a_note_changed_from_outside_is_500_and_logged(
    text: bytes, signature: str | None, bucket: S3Client, caplog: pytest.LogCaptureFixture
) -> None:
    write_text("milk", "fresh")
    tamper(bucket, text, {} if signature is None else {"signature": signature})
    refused = read("milk")
    assert refused.status == 500
    assert refused.json() == refusal(500, "note 'milk' was changed from outside")
    assert caplog.record_tuples == [
        ("handlers.notes", logging.ERROR, "the signature of note 'milk' does not fit its text")
    ]


def test_a_note_with_its_own_signature_is_read(bucket: S3Client) -> None:
    tamper(bucket, b"fresh", {"signature": expected_signature(KEY, "milk", "fresh")})
    assert read("milk").json() == {"id": "milk", "text": "fresh"}


def test_parameter_value_never_in_the_environment_and_handler_decrypts(
    bucket: S3Client, calls: Calls
) -> None:
    assert not any(KEY in value for value in os.environ.values())
    write_text("milk", "fresh")
    assert calls.made[0] == Call("GetParameter", {"Name": KEY_NAME, "WithDecryption": True})
    encrypted = boto3.client("ssm").get_parameter(Name=KEY_NAME)["Parameter"]["Value"]
    assert encrypted != KEY
    assert stored_signature(bucket, "milk") == expected_signature(KEY, "milk", "fresh")
    assert not any(KEY in value for value in os.environ.values())


def test_the_environment_names_the_signing_key(
    bucket: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "/notes/other/signing-key"
    boto3.client("ssm").put_parameter(Name=other, Value="another", Type="SecureString")
    monkeypatch.setenv("SIGNING_KEY_PARAMETER", other)
    write_text("milk", "fresh")
    assert stored_signature(bucket, "milk") == expected_signature("another", "milk", "fresh")


def test_the_signing_key_is_in_no_answer_and_no_log(
    bucket: S3Client, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, logger="handlers.notes")
    caplog.set_level(logging.DEBUG, logger="aws_lambda_powertools")
    answers = [write_text("milk", "fresh"), read("milk"), listed()]
    tamper(bucket, b"poison", {})
    answers += [read("milk"), delete("milk")]
    printed = capfd.readouterr()
    assert [given.status for given in answers] == [200, 200, 200, 500, 204]
    for text in [*(given.body for given in answers), caplog.text, printed.out, printed.err]:
        assert KEY not in text


@pytest.mark.parametrize(
    ("call", "needed"),
    [
        (listed, ["ListObjectsV2", "GetParameter"]),
        (lambda: read("milk"), ["GetObject", "GetParameter"]),
        (lambda: write_text("milk", "x"), ["GetParameter", "PutObject"]),
        (lambda: delete("milk"), ["DeleteObject"]),
    ],
)
def test_functions_call_what_services_yaml_grants_them_and_no_more(
    call: Callable[[], Answer], needed: list[str], bucket: S3Client, calls: Calls
) -> None:
    tamper(bucket, b"fresh", {"signature": expected_signature(KEY, "milk", "fresh")})
    calls.made.clear()
    assert call().status in (200, 204)
    assert calls.operations() == needed


def test_the_signing_key_is_fetched_once_for_many_notes(calls: Calls) -> None:
    for note_id in ("a", "b", "c"):
        write_text(note_id, "x")
    assert calls.operations().count("GetParameter") == 1


def test_importing_the_handlers_needs_no_environment_and_nothing_of_the_framework() -> None:
    folder = Path(notes.__file__).parent
    script = "import notes, sys; print('framework' in sys.modules, notes.s3.cache_info().currsize)"
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", script],
        cwd=folder,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("False 0\n", "")
