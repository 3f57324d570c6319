"""Source folder -> its `Requirements`, from requirements.txt or from pyproject.toml and uv.lock.

Two files that both state requirements may disagree, so they are refused.
"""

from __future__ import annotations

from pathlib import Path

from framework.packaging.errors import PackagingError
from framework.packaging.locked import read_lock
from framework.packaging.requirements import LOCK_FILE, REQUIREMENTS_FILE, Requirements
from framework.packaging.requirements_txt import read_requirements_txt


def read_requirements(source: Path, project: Path | None = None) -> Requirements | None:
    """What `source` requires; None where nothing is required.

    No file that is included lies outside of `project`: of `source`, where that is not said.
    Raises `PackagingError` for files that cannot be read or taken, and where two state something.
    """
    listed = read_requirements_txt(source, project or source)
    locked = read_lock(source, may_lack=listed is not None)
    if listed and locked:
        problem = f"{REQUIREMENTS_FILE} and {LOCK_FILE} both state requirements: keep one of them"
        raise PackagingError(source, problem)
    return listed or locked
