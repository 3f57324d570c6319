"""What this machine's Python needs to run a function from its source.

In: a source folder, the folder of the cache, an interpreter. Out: folders for its import path.

    host/<key>/   the requirements, installed for one interpreter; complete when it has its name
"""

from __future__ import annotations

import sys
from pathlib import Path

from framework.packaging.errors import PackagingError
from framework.packaging.installer import install, installation_key
from framework.packaging.packages import unusable
from framework.packaging.platforms import Platform, host_platform
from framework.packaging.reading import read_requirements
from framework.packaging.requirements import Requirements
from framework.packaging.store import scratch, touch


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
    platform = host_platform(source, python)
    folder = cache / "host" / installation_key(requirements, platform)
    touch(folder)
    if not folder.is_dir():
        _install(requirements, platform, folder)
    return (source, folder)


def _install(requirements: Requirements, platform: Platform, folder: Path) -> None:
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
