"""From a request to SSM's Parameter Store to the permissions it needs.

In: a JSON request with its `X-Amz-Target`. Out: a tuple of `Need`. Operations that are not about
parameters raise `Unsupported`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from framework.local.http_messages import Request
from framework.local.needs import Need, Unsupported

_NAMES_IN: Mapping[str, str] = {
    "DeleteParameter": "Name",
    "DeleteParameters": "Names",
    "GetParameter": "Name",
    "GetParameterHistory": "Name",
    "GetParameters": "Names",
    "GetParametersByPath": "Path",
    "LabelParameterVersion": "Name",
    "PutParameter": "Name",
    "UnlabelParameterVersion": "Name",
}
"""Operation: the member of its input that names the parameters."""

_OF_TAGS = ("AddTagsToResource", "ListTagsForResource", "RemoveTagsFromResource")


def read(request: Request, prefix: str) -> tuple[Need, ...]:
    """What the request needs; `prefix` is `arn:aws:ssm:REGION:ACCOUNT:`. Raises `Unsupported`."""
    operation = request.joined.get("x-amz-target", "").removeprefix("AmazonSSM.")
    if request.query:
        # moto prefers the query to the body, which is what is judged.
        raise Unsupported("SSM with a query string")
    body = _body(request)
    if operation == "DescribeParameters":
        return (Need("ssm:DescribeParameters", f"{prefix}*"),)
    if operation in _OF_TAGS and body.get("ResourceType") == "Parameter":
        return _each(operation, body.get("ResourceId"), prefix)
    if operation not in _NAMES_IN:
        raise Unsupported(f"SSM's {operation or 'request without a target'}")
    return _each(operation, body.get(_NAMES_IN[operation]), prefix)


def _body(request: Request) -> Mapping[str, object]:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise Unsupported("SSM with a body that is no JSON") from None
    return body if isinstance(body, dict) else {}


def _each(operation: str, names: object, prefix: str) -> tuple[Need, ...]:
    found = names if isinstance(names, list) else [names]
    texts = [name for name in found if isinstance(name, str) and name]
    if not texts:
        raise Unsupported(f"SSM's {operation} without a name")
    return tuple(Need(f"ssm:{operation}", _arn(name, prefix)) for name in texts)


def _arn(name: str, prefix: str) -> str:
    """The ARN of a parameter by its name, its ARN, or either with `:version` or `:label`."""
    if name.startswith("arn:"):
        head, _, rest = name.partition(":parameter/")
        return f"{head}:parameter/{rest.partition(':')[0]}"
    return f"{prefix}parameter/{name.partition(':')[0].removeprefix('/')}"
