"""Cross-origin requests as API Gateway and S3 answer them when they are configured to.

In: a `Cors` of the plan and a request. Out: the headers that allow it, or none.
Source: API Gateway developer guide, "Configure CORS for HTTP APIs": a preflight is answered even
where no route takes OPTIONS, and CORS headers of the integration are replaced.
"""

from __future__ import annotations

from framework.local.http_messages import Request, Response
from framework.local.model import Cors
from framework.local.policy import like

Headers = tuple[tuple[str, str], ...]


def is_preflight(request: Request) -> bool:
    """Whether a browser asks what it may do."""
    headers = request.joined
    return (
        request.method == "OPTIONS"
        and "origin" in headers
        and "access-control-request-method" in headers
    )


def preflight(request: Request, cors: Cors) -> Headers:
    """What allows the request that a preflight announces; nothing where it is not allowed."""
    headers = request.joined
    asked = headers.get("access-control-request-headers", "")
    names = [name.strip().lower() for name in asked.split(",") if name.strip()]
    method = headers["access-control-request-method"]
    origin = _origin(headers["origin"], cors)
    allowed = all(any(like(h, name, ignore_case=True) for h in cors.headers) for name in names)
    if not origin or not allowed or not {method, "*"} & set(cors.methods):
        return ()
    return (
        *origin,
        ("access-control-allow-methods", ",".join(cors.methods)),
        *((("access-control-allow-headers", ",".join(cors.headers)),) if cors.headers else ()),
        *((("access-control-max-age", str(cors.max_age)),) if cors.max_age else ()),
    )


def replaced(response: Response, request: Request, cors: Cors) -> Response:
    """`response` with the CORS headers of the configuration instead of its own."""
    kept = tuple(h for h in response.headers if not h[0].startswith("access-control-"))
    origin = _origin(request.joined.get("origin", ""), cors)
    if origin and cors.exposed:
        origin = (*origin, ("access-control-expose-headers", ",".join(cors.exposed)))
    return Response(response.status, (*kept, *origin), response.body)


def _origin(origin: str, cors: Cors) -> Headers:
    """The headers that allow `origin`; `*` stands as it is unless credentials are allowed."""
    if not origin or not any(like(pattern, origin) for pattern in cors.origins):
        return ()
    if cors.credentials:
        return (
            ("access-control-allow-origin", origin),
            ("access-control-allow-credentials", "true"),
        )
    return (("access-control-allow-origin", "*" if "*" in cors.origins else origin),)
