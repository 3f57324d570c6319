"""Requirements, installed by uv.

In: `Requirements`, a `Platform`, an empty folder. Out: the folder, filled; or a `PackagingError`
with uv's reason.

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
from importlib.metadata import version
from pathlib import Path

import uv

from framework.packaging.errors import PackagingError, without_credentials
from framework.packaging.platforms import Platform
from framework.packaging.reasons import reason
from framework.packaging.requirements import REQUIREMENTS_FILE, Requirements
from framework.packaging.store import key_of

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
_OPTIONS = (
    *("--no-config", "pip", "install", "--quiet", "--no-progress", "--color", "never"),
    *("--only-binary", ":all:", "--no-compile-bytecode"),
)


def installation_key(requirements: Requirements, platform: Platform) -> str:
    """A key for what `install` makes: equal when the same packages are asked of the same places."""
    origins = (
        f"{name}={without_credentials(value)}"
        for name, value in sorted(os.environ.items())
        if _ORIGINS.fullmatch(name) or _GUARDS.fullmatch(name)
    )
    parts = (*requirements.lines, "", *requirements.files, "", *origins)
    return key_of("uv", version("uv"), platform.key, *parts)


def install(requirements: Requirements, platform: Platform, target: Path) -> None:
    """Installs into the folder `target`. Raises `PackagingError` with uv's reason."""
    hashes = ("--require-hashes",) if requirements.hashed else ()
    options = (*_OPTIONS, *platform.arguments, *hashes, "--target", str(target))
    done = subprocess.run(
        (_uv(requirements.source), *options, "-r", REQUIREMENTS_FILE),
        cwd=requirements.source,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode != 0:
        raise _refusal(requirements, platform, reason(done.stderr))


def _refusal(requirements: Requirements, platform: Platform, why: str) -> PackagingError:
    requirement = requirements.named_in(why)
    subject = requirement or "the requirements"
    problem = f"{REQUIREMENTS_FILE}: {subject} cannot be installed for {platform.label}: {why}"
    return PackagingError(requirements.source, problem, requirement)


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
