"""Tiny wheels and the source folders that require them, so that no test needs an index.

In: a folder and what is to lie in it. Out: its path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import ZipFile


def make_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    tag: str = "py3-none-any",
    files: Mapping[str, str] | None = None,
    requires: Sequence[str] = (),
) -> Path:
    """A wheel of the package `name`: one module that says its version, unless `files` says more."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    contents = files or {f"{name}/__init__.py": f"VERSION = {version!r}\n"}
    records = f"{name}-{version}.dist-info"
    required = "".join(f"Requires-Dist: {line}\n" for line in requires)
    with ZipFile(path, "w") as wheel:
        for file, text in contents.items():
            wheel.writestr(file, text)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}"
        wheel.writestr(f"{records}/METADATA", metadata)
        wheel.writestr(f"{records}/WHEEL", f"Wheel-Version: 1.0\nGenerator: test\nTag: {tag}\n")
        wheel.writestr(f"{records}/entry_points.txt", f"[console_scripts]\n{name} = {name}:run\n")
        wheel.writestr(f"{records}/RECORD", "")
    return path


def make_folder(folder: Path, files: Mapping[str, str]) -> Path:
    """A folder with these text files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


def requiring(wheels: Path, *lines: str) -> str:
    """A requirements.txt whose packages come from the folder `wheels` and from nowhere else."""
    return "\n".join(("--no-index", f"--find-links {wheels}", *lines, ""))
