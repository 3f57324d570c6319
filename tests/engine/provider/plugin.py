"""A stand-in for the AWS provider plugin: the whole life of a resource, without AWS.

In: the calls of the real `pulumi` engine over gRPC, the folder of the `Cloud` in STAND_IN_FOLDER,
the account in STAND_IN_ACCOUNT. Out: what pulumi-aws would answer for the types of
`tests.support.aws`; it refuses any other type, so that nothing is tested against a guess.

Run as `python -m tests.engine.provider.plugin`: it prints its port and serves until the engine
closes its standard input, asks it to stop, or dies.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

import grpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.engine.provider.cloud import Cloud
from tests.support import aws
from tests.support.aws import Account, AwsError
from tests.support.wire import UNKNOWN_TEXT, decode, encode

FOLDER: Final = "STAND_IN_FOLDER"
ACCOUNT: Final = "STAND_IN_ACCOUNT"

# protobuf ships no types, so its own module is reached without them.
_Empty = importlib.import_module("google.protobuf.empty_pb2").Empty


class StandIn(provider_pb2_grpc.ResourceProviderServicer):
    """One provider of one program: an account and a home region over a `Cloud`."""

    def __init__(self, cloud: Cloud, account: str) -> None:
        self._cloud = cloud
        self._account = Account(account, "")

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Secrets are wanted in clear: the engine marks the outputs again by their inputs."""
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(
        self, request: object, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        """The version of the pulumi-aws that is installed, which the program asks for."""
        return plugin_pb2.PluginInfo(version=version("pulumi-aws"))

    def Cancel(self, request: object, context: grpc.ServicerContext) -> object:
        """Nothing here takes long enough to be cancelled."""
        return _Empty()

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """The provider's settings as they are, but for the engine's own."""
        news = decode(request.news)
        news.pop("__internal", None)
        return provider_pb2.CheckResponse(inputs=encode(news))

    def DiffConfig(
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Another region is another provider; anything else changes in place."""
        names = aws.changed(decode(request.old_inputs), decode(request.news))
        return _difference(names, [name for name in names if name == "region"], first=False)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Take the region; refuse an account that is not allowed."""
        settings = decode(request.args)
        with _answering(context):
            aws.check_provider(settings, self._account.id)
            if not (region := settings.get("region")):
                raise AwsError(aws.NO_REGION)
        self._account = Account(self._account.id, str(region))
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Invoke(
        self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.InvokeResponse:
        """Answer getCallerIdentity."""
        with _answering(context):
            if request.tok != aws.GET_CALLER_IDENTITY:
                raise AwsError(f"the stand-in provider does not know {request.tok}")
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").update(encode(aws.caller_identity(self._account.id)))
        return response

    def Check(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Refuse types that the table does not know."""
        type = _type_of(request.urn)
        if type in aws.KINDS:
            return provider_pb2.CheckResponse(inputs=request.news)
        reason = f"the stand-in provider does not know {type}: add it to tests/support/aws.py"
        return provider_pb2.CheckResponse(
            inputs=request.news, failures=[provider_pb2.CheckFailure(reason=reason)]
        )

    def Diff(
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """What changed between the inputs, and whether that needs another resource."""
        type = _type_of(request.urn)
        old, new = decode(request.old_inputs), decode(request.news)
        old["region"] = decode(request.olds).get("region", "")
        new["region"] = aws.region_of(type, new, self._account.region)
        names = aws.changed(old, new)
        return _difference(names, aws.forcing(type, names), first=aws.deletes_first(type, old, new))

    def Create(
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        """Make it; on preview, say which properties only making it would tell."""
        type = _type_of(request.urn)
        if request.preview:
            # As they came: to take them apart would make every measured preview one of this file.
            response = provider_pb2.CreateResponse(properties=request.properties)
            response.properties.update(dict.fromkeys(aws.kind_of(type).outputs, UNKNOWN_TEXT))
            return response
        inputs = decode(request.properties)
        with _answering(context):
            id, outputs = self._cloud.create(
                type, _name_of(request.urn), inputs, self._account, request.urn
            )
        return provider_pb2.CreateResponse(id=id, properties=encode(outputs))

    def Update(
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        """Change it in place; what is computed stays."""
        type, old, new = _type_of(request.urn), decode(request.olds), decode(request.news)
        if request.preview:
            kept = (*aws.kind_of(type).outputs, "region")
            outputs = {**new, **{name: old[name] for name in kept if name in old}}
            return provider_pb2.UpdateResponse(properties=encode(outputs))
        with _answering(context):
            outputs = self._cloud.update(
                type, _name_of(request.urn), request.id, old, new, self._account
            )
        return provider_pb2.UpdateResponse(properties=encode(outputs))

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> object:
        """Take it away."""
        old = decode(request.properties)
        with _answering(context):
            self._cloud.delete(
                _type_of(request.urn), _name_of(request.urn), request.id, old, self._account
            )
        return _Empty()

    def Read(
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        """The resource as it is; an empty answer when it is gone."""
        type, old = _type_of(request.urn), decode(request.properties)
        with _answering(context):
            made = self._cloud.read(type, _name_of(request.urn), request.id, old, self._account)
        if made is None:
            return provider_pb2.ReadResponse()
        asked = list(request.inputs.fields) or [
            name for name in made.outputs if name not in aws.kind_of(type).outputs
        ]
        inputs = {name: made.outputs[name] for name in asked if name in made.outputs}
        return provider_pb2.ReadResponse(id=made.id, properties=made.outputs, inputs=inputs)


def _difference(names: list[str], forcing: list[str], *, first: bool) -> provider_pb2.DiffResponse:
    """The engine's answer for these changed properties; `first`: delete before creating."""
    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some if names else none,
        diffs=names,
        replaces=forcing,
        deleteBeforeReplace=bool(forcing) and first,
    )


@contextmanager
def _answering(context: grpc.ServicerContext) -> Iterator[None]:
    """A refusal of AWS as the error of the call."""
    try:
        yield
    except AwsError as refused:
        context.abort(grpc.StatusCode.UNKNOWN, str(refused))


def _type_of(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _name_of(urn: str) -> str:
    return urn.split("::", 3)[3]


def serve(environment: Mapping[str, str]) -> None:
    """Serve until standard input ends; the port is the first line of standard output."""
    provider = StandIn(Cloud(Path(environment[FOLDER])), environment[ACCOUNT])
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.buffer.read()
    server.stop(grace=None).wait()


if __name__ == "__main__":
    # The engine's way to stop a plugin; a KeyboardInterrupt would only add a traceback to its log.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    serve(os.environ)
