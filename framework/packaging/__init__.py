"""Packages: a function's source folder and its requirements, as the same zip everywhere.

In: a `Recipe` (source folder, runtime, architecture) and the folder of the project's cache.
Out: a `Package`, a zip whose name is its content; for local mode, the folders to put on the path.
Wrong input is a `PackagingError`; this room imports nothing of the others.

    packages      Recipe -> Package, cached by content
    host          source folder -> import path for an interpreter of this machine
    tree          the files of a folder; ignore: which of them do not belong in a package
    requirements  what a folder requires; requirements_txt, locked (pyproject.toml with uv.lock):
                  its readers; reading: which of them
    installer     requirements and a platform (platforms) -> a folder; uv_command: uv, run;
                  reasons: what uv says, in one sentence
    archive       files -> zip bytes; limits: what Lambda accepts
    store         the cache; prune: the cache, kept within a size
    import_time   how long a handler's module takes to import here
"""

from framework.packaging.errors import PackagingError, PackagingErrors
from framework.packaging.host import host_paths
from framework.packaging.import_time import import_seconds
from framework.packaging.limits import UNZIPPED_LIMIT, ZIPPED_LIMIT
from framework.packaging.packages import Recipe, build, build_all
from framework.packaging.prune import Pruned, prune
from framework.packaging.store import Package, Part, Store
from framework.packaging.tree import SourceFile, source_files

__all__ = [
    "UNZIPPED_LIMIT",
    "ZIPPED_LIMIT",
    "Package",
    "PackagingError",
    "PackagingErrors",
    "Part",
    "Pruned",
    "Recipe",
    "SourceFile",
    "Store",
    "build",
    "build_all",
    "host_paths",
    "import_seconds",
    "prune",
    "source_files",
]
