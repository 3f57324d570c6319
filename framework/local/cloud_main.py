"""What the process of the local cloud runs: moto, filled with the buckets and parameters given.

Imports nothing of this project. In, on descriptor 0: one line of JSON,
`{"token", "region", "buckets": [{"entry", "name", "versioned"}],
"parameters": [{"entry", "name", "type", "value"}]}`; the end of it is the order to end.
Out, on descriptor 1: one line, `{"port": 12345, "problems": ["buckets.notes: InvalidBucketName"]}`.
Only requests that carry the token are answered: the gate has it, a handler has not.
"""

from __future__ import annotations

import hmac
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypedDict, cast

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import BucketLocationConstraintType
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.literals import ParameterTypeType

TOKEN_HEADER = "x-local-cloud-token"


class BucketSeed(TypedDict):
    """A bucket to make."""

    entry: str
    name: str
    versioned: bool


class ParameterSeed(TypedDict):
    """A parameter to make."""

    entry: str
    name: str
    type: ParameterTypeType
    value: str


class Seed(TypedDict):
    """What the cloud holds at its start."""

    token: str
    region: str
    buckets: list[BucketSeed]
    parameters: list[ParameterSeed]


def guarded(application: WSGIApplication, token: str) -> WSGIApplication:
    """`application` for those who know the token; 403 for everybody else."""
    variable = f"HTTP_{TOKEN_HEADER.upper().replace('-', '_')}"

    def guard(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not hmac.compare_digest(environ.pop(variable, "").encode(), token.encode()):
            start_response("403 Forbidden", [("content-type", "text/plain")])
            return [b"this is the inside of the local cloud: call the gate instead\n"]
        return application(environ, start_response)

    return guard


def serve(seed: Seed) -> tuple[int, list[str]]:
    """Start answering in a thread of its own; the port and what could not be made."""
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    class Quiet(MotoRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing: the gate speaks of what matters."""

    dispatcher = DomainDispatcherApplication(create_backend_app)
    application = guarded(dispatcher, seed["token"])
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port, list(fill(seed, f"http://127.0.0.1:{server.server_port}"))


def fill(seed: Seed, address: str) -> Iterator[str]:
    """Make every bucket and parameter; one line for each that could not be made."""
    import boto3
    from botocore.awsrequest import AWSRequest
    from botocore.config import Config
    from botocore.exceptions import ClientError

    def identify(request: AWSRequest, **_: object) -> None:
        request.headers.add_header(TOKEN_HEADER, seed["token"])

    session = boto3.Session("local", "local", region_name=seed["region"])
    session.events.register("before-sign", identify)
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    s3 = session.client("s3", endpoint_url=address, config=config)
    ssm = session.client("ssm", endpoint_url=address, config=config)
    makers: list[tuple[str, Callable[[], None]]] = [
        *((bucket["entry"], partial(make_bucket, s3, bucket)) for bucket in seed["buckets"]),
        *((one["entry"], partial(make_parameter, ssm, one)) for one in seed["parameters"]),
    ]
    for entry, make in makers:
        try:
            make()
        except ClientError as error:
            # The text of an error may repeat a secret value; its code never does.
            yield f"{entry}: {error.response['Error']['Code']}"


def make_bucket(s3: S3Client, bucket: BucketSeed) -> None:
    """Make one bucket."""
    region = s3.meta.region_name
    if region == "us-east-1":
        s3.create_bucket(Bucket=bucket["name"])
    else:
        place = cast("BucketLocationConstraintType", region)
        s3.create_bucket(
            Bucket=bucket["name"], CreateBucketConfiguration={"LocationConstraint": place}
        )
    if bucket["versioned"]:
        s3.put_bucket_versioning(
            Bucket=bucket["name"], VersioningConfiguration={"Status": "Enabled"}
        )


def make_parameter(ssm: SSMClient, parameter: ParameterSeed) -> None:
    """Make one parameter."""
    ssm.put_parameter(
        Name=parameter["name"], Type=parameter["type"], Value=parameter["value"], Overwrite=True
    )


def main() -> None:
    """Serve until descriptor 0 ends: the parent said so, or is gone."""
    line = sys.stdin.readline()
    if not line:
        return
    answers = os.dup(1)
    os.dup2(2, 1)
    port, problems = serve(json.loads(line))
    with suppress(BrokenPipeError):
        os.write(answers, json.dumps({"port": port, "problems": problems}).encode() + b"\n")
    sys.stdin.read()


if __name__ == "__main__":
    main()
