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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Generic, TypeVar

import deflate

from framework.packaging import archive, limits
from framework.packaging.errors import PackagingError, together, unusable
from framework.packaging.ignore import INSTALLED_RULES
from framework.packaging.installer import install, installation_key, owners_in, resolution_key
from framework.packaging.platforms import Platform, lambda_platform
from framework.packaging.reading import read_requirements
from framework.packaging.requirements import Requirements
from framework.packaging.store import Package, Part, Store, key_of, scratch
from framework.packaging.tree import SourceFile, check_names, installed_files, source_files

# Changes whenever the same input is to give other bytes; the versions of the tools do the rest.
FORMAT = "1"
_MOST_THREADS = 8

MadeT = TypeVar("MadeT")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a function's package is made from.

    `source` is an absolute folder, `runtime` a Python runtime of Lambda ("python3.13"),
    `architecture` "arm64" or "x86_64". A package that is not `direct` comes from a bucket, where
    Lambda takes more. Requirements include no file outside of `project`, which is `source` unless
    said.
    """

    source: Path
    runtime: str
    architecture: str
    direct: bool = True
    project: Path | None = None


def build(recipe: Recipe, cache: Path, *, upgrade: bool = False) -> Package:
    """The package of `recipe`, from the cache folder `cache` where it is there already.

    What requirements leave open is installed in the versions of the first time, which the cache
    keeps, or in the newest with `upgrade`. Raises `PackagingError` for a source folder,
    requirements, a size or a machine that allow none.
    """
    return _Workshop(cache, upgrade).build(recipe)


def build_all(
    recipes: Iterable[Recipe],
    cache: Path,
    *,
    upgrade: bool = False,
    done: Callable[[Recipe], None] = lambda recipe: None,
) -> Mapping[Recipe, Package]:
    """The packages of `recipes`, in their order: one build for equal recipes, several at once.

    `done` hears of each recipe once it has been tried, in their order. Raises one `PackagingError`
    whose `errors` tell of every recipe that cannot be built, in order.
    """
    distinct = tuple(dict.fromkeys(recipes))
    workshop = _Workshop(cache, upgrade)
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    tried: dict[Recipe, Package | PackagingError] = {}
    with ThreadPoolExecutor(threads) as pool:
        for recipe, result in zip(distinct, pool.map(workshop.attempt, distinct), strict=True):
            tried[recipe] = result
            done(recipe)
    # By their text: one folder for two architectures has its mistakes once.
    errors = {str(error): error for error in tried.values() if isinstance(error, PackagingError)}
    if errors:
        raise together(tuple(errors.values()))
    return MappingProxyType(
        {recipe: result for recipe, result in tried.items() if isinstance(result, Package)}
    )


@dataclass(frozen=True, slots=True)
class _Once(Generic[MadeT]):
    """Makes one thing per key, however many threads ask for it at the same time."""

    lock: Lock = field(default_factory=Lock)
    made: dict[str, Future[MadeT]] = field(default_factory=dict)

    def __call__(self, key: str, make: Callable[[], MadeT]) -> MadeT:
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
    upgrade: bool = False
    installations: _Once[Package] = field(default_factory=_Once)
    resolutions: _Once[tuple[str, ...]] = field(default_factory=_Once)

    def attempt(self, recipe: Recipe) -> Package | PackagingError:
        try:
            return self.build(recipe)
        except PackagingError as error:
            return error

    def build(self, recipe: Recipe) -> Package:
        try:
            package = self._build(recipe)
            if recipe.direct:
                _check_zipped(recipe.source, package)
        except OSError as error:
            raise unusable(recipe.source, error) from error
        zipped = package.size if recipe.direct else None
        return replace(package, notes=(*package.notes, *limits.notes(zipped, package.unzipped)))

    def _build(self, recipe: Recipe) -> Package:
        source = recipe.source
        platform = lambda_platform(source, recipe.runtime, recipe.architecture, sys.executable)
        requirements = read_requirements(source, recipe.project)
        contents = _contents(source, source_files(source))
        if requirements is None:
            return self._packed(source, contents, platform, "", lambda: None)
        pins = self._pins(requirements, platform)
        key = _installation_key(requirements, platform, pins)

        package = self._packed(
            source, contents, platform, key, lambda: self._installed(requirements, platform, pins)
        )
        return replace(package, notes=(*requirements.notes, *_pin_notes(requirements, pins)))

    def _packed(
        self,
        source: Path,
        contents: Mapping[str, bytes],
        platform: Platform,
        installation: str,
        installed: Callable[[], Package | None],
    ) -> Package:
        """The package of these files and of what is installed, from the cache where it is there."""
        store, key = Store(self.cache), _package_key(contents, platform, installation)
        if package := store.get(key):
            return package
        own = [archive.entry(name, content) for name, content in contents.items()]
        return _put(source, store, key, own, installed())

    def _pins(self, requirements: Requirements, platform: Platform) -> tuple[str, ...]:
        """The versions to install: those of the first time, until an upgrade is asked for.

        Requirements with hashes say them themselves.
        """
        if requirements.hashed:
            return ()
        key, store = resolution_key(requirements, platform), Store(self.cache)

        def pins() -> tuple[str, ...]:
            kept = None if self.upgrade else store.resolution(key)
            return self._resolved(requirements, platform, key) if kept is None else kept

        return self.resolutions(key, pins)

    def _resolved(
        self, requirements: Requirements, platform: Platform, key: str
    ) -> tuple[str, ...]:
        """Installs without pins; keeps what that brought, and its versions."""
        with scratch(self.cache) as target:
            pins, owners = install(requirements, platform, target), owners_in(target)
            entries = _installed_entries(requirements, target)
        store = Store(self.cache)
        _keep(store, _installation_key(requirements, platform, pins), entries, owners)
        store.keep_resolution(key, pins)
        return pins

    def _installed(
        self, requirements: Requirements, platform: Platform, pins: tuple[str, ...]
    ) -> Package:
        """The zip of what `requirements` bring, in the versions of `pins`."""
        key = _installation_key(requirements, platform, pins)
        return self.installations(
            key,
            lambda: Store(self.cache).get(key) or self._install(requirements, platform, pins, key),
        )

    def _install(
        self, requirements: Requirements, platform: Platform, pins: tuple[str, ...], key: str
    ) -> Package:
        with scratch(self.cache) as folder:
            target, constraints = folder / "installed", folder / "constraints.txt"
            constraints.write_text("\n".join(pins), "utf-8")
            install(requirements, platform, target, constraints if pins else None)
            entries, owners = _installed_entries(requirements, target), owners_in(target)
        return _keep(Store(self.cache), key, entries, owners)


def _installed_entries(requirements: Requirements, target: Path) -> Sequence[archive.Entry]:
    files = installed_files(requirements.source, target)
    contents = _contents(requirements.source, files)
    return [archive.entry(name, content) for name, content in contents.items()]


def _keep(
    store: Store, key: str, entries: Sequence[archive.Entry], owners: Mapping[str, str]
) -> Package:
    """Keeps the zip of what was installed, and what of it each distribution brought."""
    of: dict[str, list[archive.Entry]] = {}
    for each in entries:
        of.setdefault(owners.get(each.name, each.name.partition("/")[0]), []).append(each)
    parts = [_part(name, brought) for name, brought in of.items()]
    return store.put(key, archive.write(entries), _unzipped(entries), parts)


def _part(name: str, entries: Sequence[archive.Entry]) -> Part:
    return Part(name, sum(each.weight for each in entries), _unzipped(entries))


def _pin_notes(requirements: Requirements, pins: tuple[str, ...]) -> Iterator[str]:
    if unpinned := requirements.unpinned(pins):
        lines = ", ".join(unpinned)
        yield f"{requirements.file} does not pin all that it installs; the lines that do: {lines}"


def _contents(source: Path, files: Sequence[SourceFile]) -> dict[str, bytes]:
    limits.check_unzipped(source, {file.name: file.size for file in files})
    return {file.name: file.path.read_bytes() for file in files}


def _installation_key(requirements: Requirements, platform: Platform, pins: tuple[str, ...]) -> str:
    return key_of(_maker(), *INSTALLED_RULES, installation_key(requirements, platform, pins))


def _package_key(contents: Mapping[str, bytes], platform: Platform, installation: str) -> str:
    hashes = (part for name in contents for part in (name, sha256(contents[name]).hexdigest()))
    return key_of(_maker(), platform.key, installation, *hashes)


def _put(
    source: Path,
    store: Store,
    key: str,
    own: Sequence[archive.Entry],
    installed: Package | None,
) -> Package:
    brought = archive.read(installed.path.read_bytes()) if installed else ()
    check_names(source, [file.name for file in own], [file.name for file in brought])
    entries = (*own, *brought)
    limits.check_unzipped(source, {file.name: file.size for file in entries})
    parts = (_part("", own), *(installed.parts if installed else ()))
    return store.put(key, archive.write(entries), _unzipped(entries), parts)


def _check_zipped(source: Path, package: Package) -> None:
    """Asks the zip itself: it may have been built for a bucket and be taken from the cache."""
    if package.size > limits.ZIPPED_LIMIT:
        entries = archive.read(package.path.read_bytes())
        limits.check_zipped(source, package.size, {file.name: file.weight for file in entries})


def _maker() -> str:
    return f"format {FORMAT}, deflate {deflate.__version__}"


def _unzipped(entries: Sequence[archive.Entry]) -> int:
    return sum(file.size for file in entries)
