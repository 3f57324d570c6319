"""Who may see the page: a browser on this machine, at the page's own address, and nobody else.

In: a request for the page or its data. Out: the reason it is refused for, in one line. Pages of the
web reach this port by a name of theirs that points here (DNS rebinding: refused by Host) or from
their own origin (CSRF: refused by Origin, Sec-Fetch-Site, content type and token). Source: W3C,
"Fetch Metadata Request Headers"; OWASP cheat sheet, "Cross-Site Request Forgery Prevention".
"""

from __future__ import annotations

import hmac

from framework.local.http_messages import Request

TOKEN = "x-services-token"
"""The header that says: I have read the page of this start."""

_NAMES = ("localhost", "127.0.0.1", "[::1]")
_DOCUMENT = ("document", "navigate")


def refusal(request: Request) -> str | None:
    """Why a request for anything of the page is refused, None where it is not."""
    if not (request.source.startswith("127.") or request.source == "::1"):
        return f"{request.source} is not this machine"
    host = request.joined.get("host", "").lower()
    if host not in _hosts(request.port):
        return f"Host is {host!r}, not localhost or 127.0.0.1 with port {request.port}"
    origin = request.joined.get("origin")
    if origin is not None and origin != f"http://{host}":
        return f"Origin is {origin!r}, not the page's own"
    site = request.joined.get("sec-fetch-site", "none")
    if site not in ("same-origin", "none"):
        return f"it comes from elsewhere (Sec-Fetch-Site: {site}): type the page's address"
    if request.method == "POST" and not _is_json(request):
        return "content-type is not application/json"
    return None


def refusal_of_document(request: Request) -> str | None:
    """Why the page itself is refused: it holds the token, which no script is to read.

    A handler's page has the same origin. It may fetch the page, or open it in a frame, unless this
    is refused.
    """
    wanted = zip(("sec-fetch-dest", "sec-fetch-mode"), _DOCUMENT, strict=True)
    if any(request.joined.get(name, value) != value for name, value in wanted):
        return "the page is opened in a window of its own, not fetched by a script"
    return None


def refusal_of_data(request: Request, token: str) -> str | None:
    """Why data, or a form, is refused: it takes the token of the page."""
    given = request.joined.get(TOKEN, "")
    if not hmac.compare_digest(given.encode(), token.encode()):
        return "the token is not that of this start: load the page again"
    return None


def _hosts(port: int) -> set[str]:
    hosts = {f"{name}:{port}" for name in _NAMES}
    return hosts | set(_NAMES) if port == 80 else hosts


def _is_json(request: Request) -> bool:
    media_type, _, _ = request.joined.get("content-type", "").partition(";")
    return media_type.strip().lower() == "application/json"
