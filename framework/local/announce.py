"""What local mode says when it is up: the routes with ready-made commands, and what it
cannot prove.

In: the `Model`, the address, what the start found. Out: lines.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from framework.local.model import Model, Route

NOT_PROVED = (
    "Not proved here: IAM beyond the functions' own policies, quotas of an account, cold starts and"
    " speed of AWS, Lambda's processor and file system, encryption keys, X-Ray, what S3 and SSM do"
    " that moto does not."
)

_NAME = re.compile(r"\{([^{}+]*)\+?\}")
_WITH_BODY = ("POST", "PUT", "PATCH")


def lines(model: Model, address: str, notes: Sequence[str] = ()) -> Iterator[str]:
    """Every line of the announcement, in order."""
    name = f"{model.api.name} " if model.api else ""
    yield f"{name}is up on {address} (region {model.region}, account {model.account})"
    yield from _routes(model.routes, _base(model, address))
    yield from _entries(model)
    yield from _warnings(model)
    yield from (f"Note: {note}" for note in notes)
    yield NOT_PROVED
    yield "Press Ctrl-C to end."


def _base(model: Model, address: str) -> str:
    stage = model.api.stage if model.api else "$default"
    return address if stage == "$default" else f"{address}/{stage}"


def _routes(routes: Sequence[Route], base: str) -> Iterator[str]:
    width = max((len(route.key) for route in routes), default=0)
    for route in routes:
        yield f"  {route.key:<{width}}  {route.function.entry}"
        if route.served:
            yield f"  {'':<{width}}  {curl(route, base)}"


def curl(route: Route, base: str) -> str:
    """A command that calls the route; parts of its path stand for themselves."""
    method = "GET" if route.method == "ANY" else route.method
    words = ["curl"]
    if method == "HEAD":
        words.append("--head")
    elif method != "GET":
        words += ["-X", method]
    if route.authorization == "JWT":
        words += ["-H", "authorization: Bearer TOKEN"]
    if method in _WITH_BODY:
        words += ["-H", "content-type: application/json", "-d", "{}"]
    return shlex.join([*words, base + _NAME.sub(r"\1", route.path or "/")])


def _entries(model: Model) -> Iterator[str]:
    for bucket in model.buckets:
        yield f"  {bucket.entry}  bucket {bucket.name}"
    for parameter in model.parameters:
        yield f"  {parameter.entry}  {parameter.type} {parameter.name}"


def _warnings(model: Model) -> Iterator[str]:
    for route in model.routes:
        if not route.served:
            yield (
                f"NOT SERVED: {route.key} takes {route.authorization} signatures, which local mode"
                " does not check: it answers 501"
            )
        elif not route.permitted:
            function = route.function.entry
            yield f"NOT PERMITTED: {route.key} may not invoke {function}: it answers 500"
    for region in model.regions_left_out:
        yield f"NOT SERVED: region {region}: local mode runs the home region alone"
