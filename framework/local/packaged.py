"""Running the very zips that are deployed, where this machine can.

In: a package, the interpreter that will run it. Out: a folder with its files. A package is made for
Lambda's Linux, its processor and its Python: one with compiled modules that do not fit this machine
is refused in one line, before anything runs.
"""

from __future__ import annotations

import platform
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from framework.local.errors import LocalError
from framework.local.interpreters import Interpreter

_MACHINES = {62: "x86_64", 183: "arm64"}
"""ELF's e_machine -> the processor as Lambda names it."""

_SAME = {"amd64": "x86_64", "aarch64": "arm64"}
_VERSION = re.compile(r"\.cpython-(\d)(\d+)-")


def unpacked(package: Path, digest: str, folder: Path, interpreter: Interpreter) -> Path:
    """The package's files in a folder of their own, made once. Raises `LocalError`."""
    target = folder / digest
    if not target.is_dir():
        with zipfile.ZipFile(package) as archive:
            problem = next(_misfits(archive, interpreter), None)
            if problem is not None:
                raise LocalError(problem)
            _unpack(archive, target)
    return target


def _unpack(archive: zipfile.ZipFile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name) / "package"
        archive.extractall(folder)
        try:
            folder.rename(target)
        except OSError:
            # Another process was faster: what it unpacked is the same.
            if not target.is_dir():
                raise


def _misfits(archive: zipfile.ZipFile, interpreter: Interpreter) -> Iterator[str]:
    """Why this machine cannot run the package, one sentence for each compiled module."""
    here = _SAME.get(platform.machine().lower(), platform.machine().lower())
    for entry in archive.infolist():
        if not re.search(r"\.so(\.\d+)*$", entry.filename):
            continue
        built_for = _processor(archive, entry)
        if sys.platform != "linux" or built_for != here:
            yield _refusal(entry.filename, f"Linux on {built_for}", f"{sys.platform} on {here}")
        version = _VERSION.search(entry.filename)
        if version and f"{version[1]}.{version[2]}" != interpreter.version:
            wanted = f"Python {version[1]}.{version[2]}"
            yield _refusal(entry.filename, wanted, f"Python {interpreter.version}")


def _processor(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    with archive.open(entry) as file:
        head = file.read(20)
    return _MACHINES.get(int.from_bytes(head[18:20], "little"), "another processor")


def _refusal(name: str, wanted: str, here: str) -> str:
    return (
        f"--packaged: {name} is compiled for {wanted}, this is {here}: leave --packaged out, and"
        " the requirements are installed for this machine"
    )
