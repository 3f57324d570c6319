"""What the process of the local cloud runs: moto, filled with the buckets and parameters given.

Imports nothing of this project but `cloud_contents` and `cloud_state`. In, on descriptor 0: a line
of JSON, `{"token", "buckets": [{"entry", "region", "name", "versioned"}],
"parameters": [{"entry", "region", "name", "type", "value"}]}`, and another without the token
whenever what it holds is to change; the end of it is the order to end. With `"state"` in the first
line, a file, everything is taken from there and written there at the end.
Out, on descriptor 1: one line for each, `{"port": 12345, "problems": ["buckets.notes: CODE"]}`.
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
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict

from framework.local import cloud_state
from framework.local.cloud_contents import (
    BucketSeed,
    Contents,
    ParameterSeed,
    make_bucket,
    make_parameter,
    set_versioning,
)

if TYPE_CHECKING:
    import boto3
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from botocore.awsrequest import AWSRequest
    from botocore.config import Config
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

NOT_SAVED = 4
"""Exit code where the state's file could not be written."""

TOKEN_HEADER = "x-local-cloud-token"


class Seed(Contents):
    """What the cloud holds at its start, and the word of who may call it."""

    token: str
    state: NotRequired[str]


class Where(TypedDict):
    """Keywords of a client."""

    endpoint_url: str
    config: Config


def guarded(application: WSGIApplication, token: str) -> WSGIApplication:
    """`application` for those who know the token; 403 for everybody else."""
    variable = f"HTTP_{TOKEN_HEADER.upper().replace('-', '_')}"

    def guard(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not hmac.compare_digest(environ.pop(variable, "").encode(), token.encode()):
            start_response("403 Forbidden", [("content-type", "text/plain")])
            return [b"this is the inside of the local cloud: call the gate instead\n"]
        return application(environ, start_response)

    return guard


class Cloud:
    """moto, answering in a thread of its own from the moment it is made."""

    def __init__(self, token: str) -> None:
        from moto.moto_server.werkzeug_app import (
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
        from werkzeug.serving import make_server

        class Quiet(MotoRequestHandler):
            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Say nothing: the gate speaks of what matters."""

        application = guarded(DomainDispatcherApplication(create_backend_app), token)
        server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.port = server.server_port
        self.token = token
        self.buckets: dict[tuple[str, str], BucketSeed] = {}
        self.parameters: dict[tuple[str, str], ParameterSeed] = {}
        self.sessions: dict[str, boto3.Session] = {}

    def hold(self, contents: Contents) -> Iterator[str]:
        """Make what is not there yet; one line for each that could not be made."""
        from botocore.exceptions import ClientError

        makers: list[tuple[str, Callable[[], None]]] = [
            *((one["entry"], partial(self._hold_bucket, one)) for one in contents["buckets"]),
            *((one["entry"], partial(self._hold_parameter, one)) for one in contents["parameters"]),
        ]
        for entry, make in makers:
            try:
                make()
            except ClientError as error:
                # The text of an error may repeat a secret value; its code never does.
                yield f"{entry}: {error.response['Error']['Code']}"

    def _hold_bucket(self, bucket: BucketSeed) -> None:
        s3, key = self.s3(bucket["region"]), (bucket["region"], bucket["name"])
        if key not in self.buckets:
            make_bucket(s3, bucket)
        set_versioning(s3, bucket)
        self.buckets[key] = bucket

    def _hold_parameter(self, parameter: ParameterSeed) -> None:
        """Make a parameter, again only when services.yaml gives it another value."""
        key = parameter["region"], parameter["name"]
        old = self.parameters.get(key)
        if old is None or (old["type"], old["value"]) != (parameter["type"], parameter["value"]):
            make_parameter(self.ssm(parameter["region"]), parameter, parameter["value"])
        self.parameters[key] = parameter

    def load(self, file: Path) -> None:
        """Take everything from a file, if it is there."""
        if file.exists():
            manifest = cloud_state.load(file, self)
            self.buckets = {(one["region"], one["name"]): one for one in manifest["buckets"]}
            self.parameters = {(one["region"], one["name"]): one for one in manifest["parameters"]}

    def save(self, file: Path) -> None:
        """Write everything to a file."""
        buckets, parameters = list(self.buckets.values()), list(self.parameters.values())
        cloud_state.save(file, self, {"buckets": buckets, "parameters": parameters})

    def s3(self, region: str) -> S3Client:
        """A client of S3 whose calls get in."""
        return self._session(region).client("s3", **self._where())

    def ssm(self, region: str) -> SSMClient:
        """A client of SSM whose calls get in."""
        return self._session(region).client("ssm", **self._where())

    def _session(self, region: str) -> boto3.Session:
        import boto3

        def identify(request: AWSRequest, **_: object) -> None:
            request.headers.add_header(TOKEN_HEADER, self.token)

        if region not in self.sessions:
            session = boto3.Session("local", "local", region_name=region)
            session.events.register("before-sign", identify)
            self.sessions[region] = session
        return self.sessions[region]

    def _where(self) -> Where:
        from botocore.config import Config

        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        return {"endpoint_url": f"http://127.0.0.1:{self.port}", "config": config}


def main() -> None:
    """Serve until descriptor 0 ends: the parent said so, or is gone."""
    line = sys.stdin.readline()
    if not line:
        return
    answers = os.dup(1)
    os.dup2(2, 1)
    seed: Seed = json.loads(line)
    cloud = Cloud(seed["token"])
    state = Path(seed["state"]) if "state" in seed else None
    if state:
        cloud.load(state)
    contents: Contents = seed
    while line:
        answer = {"port": cloud.port, "problems": list(cloud.hold(contents))}
        with suppress(BrokenPipeError):
            os.write(answers, json.dumps(answer).encode() + b"\n")
        line = sys.stdin.readline()
        contents = json.loads(line) if line else contents
    if state:
        try:
            cloud.save(state)
        except OSError:
            sys.exit(NOT_SAVED)


if __name__ == "__main__":
    main()
