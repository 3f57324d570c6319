"""What one reading of services.yaml came to: all that this room needs of it.

Who starts local mode gives a `Compile`; it is called at the start, and again when one of the files
it named has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from framework.plan.resource import Code, Plan, Secret

ImportPaths: TypeAlias = Callable[[Code], Sequence[Path]]
"""The folders on the import path of a package: first the author's own, which is watched."""


class Compiled(NamedTuple):
    """A plan and its look-ups. `watched` are the files that say something else when they change,
    `folders` those of which any file does.

    `import_paths` is called once for each distinct package, `secrets` for each secret parameter.
    """

    plan: Plan
    import_paths: ImportPaths
    secrets: Callable[[Secret], str]
    watched: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


Compile: TypeAlias = Callable[[], Compiled]
"""Reads services.yaml. Raises `Mistakes` where it has some."""
