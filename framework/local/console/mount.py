"""Where the page stands, and whose routes stand there already.

In: a path, or the model of a region. Out: whether the path is the page's.
"""

from __future__ import annotations

from collections.abc import Iterator

from framework.local.model import Model

MOUNT = "/_services"


def is_below(path: str) -> bool:
    """Whether a path, as it came, is the page's own or under it."""
    return path.startswith(MOUNT) and (len(path) == len(MOUNT) or path[len(MOUNT)] == "/")


def own_routes(model: Model) -> Iterator[str]:
    """The routes of services.yaml at or under the same path: where there are some, they win.

    Routes that take it by a variable (`/{name}`, `/{path+}`), and `$default`, are none of them.
    """
    stage = model.api.stage if model.api else "$default"
    prefix = "" if stage == "$default" else f"/{stage}"
    return (route.key for route in model.routes if route.path and is_below(prefix + route.path))
