"""What this machine's Python needs to run a function from its source.

In: a source folder, the folder of the cache, an interpreter. Out: folders for its import path.

    host/<key>/   the requirements, installed for one interpreter; complete when it has its name
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from framework.packaging.errors import PackagingError, unusable
from framework.packaging.reading import read_requirements
from framework.packaging.requirements import Requirements

if TYPE_CHECKING:
    from framework.packaging.platforms import Platform


def host_paths(
    source: Path, cache: Path, python: str = sys.executable, project: Path | None = None
) -> tuple[Path, ...]:
    """`source` and, where it requires something, the folder with that installed for `python`.

    Installs at the first call, wheels only, for this machine; later calls read the requirements.
    `project` is as in a `Recipe`. Raises `PackagingError`.
    """
    try:
        return _host_paths(source, cache, python, project)
    except OSError as error:
        raise unusable(source, error) from error


def _host_paths(source: Path, cache: Path, python: str, project: Path | None) -> tuple[Path, ...]:
    if not source.is_dir():
        raise PackagingError(source, "the source folder does not exist")
    requirements = read_requirements(source, project)
    if requirements is None:
        return (source,)
    return (source, _installed(requirements, cache, python))


def _installed(requirements: Requirements, cache: Path, python: str) -> Path:
    """The folder with the requirements. What installs is imported here: most services need none."""
    from framework.packaging.installer import installation_key
    from framework.packaging.platforms import host_platform
    from framework.packaging.store import touch

    platform = host_platform(requirements.source, python)
    folder = cache / "host" / installation_key(requirements, platform)
    touch(folder)
    if not folder.is_dir():
        _install(requirements, platform, folder)
    return folder


def _install(requirements: Requirements, platform: Platform, folder: Path) -> None:
    from framework.packaging.installer import install
    from framework.packaging.store import scratch

    folder.parent.mkdir(parents=True, exist_ok=True)
    with scratch(folder.parent.parent) as temporary:
        target = temporary / "installed"
        install(requirements, platform, target)
        try:
            target.rename(folder)
        except OSError:
            # Another process was faster: what it installed is the same.
            if not folder.is_dir():
                raise
