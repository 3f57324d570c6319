"""For what machine uv installs.

In: a runtime and an architecture of Lambda, or a Python interpreter of this machine.
Out: a `Platform`, uv's arguments for it.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from framework.packaging.errors import PackagingError

_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
_RUNTIME = re.compile(r"python3\.([0-9]+)")
_DESCRIBE = (
    "import sys, sysconfig;"
    "print(sys.version.split()[0], sysconfig.get_config_var('SOABI'), sysconfig.get_platform())"
)


class Platform(NamedTuple):
    """`label` for messages ("python3.13 on arm64"), `key` for caches, `arguments` for uv."""

    label: str
    key: str
    arguments: tuple[str, ...]


def lambda_platform(source: Path, runtime: str, architecture: str, python: str) -> Platform:
    """Lambda's machine for a runtime ("python3.13") and an architecture ("arm64", "x86_64").

    `python` is the interpreter that uv reads installation schemes from; it decides nothing else.
    Raises `PackagingError` for a runtime or an architecture that takes no Python packages.
    """
    version, machine = _RUNTIME.fullmatch(runtime), _MACHINES.get(architecture)
    if version is None or machine is None:
        problem = f"no packages are made for {runtime} on {architecture}"
        raise PackagingError(source, problem)
    platform = f"{machine}-{_manylinux(int(version[1]))}"
    arguments = ("--python", python, "--python-version", f"3.{version[1]}")
    label = f"{runtime} on {architecture}"
    return Platform(label, f"{runtime} {platform}", (*arguments, "--python-platform", platform))


def host_platform(source: Path, python: str) -> Platform:
    """This machine, for the interpreter `python`, a path or a command.

    Raises `PackagingError` when there is no such interpreter.
    """
    command = (python, "-I", "-c", _DESCRIBE)
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise PackagingError(source, f"{python} is not a Python interpreter") from None
    version, _, system = answer.split()
    # Not linked to uv's own cache: whoever edits a file here to debug must not change packages.
    arguments = ("--python", python, "--link-mode", "copy")
    return Platform(f"Python {version} on this machine ({system})", answer.strip(), arguments)


def _manylinux(minor: int) -> str:
    """What a runtime's C library runs. AWS, "Lambda runtimes": python3.12 and later are on Amazon
    Linux 2023 (glibc 2.34), earlier ones on Amazon Linux 2 (glibc 2.26), for which uv has no
    closer name than manylinux2014 (glibc 2.17)."""
    return "manylinux_2_34" if minor >= 12 else "manylinux2014"
