"""Packages: a function's source folder and its requirements, as the same zip everywhere.

In: a `Recipe` (source folder, runtime, architecture) and the folder of the project's cache.
Out: a `Package`, a zip whose name is its content; for local mode, the folders to put on the path.
Wrong input is a `PackagingError`; this room imports nothing of the others.

    packages      Recipe -> Package, cached by content
    host          source folder -> import path for an interpreter of this machine
    tree          the files of a folder; ignore: which of them do not belong in a package
    requirements  requirements.txt, read; platforms: for what uv installs; installer: uv, run;
                  reasons: what uv says, in one sentence
    archive       files -> zip bytes; limits: what Lambda accepts; store: the cache
"""

from framework.packaging.errors import PackagingError, PackagingErrors
from framework.packaging.host import host_paths
from framework.packaging.packages import Recipe, build, build_all
from framework.packaging.store import Package
from framework.packaging.tree import SourceFile, source_files

__all__ = [
    "Package",
    "PackagingError",
    "PackagingErrors",
    "Recipe",
    "SourceFile",
    "build",
    "build_all",
    "host_paths",
    "source_files",
]
