"""uv, run so that nothing on the machine changes what it chooses.

In: a source folder and uv's arguments. Out: what it wrote to standard output, or what it wrote to
standard error as a `Failed`.

uv runs without the configuration files of the user and the machine, because a constraint or a
resolution strategy there would change the package from one machine to the next. Of its environment
variables only those stay that say from where and how packages are fetched (an index or a mirror,
its credentials, certificates, time-outs, uv's cache), and those that can only refuse a package
(`_GUARDS`). Everything that chooses versions or builds from source goes: it belongs in
requirements.txt. Variables for pip (PIP_...) stay, uv does not read them. This is a list of what
stays, so that a variable that a later uv introduces does not change a package.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import uv

from framework.packaging.errors import PackagingError, without_credentials

# Docs of uv, "Environment variables".
_ORIGINS = re.compile(
    r"UV_(?:DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|INDEX_STRATEGY)"
)
_GUARDS = re.compile(r"UV_(?:EXCLUDE_NEWER|REQUIRE_HASHES|MALWARE_CHECK(?:_URL)?)")
_TRANSPORT = re.compile(
    r"UV_(?:INDEX_.+_(?:USERNAME|PASSWORD)|KEYRING_PROVIDER|CREDENTIALS_DIR|INSECURE_HOST"
    r"|NATIVE_TLS|SYSTEM_CERTS|HTTP_.+|REQUEST_TIMEOUT|OFFLINE|CACHE_DIR|NO_CACHE|LOCK_TIMEOUT"
    r"|CONCURRENT_.+)"
)


class Failed(Exception):
    """uv ended with an error; `output` is what it wrote to standard error."""

    def __init__(self, output: str) -> None:
        super().__init__(output)
        self.output = output


def run(source: Path, arguments: tuple[str, ...], stdin: str = "") -> str:
    """Runs uv in the folder `source`. Raises `Failed`; `PackagingError` where there is no uv."""
    done = subprocess.run(
        (_uv(source), "--no-config", *arguments, "--quiet", "--no-progress", "--color", "never"),
        cwd=source,
        env=_environment(),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode != 0:
        raise Failed(done.stderr.strip() or f"uv ended with status {done.returncode}")
    return done.stdout


def origins() -> tuple[str, ...]:
    """What of the environment says where packages come from, without credentials."""
    return tuple(
        f"{name}={without_credentials(value)}"
        for name, value in sorted(os.environ.items())
        if _ORIGINS.fullmatch(name) or _GUARDS.fullmatch(name)
    )


def _uv(source: Path) -> str:
    try:
        return uv.find_uv_bin()
    except FileNotFoundError:
        problem = "uv is not installed beside this framework; install the package uv again"
        raise PackagingError(source, problem) from None


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if _stays(name)}


def _stays(name: str) -> bool:
    if not name.startswith("UV_"):
        return name != "RUST_LOG"
    return any(kept.fullmatch(name) for kept in (_ORIGINS, _GUARDS, _TRANSPORT))
