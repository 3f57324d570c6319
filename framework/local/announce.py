"""What local mode says when it is up: the routes with ready-made commands, and what it
cannot prove.

In: the `Model`, the address, what the start found. Out: lines.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from framework.local.console.mount import MOUNT, own_routes
from framework.local.environment import Credentials
from framework.local.model import Model, Route

NOT_PROVED = (
    "Not proved here: IAM beyond the functions' own policies, quotas of an account, cold starts and"
    " speed of AWS, Lambda's processor and file system, encryption keys, X-Ray, what S3 and SSM do"
    " that moto does not."
)

_NAME = re.compile(r"\{([^{}+]*)\+?\}")
WITH_BODY = ("POST", "PUT", "PATCH")


def lines(
    models: Sequence[Model],
    addresses: Sequence[str],
    developer: Credentials,
    notes: Sequence[str] = (),
    page: bool = False,
) -> Iterator[str]:
    """Every line of the announcement, in order; an address for each region.

    `developer` are made up for this start; they are shown where a route needs a signature. With
    `page` there is a page to look at.
    """
    for model, address in zip(models, addresses, strict=True):
        name = f"{model.api.name} " if model.api else ""
        yield f"{name}is up on {address} (region {model.region}, account {model.account})"
        if page:
            yield from _page(model, address)
        yield from _routes(model, _base(model, address))
        yield from _entries(model)
        yield from warnings(model)
    if any(route.authorization == "AWS_IAM" for model in models for route in model.routes):
        yield "Requests to AWS_IAM routes are signed with, for example,"
        yield f"  export AWS_ACCESS_KEY_ID={developer.access_key}"
        yield f"  export AWS_SECRET_ACCESS_KEY={developer.secret_key}"
    yield from (f"Note: {note}" for note in notes)
    yield NOT_PROVED
    yield "Press Ctrl-C to end."


def _page(model: Model, address: str) -> Iterator[str]:
    own = next(own_routes(model), None)
    if own is None:
        yield f"  look at it: {address}{MOUNT}"
    else:
        yield f"  no page to look at: its place is taken by routes.{own}"


def _base(model: Model, address: str) -> str:
    stage = model.api.stage if model.api else "$default"
    return address if stage == "$default" else f"{address}/{stage}"


def _routes(model: Model, base: str) -> Iterator[str]:
    width = max((len(route.key) for route in model.routes), default=0)
    for route in model.routes:
        yield f"  {route.key:<{width}}  {route.function.entry}"
        if route.served:
            yield f"  {'':<{width}}  {curl(route, base, model.region)}"


def curl(route: Route, base: str, region: str) -> str:
    """A command that calls the route; parts of its path stand for themselves.

    A signed one takes the credentials from the shell's variables.
    """
    method = "GET" if route.method == "ANY" else route.method
    words = ["curl"]
    if method == "HEAD":
        words.append("--head")
    elif method != "GET":
        words += ["-X", method]
    if route.authorization == "AWS_IAM":
        words += ["--aws-sigv4", f"aws:amz:{region}:execute-api"]
    if route.authorization == "JWT":
        words += ["-H", "authorization: Bearer TOKEN"]
    if method in WITH_BODY:
        words += ["-H", "content-type: application/json", "-d", "{}"]
    words.append(base + example_path(route))
    user = ' --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"'
    return shlex.join(words) + (user if route.authorization == "AWS_IAM" else "")


def example_path(route: Route) -> str:
    """The path of a route; its variables stand for themselves."""
    return _NAME.sub(r"\1", route.path or "/")


def _entries(model: Model) -> Iterator[str]:
    for bucket in model.buckets:
        yield f"  {bucket.entry}  bucket {bucket.name}"
    for parameter in model.parameters:
        yield f"  {parameter.entry}  {parameter.type} {parameter.name}"


def warnings(model: Model) -> Iterator[str]:
    """What of the plan will not work, one line each."""
    yield from model.unsupported
    for route in model.routes:
        if not route.served:
            yield (
                f"NOT SERVED: local mode does not know the authorization {route.authorization} of"
                f" {route.key}: it answers 501"
            )
        elif not route.permitted:
            function = route.function.entry
            yield f"NOT PERMITTED: {route.key} may not invoke {function}: it answers 500"
