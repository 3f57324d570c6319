"""pyproject.toml with the uv.lock beside it, read.

In: a source folder. Out: `Requirements`, or None where nothing is required. The lock alone decides
what is installed, with its hashes, and so needs no index to be read; pyproject.toml says which
indexes to ask and is compared with the lock, which may be older. Dependency groups are for
developing and are not installed.
Formats: PyPA, "pyproject.toml specification"; uv's docs, "Locking and syncing", "Package indexes".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from framework.packaging.errors import PackagingError
from framework.packaging.requirements import (
    LOCK_FILE,
    NAME,
    PROJECT_FILE,
    Requirements,
    normal,
)

Table: TypeAlias = Mapping[str, object]

_VERSIONS = re.compile(rf"{NAME.pattern}\s*(?:\[[^]]*\])?\s*\(?([^;@)]*)")


def read_lock(source: Path, *, may_lack: bool = False) -> Requirements | None:
    """What pyproject.toml requires, as uv.lock has it; None where it requires nothing.

    Raises `PackagingError` for files that cannot be read, a lock that lacks a requirement, and for
    requirements without a lock unless they `may_lack` one.
    """
    project = _read(source, PROJECT_FILE)
    stated = _table(project, "project")
    wanted = _texts(stated, "dependencies")
    if not wanted and "dependencies" not in _texts(stated, "dynamic"):
        return None
    lock = _read(source, LOCK_FILE)
    if not lock:
        if may_lack:
            return None
        problem = f"{PROJECT_FILE} has requirements and no {LOCK_FILE} beside it: run  uv lock"
        raise PackagingError(source, problem)
    return Requirements(
        source,
        lines=(sha256((source / LOCK_FILE).read_bytes()).hexdigest(),),
        files=(),
        wanted=tuple(_pins(lock)),
        file=LOCK_FILE,
        origins=tuple(_origins(_table(_table(project, "tool"), "uv"))),
        notes=tuple(_older(source, wanted, _locked_for(lock))),
    )


def _older(source: Path, wanted: Sequence[str], locked: Mapping[str, str]) -> Iterator[str]:
    """Notes on requirements that were locked for other versions. Raises for one that was not."""
    for text in wanted:
        found = NAME.match(text)
        name = normal(found[0]) if found else text
        if name not in locked:
            problem = f"{LOCK_FILE} does not have {text}, which {PROJECT_FILE} asks: run  uv lock"
            raise PackagingError(source, problem, text)
        if _versions(text) != _parts(locked[name]):
            was = f"{name}{locked[name]}"
            yield f"{LOCK_FILE} was made for {was}, {PROJECT_FILE} asks {text}: run  uv lock"


def _versions(requirement: str) -> frozenset[str]:
    found = _VERSIONS.match(requirement)
    return _parts(found[1] if found else "")


def _parts(specifier: str) -> frozenset[str]:
    return frozenset(filter(None, "".join(specifier.split()).split(",")))


def _locked_for(lock: Table) -> Mapping[str, str]:
    """The requirements that the lock was made for: names with their version specifiers."""
    return {
        normal(str(each["name"])): str(each.get("specifier", ""))
        for package in _tables(lock, "package")
        if not _is_distribution(package)
        for each in _tables(_table(package, "metadata"), "requires-dist")
        if "name" in each
    }


def _pins(lock: Table) -> Iterator[tuple[str, str]]:
    for package in filter(_is_distribution, _tables(lock, "package")):
        name = str(package.get("name"))
        yield normal(name), f"{name}=={package.get('version')}"


def _is_distribution(package: Table) -> bool:
    """Whether it comes from elsewhere; the others are the project itself and its workspace."""
    return not _table(package, "source").keys() & {"virtual", "editable"}


def _origins(settings: Table) -> Iterator[str]:
    """uv's arguments for the indexes that the project names."""
    for index in _tables(settings, "index"):
        if "url" in index:
            yield from _origin(index)


def _origin(index: Table) -> Iterator[str]:
    url, default = str(index["url"]), index.get("default") is True
    if index.get("format") == "flat":
        yield from ("--no-index",) if default else ()
        yield f"--find-links={url}"
    else:
        named = f"{index['name']}={url}" if "name" in index else url
        yield f"--default-index={named}" if default else f"--index={named}"


def _read(source: Path, name: str) -> Table:
    """A TOML file of the folder; empty where there is none."""
    file = source / name
    if not file.exists():
        return {}
    if not file.resolve().is_relative_to(source.resolve()):
        raise PackagingError(source, f"the link {name} leads out of the folder")
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except UnicodeDecodeError:
        raise PackagingError(source, f"{name} is not UTF-8 text") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PackagingError(source, f"{name} is not TOML: {error}") from None


def _table(table: Table, name: str) -> Table:
    found = table.get(name)
    return found if isinstance(found, dict) else {}


def _tables(table: Table, name: str) -> Sequence[Table]:
    found = table.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _texts(table: Table, name: str) -> Sequence[str]:
    found = table.get(name)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
