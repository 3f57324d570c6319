"""What `services package --report` says of each function's package.

In: the plan and its packages. Out: rows, as text or as JSON data. Sizes in bytes, times in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from framework import compiler
from framework.language.document import Document
from framework.local.interpreters import Interpreter, interpreter_for
from framework.local.runtime_packages import runtime_packages
from framework.packaging.errors import PackagingError
from framework.packaging.host import host_paths
from framework.packaging.import_time import import_seconds
from framework.packaging.limits import UNZIPPED_LIMIT, ZIPPED_LIMIT
from framework.packaging.store import Package, Part
from framework.plan.resource import Code, Plan, Resource

MOST_PARTS = 10
OWN_FILES = "its own files"


class Row(NamedTuple):
    """A function, its package, its layers, and how long its module takes to import: seconds, or
    why that cannot be said; `python` is the version that imported it. `upload` is how Lambda gets
    the package, as services.yaml says it."""

    name: str
    code: Code
    package: Package
    upload: str
    layers: int
    python: str
    imported: float | str


def rows(document: Document, plan: Plan, packages: Mapping[Code, Package]) -> Sequence[Row]:
    """A row for each function, in the plan's order; each module is imported once."""
    times: dict[tuple[Code, str], tuple[str, float | str]] = {}
    found: list[Row] = []
    for function, code in compiler.functions(plan):
        module = str(function.inputs["handler"]).rpartition(".")[0]
        if (code, module) not in times:
            times[code, module] = _imported(document, function, code, module)
        layers = function.inputs.get("layers")
        number = len(layers) if isinstance(layers, Sequence) else 0
        name = function.origin.partition(".")[2]
        upload = "direct" if "code" in function.inputs else "bucket"
        found.append(Row(name, code, packages[code], upload, number, *times[code, module]))
    return found


def _imported(
    document: Document, function: Resource, code: Code, module: str
) -> tuple[str, float | str]:
    interpreter = interpreter_for(code.runtime)
    project, cache = compiler.project_of(document), compiler.cache_of(document)
    try:
        paths = host_paths(project / code.source, cache, str(interpreter.executable), project)
    except PackagingError as error:
        return interpreter.version, error.problem
    return interpreter.version, _seconds(function, paths, module, interpreter)


def _seconds(
    function: Resource, paths: Sequence[Path], module: str, interpreter: Interpreter
) -> float | str:
    environment = function.inputs.get("environment")
    variables = environment.get("variables") if isinstance(environment, Mapping) else None
    texts = variables.items() if isinstance(variables, Mapping) else ()
    known = {name: value for name, value in texts if isinstance(value, str)}
    region = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    python = str(interpreter.executable)
    return import_seconds(paths, module, python, {**known, **region}, runtime_packages())


def as_text(found: Sequence[Row]) -> str:
    """The rows for people, one block each."""
    return "\n\n".join("\n".join(_lines(row)) for row in found)


def _lines(row: Row) -> Iterator[str]:
    yield f"{row.name}  {row.code.runtime} on {row.code.architecture}"
    direct = row.upload == "direct"
    zipped = _share(row.package.size, ZIPPED_LIMIT) if direct else "through a bucket"
    yield f"  zipped    {_size(row.package.size):>10}  {zipped}"
    unzipped = _share(row.package.unzipped, UNZIPPED_LIMIT)
    yield f"  unzipped  {_size(row.package.unzipped):>10}  {unzipped}"
    if row.layers:
        yield f"  layers    {row.layers:>10}  count among the unzipped bytes, not measured here"
    yield f"  import    {_time(row)}"
    for number, part in enumerate(row.package.parts[:MOST_PARTS]):
        head = "heaviest" if number == 0 else ""
        yield f"  {head:<9} {_size(part.unzipped):>10}  {_name(part)}, zipped {_size(part.zipped)}"


def _share(size: int, limit: int) -> str:
    return f"{size / limit:.1%} of {_size(limit)}"


def _time(row: Row) -> str:
    if isinstance(row.imported, str):
        return f"cannot be measured here: {row.imported}"
    return f"{row.imported * 1000:>7,.0f} ms  in a fresh Python {row.python} of this machine"


def _name(part: Part) -> str:
    return part.name or OWN_FILES


def _size(size: int) -> str:
    megabyte = 1024**2
    return f"{size / 1024:,.1f} KB" if size < megabyte else f"{size / megabyte:,.1f} MB"


def as_data(found: Sequence[Row], warnings: Sequence[str]) -> Mapping[str, object]:
    """The rows as JSON data: "functions" by name, "limits" in bytes, "warnings".

    The limit of "zipped" is that of what is uploaded directly.
    """
    return {
        "functions": {row.name: _data(row) for row in found},
        "limits": {"zipped": ZIPPED_LIMIT, "unzipped": UNZIPPED_LIMIT},
        "warnings": warnings,
    }


def _data(row: Row) -> Mapping[str, object]:
    imported = isinstance(row.imported, float)
    return {
        "runtime": row.code.runtime,
        "architecture": row.code.architecture,
        "sha256": row.package.sha256,
        "upload": row.upload,
        "zipped": row.package.size,
        "unzipped": row.package.unzipped,
        "layers": row.layers,
        "import": {
            "python": row.python,
            "seconds": row.imported if imported else None,
            "problem": None if imported else row.imported,
        },
        "heaviest": [
            {"name": _name(part), "zipped": part.zipped, "unzipped": part.unzipped}
            for part in row.package.parts[:MOST_PARTS]
        ],
    }
