"""AWS_IAM routes over real HTTP: signatures by botocore and by curl, and by a stranger."""

from __future__ import annotations

import datetime
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Botocore

from framework.local import signatures
from framework.local.environment import Credentials
from tests.support.local import Local, local, write_handlers
from tests.support.plans import ACCOUNT, REGION, PlanBuilder, allow

HANDLERS = """
    def echo(event, context):
        return event
"""
FORBIDDEN = {"message": "Forbidden"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    folder = tmp_path_factory.mktemp("signatures")
    write_handlers(folder, HANDLERS)
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:*/$default/GET/notes/*"
    builder = (
        PlanBuilder()
        .function("echo", "app.echo")
        .function("caller", "app.echo", allow("execute-api:Invoke", arn))
        .route("ANY /notes/{id}", "echo", authorizationType="AWS_IAM")
        .route("GET /custom", "echo", authorizationType="CUSTOM")
    )
    with local(builder, folder) as running:
        yield running


def developer(served: Local) -> Credentials:
    return served.service.grounds.developer


def call(
    served: Local,
    credentials: Credentials,
    target: str = "/notes/a",
    method: str = "GET",
    body: bytes = b"",
    service: str = "execute-api",
    region: str = REGION,
    changes: Mapping[str, str] | None = None,
) -> httpx.Response:
    """A request signed by botocore, with some headers changed after that."""
    url = served.service.url + target
    request = AWSRequest(method, url, {"content-type": "text/plain", "x-note": "a  b"}, body)
    token = credentials.session_token or None
    own = Botocore(credentials.access_key, credentials.secret_key, token)
    SigV4Auth(own, service, region).add_auth(request)
    headers = {**dict(request.headers.items()), **(changes or {})}
    return served.client.request(method, url, headers=headers, content=body)


@pytest.mark.parametrize("target", ["/notes/a", "/notes/a%20b%2Fc", "/notes/a?b=c&a=%C3%A9&a="])
@pytest.mark.parametrize(("method", "body"), [("GET", b""), ("POST", "é".encode())])
def test_a_signed_request_reaches_the_handler(
    served: Local, target: str, method: str, body: bytes
) -> None:
    answer = call(served, developer(served), target, method, body)

    assert answer.status_code == 200, answer.text
    assert answer.json()["requestContext"]["authorizer"] == {
        "iam": {
            "accessKey": developer(served).access_key,
            "accountId": ACCOUNT,
            "callerId": "developer",
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": f"arn:aws:iam::{ACCOUNT}:user/developer",
            "userId": "developer",
        }
    }


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_signs_too(served: Local) -> None:
    user = f"{developer(served).access_key}:{developer(served).secret_key}"
    provider = f"aws:amz:{REGION}:execute-api"
    words = ["curl", "--silent", "--aws-sigv4", provider, "--user", user, "-d", "x=1"]
    done = subprocess.run(
        [*words, f"{served.service.url}/notes/a"], capture_output=True, text=True, check=False
    )
    if done.returncode == 2:
        pytest.skip("this curl does not sign")

    assert '"routeKey": "ANY /notes/{id}"' in done.stdout


def test_a_function_is_judged_by_its_own_policy(served: Local) -> None:
    own = served.service.grounds.of_function("functions.caller")
    allowed = call(served, own)
    denied = call(served, own, method="POST")

    identity = allowed.json()["requestContext"]["authorizer"]["iam"]
    assert identity["userArn"] == (
        f"arn:aws:sts::{ACCOUNT}:assumed-role/notes-dev-caller-eu-west-1/notes-dev-caller"
    )
    assert identity["userId"].endswith(":notes-dev-caller")
    assert (denied.status_code, denied.json()) == (403, FORBIDDEN)
    served.lines.wait_for("functions.caller may not execute-api:Invoke on arn:aws:execute-api:")


def test_a_function_without_a_grant_may_not(served: Local) -> None:
    answer = call(served, served.service.grounds.of_function("functions.echo"))

    assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
    served.lines.wait_for("functions.echo may not execute-api:Invoke on ")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"x-note": "c"}, "its signature does not fit the request"),
        ({"x-amz-date": "20200101T000000Z"}, "its time is not within five minutes of now"),
        ({"x-amz-date": "yesterday"}, "its time is not within five minutes of now"),
        ({"authorization": "Bearer x"}, "it is not signed (Signature Version 4)"),
        ({"x-amz-security-token": "x"}, "its session token is not that of its access key"),
        ({"service": "s3"}, "it is signed for s3 in eu-west-1, not execute-api in eu-west-1"),
        ({"region": "us-east-1"}, "it is signed for execute-api in us-east-1, not execute-api in"),
    ],
)
def test_other_requests_are_forbidden_and_told_why(
    served: Local, changes: dict[str, str], reason: str
) -> None:
    signed_for = {name: changes[name] for name in ("service", "region") if name in changes}
    others = {name: value for name, value in changes.items() if name not in signed_for}
    service, region = signed_for.get("service", "execute-api"), signed_for.get("region", REGION)
    answer = call(served, developer(served), "/notes/a", "GET", b"", service, region, others)

    assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
    served.lines.wait_for(f"routes.ANY /notes/{{id}}: a request is refused: {reason}")


def test_a_body_that_was_changed_on_the_way_is_noticed(served: Local) -> None:
    signed = call(served, developer(served), method="POST", body=b"one").request
    answer = served.client.request("POST", signed.url, headers=signed.headers, content=b"two")

    assert answer.status_code == 403


def test_a_body_of_another_digest_than_said_is_noticed(served: Local) -> None:
    answer = call(served, developer(served), changes={"x-amz-content-sha256": "0" * 64})

    assert answer.status_code == 403


@pytest.mark.parametrize("secret", ["other", ""])
def test_a_wrong_secret_is_noticed(served: Local, secret: str) -> None:
    answer = call(served, Credentials(developer(served).access_key, secret or "x", ""))

    assert answer.status_code == 403


def test_an_unknown_key_is_told(served: Local) -> None:
    assert call(served, Credentials("AKIAUNKNOWN", "x", "")).status_code == 403
    served.lines.wait_for("its access key is not known here")


def test_a_signature_in_the_query_is_told(served: Local) -> None:
    answer = served.client.get("/notes/a?X-Amz-Signature=x")

    assert answer.status_code == 403
    served.lines.wait_for("local mode does not check signatures in a query")


def test_the_time_has_to_be_signed(served: Local) -> None:
    scope = f"{developer(served).access_key}/20260101/{REGION}/execute-api/aws4_request"
    value = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"
    assert served.client.get("/notes/a", headers={"authorization": value}).status_code == 403
    served.lines.wait_for("host and x-amz-date are not signed")


def test_an_unknown_authorizer_is_501(served: Local) -> None:
    answer = served.client.get("/custom")

    assert (answer.status_code, answer.json()) == (
        501,
        {"message": "local mode does not know CUSTOM: GET /custom is not served"},
    )


@pytest.mark.parametrize(("minutes", "expected"), [(-6, False), (-4, True), (4, True), (6, False)])
def test_five_minutes(minutes: int, expected: bool) -> None:
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
    date = moment.strftime("%Y%m%dT%H%M%SZ")

    assert signatures._is_now(date, date[:8]) is expected
    assert not signatures._is_now(date, "20000101")


def test_the_stage_is_not_part_of_the_path_that_a_policy_names(tmp_path: Path) -> None:
    write_handlers(tmp_path, HANDLERS)
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:*/v1/GET/notes/*"
    builder = (
        PlanBuilder(stage={"name": "v1"})
        .function("echo", "app.echo")
        .function("caller", "app.echo", allow("execute-api:Invoke", arn))
        .route("ANY /notes/{id}", "echo", authorizationType="AWS_IAM")
    )
    with local(builder, tmp_path) as up:
        own = up.service.grounds.of_function("functions.caller")
        statuses = [
            call(up, own, "/v1/notes/a", method).status_code for method in ("GET", "DELETE")
        ]

    assert statuses == [200, 403]
