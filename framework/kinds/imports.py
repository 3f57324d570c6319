"""What a handler imports that nothing provides: neither its folder, its requirements nor Lambda.

In: a source folder and the handler's module. Out: the names of packages, by parsing alone. A name
is reported only where nothing could provide it, so that a warning is worth reading: what is
imported within `try` or for type checkers alone is left out, as is everything where a requirements
file includes another or a URL.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path

from framework.kinds.handler import parsed
from framework.language.problems import printable

RUNTIME = frozenset(
    {"boto3", "botocore", "s3transfer", "urllib3", "jmespath", "dateutil", "six", "awslambdaric"}
)
"""What Lambda's Python runtimes bring (Lambda developer guide, "Python runtimes")."""

_LINE = re.compile(
    r"--|-[a-z](?:[\s=\\]|$)|[a-z+]+://|\.{0,2}/|\\$"
    r"|[A-Za-z0-9][A-Za-z0-9._-]*\s*(\[[^]]*\])?\s*(\(|[=<>!~@;]|--|\\|$)"
)
"""An option, an address, a path, or a name with extras and versions (pip, "Requirements File")."""

_INCLUDE = re.compile(r"(?:-[rc]|--requirement|--constraint)(?:\s*=\s*|\s+)(?!\S*://)(\S.*)")
"""A file that is included (pip, "Requirements File Format")."""

_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def unprovided(folder: Path, module: str) -> tuple[str, ...]:
    """The packages that a module of the folder imports, itself or through others of the folder,
    and that nothing provides. Empty where that cannot be told."""
    provided = _required(folder)
    if provided is None:
        return ()
    imported = _imported(folder, module)
    known = sys.stdlib_module_names | RUNTIME | provided
    return tuple(sorted(name for name in imported if name not in known))


def _imported(folder: Path, module: str) -> set[str]:
    """The top-level packages imported from outside of the folder."""
    found: set[str] = set()
    seen: set[Path] = set()
    todo = [path for path in [_file(folder, module)] if path]
    while todo:
        path = todo.pop()
        seen.add(path)
        for name in _imports(path):
            inside = _file(folder, name)
            if inside and inside not in seen:
                todo.append(inside)
            if not _within(folder, name):
                found.add(name.partition(".")[0])
    return found


def _file(folder: Path, module: str) -> Path | None:
    relative = folder.joinpath(*module.split("."))
    candidates = (relative.with_suffix(".py"), relative / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _within(folder: Path, module: str) -> bool:
    top = module.partition(".")[0]
    return (folder / top).is_dir() or any(folder.glob(f"{top}.*"))


def _imports(path: Path) -> Iterator[str]:
    """The modules that a file imports at its top level, unconditionally."""
    try:
        tree = parsed(path)
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            yield from (name.name for name in statement.names)
        elif isinstance(statement, ast.ImportFrom) and not statement.level and statement.module:
            yield statement.module


def broken_requirement(folder: Path, project: Path) -> str | None:
    """The first line of the folder's requirements.txt that can be none, as a sentence.

    One that includes a file outside of the project is none. What the requirements lead to is for
    the installer to say, when the package is built.
    """
    try:
        lines = (folder / "requirements.txt").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        return "requirements.txt cannot be read as UTF-8 text"
    for number, line in enumerate(lines, 1):
        text = line.partition(" #")[0].strip()
        if text and not text.startswith("#") and not _LINE.match(text):
            return f"requirements.txt:{number}: '{printable(text)}' is no requirement"
        if (found := _INCLUDE.match(text)) and not _leads_inside(folder / found[1], project):
            return f"requirements.txt:{number}: {printable(text)} leads out of the project"
    return None


def _leads_inside(path: Path, project: Path) -> bool:
    # A part that is too long, or a byte that no path has, is for the installer to refuse.
    with suppress(OSError, ValueError):
        return path.resolve().is_relative_to(project.resolve())
    return True


def _required(folder: Path) -> frozenset[str] | None:
    """The import names that the requirements stand for; None where they cannot be told."""
    try:
        lines = [*_listed(folder / "requirements.txt"), *_stated(folder / "pyproject.toml")]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, _Untold):
        return None
    names: set[str] = set()
    for line in lines:
        found = _REQUIREMENT.match(line)
        if not found or "://" in line or "@" in line:
            return None
        names |= _import_names(found.group())
    return frozenset(names)


class _Untold(Exception):
    """What is required is not written where it could be read."""


def _listed(file: Path) -> Iterator[str]:
    """The lines of a requirements.txt, without comments and hashes."""
    for line in file.read_text("utf-8").splitlines() if file.is_file() else ():
        text = line.partition("#")[0].strip().rstrip("\\").strip()
        if text and not text.startswith("--hash"):
            yield text


def _stated(file: Path) -> Iterator[str]:
    """The dependencies of a pyproject.toml."""
    if not file.is_file():
        return
    project = tomllib.loads(file.read_text("utf-8")).get("project", {})
    stated = project.get("dependencies", []) if isinstance(project, dict) else None
    if not isinstance(stated, list) or "dynamic" in project:
        raise _Untold
    yield from (str(each) for each in stated)


def _import_names(distribution: str) -> set[str]:
    name = re.sub(r"[-_.]+", "-", distribution).lower()
    plain = name.replace("-", "_")
    return {plain, plain.removeprefix("python_"), *_distributions().get(name, ())}


@cache
def _distributions() -> Mapping[str, list[str]]:
    """Distributions whose packages are called otherwise."""
    text = files("framework.data").joinpath("distributions.toml").read_text("utf-8")
    found: Mapping[str, list[str]] = tomllib.loads(text)
    return found
