"""Recipe -> Package.

In: which folder, for which runtime and architecture; the folder of the cache. Out: the zip.
What a package is made from (the files, the requirements, the platform, the versions of what makes
it) is its key in the cache, so an unchanged function costs reading its source and nothing else.
Requirements are a zip of their own in the cache, whose compressed entries are taken over as they
are: a changed handler installs and compresses nothing of them again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Lock
from types import MappingProxyType

import deflate

from framework.packaging import archive, limits
from framework.packaging.errors import PackagingError, together
from framework.packaging.ignore import INSTALLED_RULES
from framework.packaging.installer import install, installation_key
from framework.packaging.platforms import Platform, lambda_platform
from framework.packaging.requirements import Requirements, read_requirements
from framework.packaging.store import Package, Store, key_of, scratch
from framework.packaging.tree import SourceFile, check_names, installed_files, source_files

# Changes whenever the same input is to give other bytes; the versions of the tools do the rest.
FORMAT = "1"
_MOST_THREADS = 8


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a function's package is made from.

    `source` is an absolute folder, `runtime` a Python runtime of Lambda ("python3.13"),
    `architecture` "arm64" or "x86_64".
    """

    source: Path
    runtime: str
    architecture: str


def build(recipe: Recipe, cache: Path) -> Package:
    """The package of `recipe`, from the cache folder `cache` where it is there already.

    Raises `PackagingError` for a source folder, requirements, a size or a machine that allow none.
    """
    return _Workshop(cache).build(recipe)


def build_all(recipes: Iterable[Recipe], cache: Path) -> Mapping[Recipe, Package]:
    """The packages of `recipes`, in their order: one build for equal recipes, several at once.

    Raises one `PackagingError` whose `errors` tell of every recipe that cannot be built, in order.
    """
    distinct = tuple(dict.fromkeys(recipes))
    workshop = _Workshop(cache)
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        tried = dict(zip(distinct, pool.map(workshop.attempt, distinct), strict=True))
    # By their text: one folder for two architectures has its mistakes once.
    errors = {str(error): error for error in tried.values() if isinstance(error, PackagingError)}
    if errors:
        raise together(tuple(errors.values()))
    return MappingProxyType(
        {recipe: result for recipe, result in tried.items() if isinstance(result, Package)}
    )


@dataclass(frozen=True, slots=True)
class _Once:
    """Makes one package per key, however many threads ask for it at the same time."""

    lock: Lock = field(default_factory=Lock)
    made: dict[str, Future[Package]] = field(default_factory=dict)

    def __call__(self, key: str, make: Callable[[], Package]) -> Package:
        with self.lock:
            is_first = key not in self.made
            future = self.made.setdefault(key, Future())
        if is_first:
            try:
                future.set_result(make())
            # Whatever it was, the threads that wait must hear of it.
            except BaseException as error:
                future.set_exception(error)
        return future.result()


@dataclass(frozen=True, slots=True)
class _Workshop:
    """Builds packages into one cache; folders that require the same share one installation."""

    cache: Path
    once: _Once = field(default_factory=_Once)

    def attempt(self, recipe: Recipe) -> Package | PackagingError:
        try:
            return self.build(recipe)
        except PackagingError as error:
            return error

    def build(self, recipe: Recipe) -> Package:
        try:
            return self._build(recipe)
        except OSError as error:
            raise unusable(recipe.source, error) from error

    def _build(self, recipe: Recipe) -> Package:
        source = recipe.source
        platform = lambda_platform(source, recipe.runtime, recipe.architecture, sys.executable)
        requirements = read_requirements(source)
        installation = _installation_key(requirements, platform) if requirements else ""
        contents = _contents(source, source_files(source))
        store, key = Store(self.cache), _package_key(contents, platform, installation)
        if package := store.get(key):
            return package
        own = [archive.entry(name, content) for name, content in contents.items()]
        if requirements is None:
            return _put(source, store, key, own, ())
        installed = self._installed(requirements, platform, installation)
        return _put(source, store, key, own, archive.read(installed.path.read_bytes()))

    def _installed(self, requirements: Requirements, platform: Platform, key: str) -> Package:
        """The zip of what `requirements` bring."""
        return self.once(
            key, lambda: Store(self.cache).get(key) or self._install(requirements, platform, key)
        )

    def _install(self, requirements: Requirements, platform: Platform, key: str) -> Package:
        with scratch(self.cache) as target:
            install(requirements, platform, target)
            files = installed_files(requirements.source, target)
            contents = _contents(requirements.source, files)
        entries = [archive.entry(name, content) for name, content in contents.items()]
        return Store(self.cache).put(key, archive.write(entries), _unzipped(entries))


def unusable(source: Path, error: OSError) -> PackagingError:
    """What the operating system refused: a file that cannot be read, a full disk."""
    place = f"{error.filename}: " if error.filename else ""
    return PackagingError(source, f"cannot be packaged: {place}{error.strerror or error}")


def _contents(source: Path, files: Sequence[SourceFile]) -> dict[str, bytes]:
    limits.check_unzipped(source, {file.name: file.size for file in files})
    return {file.name: file.path.read_bytes() for file in files}


def _installation_key(requirements: Requirements, platform: Platform) -> str:
    return key_of(_maker(), *INSTALLED_RULES, installation_key(requirements, platform))


def _package_key(contents: Mapping[str, bytes], platform: Platform, installation: str) -> str:
    hashes = (part for name in contents for part in (name, sha256(contents[name]).hexdigest()))
    return key_of(_maker(), platform.key, installation, *hashes)


def _put(
    source: Path,
    store: Store,
    key: str,
    own: Sequence[archive.Entry],
    installed: Sequence[archive.Entry],
) -> Package:
    check_names(source, [file.name for file in own], [file.name for file in installed])
    entries = (*own, *installed)
    limits.check_unzipped(source, {file.name: file.size for file in entries})
    limits.check_zipped(source, {file.name: file.weight for file in entries})
    return store.put(key, archive.write(entries), _unzipped(entries))


def _maker() -> str:
    return f"format {FORMAT}, deflate {deflate.__version__}"


def _unzipped(entries: Sequence[archive.Entry]) -> int:
    return sum(file.size for file in entries)
