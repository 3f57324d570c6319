"""From a plan to Pulumi: the only room that imports pulumi, and only when `deploy` is called.

In: services.yaml and the stack's settings. Out: the registered resources by their keys.

    program   the whole of what `pulumi up` runs
    settings  Pulumi's configuration -> target, provider, secrets
    values    values of the plan -> Pulumi inputs
    register  the plan -> registrations
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from framework.plan.resource import Resource

if TYPE_CHECKING:
    import pulumi


def deploy(
    file: str | Path = "services.yaml",
    transform: Callable[[Resource], Resource] | None = None,
) -> Mapping[str, pulumi.CustomResource]:
    """Deploys the service of `file`; to be called once, by the program that Pulumi runs.

    `transform` is applied to every resource of the plan before it is registered: the way out for
    what services.yaml cannot say. It returns the resource, or a copy with other inputs
    (`dataclasses.replace`); the key has to stay.

    Returns the stack's resources by their keys, such as "functions.list-notes" or "buckets.notes".
    Mistakes in services.yaml and in the stack's settings end the program with one line each.
    """
    from framework.deploy.program import run

    return run(Path(file), transform)
