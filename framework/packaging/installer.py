"""Requirements, installed by uv.

In: `Requirements`, a `Platform`, an empty folder, the versions to keep to. Out: the folder, filled,
and what lies in it; or a `PackagingError` with uv's reason.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.metadata import distributions, version
from pathlib import Path

from framework.packaging import uv_command
from framework.packaging.errors import PackagingError, without_credentials
from framework.packaging.platforms import Platform
from framework.packaging.reasons import reason
from framework.packaging.requirements import Requirements, normal
from framework.packaging.store import key_of

_INSTALL = ("pip", "install", "--only-binary", ":all:", "--no-compile-bytecode")
_EXPORT = (
    *("export", "--frozen", "--offline", "--no-dev", "--no-emit-project", "--no-header"),
    *("--no-annotate", "--format", "requirements-txt", "--no-python-downloads"),
)

ALL_HASHED = ("--require-hashes", "--index-strategy=unsafe-best-match")
"""Where hashes say what everything has to be, any index may serve it."""


def resolution_key(requirements: Requirements, platform: Platform) -> str:
    """A key for which versions are chosen: equal when the same is asked of the same places."""
    places = (*map(without_credentials, requirements.origins), *uv_command.origins())
    parts = (*requirements.lines, "", *requirements.files, "", *places)
    return key_of(platform.key, requirements.file, *parts)


def installation_key(
    requirements: Requirements, platform: Platform, pins: tuple[str, ...] = ()
) -> str:
    """A key for what `install` makes of these versions."""
    return key_of("uv", version("uv"), resolution_key(requirements, platform), *pins)


def install(
    requirements: Requirements, platform: Platform, target: Path, constraints: Path | None = None
) -> tuple[str, ...]:
    """Installs into the folder `target`, of what the file `constraints` pins just that version.

    Returns pins ("idna==3.10") of all that was installed. Raises `PackagingError` with uv's reason.
    """
    # uv makes no folder where markers leave nothing to install.
    target.mkdir(parents=True, exist_ok=True)
    kept = ("--constraint", str(constraints)) if constraints else ()
    options = (*_INSTALL, *platform.arguments, *kept, "--target", str(target))
    try:
        if requirements.locked:
            _install_locked(requirements, options)
        else:
            hashes = ("--require-hashes",) if requirements.hashed else ()
            uv_command.run(requirements.source, (*options, *hashes, "-r", requirements.file))
    except uv_command.Failed as failed:
        raise _refusal(requirements, platform, reason(failed.output)) from None
    return installed_pins(path.name for path in target.iterdir())


def installed_pins(names: Iterable[str]) -> tuple[str, ...]:
    """The distributions that a folder with these names in it holds, as "name==version", sorted.

    PyPA, "Recording installed projects": a folder {name}-{version}.dist-info for each.
    """
    records = (name.removesuffix(".dist-info") for name in names if name.endswith(".dist-info"))
    parts = (record.partition("-") for record in records)
    return tuple(sorted(f"{normal(name)}=={version}" for name, _, version in parts))


def owners_in(target: Path) -> dict[str, str]:
    """The files that were installed into a folder -> the distribution ("idna==3.10") of each."""
    return {
        file.as_posix(): f"{normal(distribution.name)}=={distribution.version}"
        for distribution in distributions(path=[str(target)])
        for file in distribution.files or ()
    }


def _install_locked(requirements: Requirements, options: tuple[str, ...]) -> None:
    """Installs what uv.lock exports; `sys.executable` decides nothing in it."""
    text = uv_command.run(requirements.source, (*_EXPORT, "--python", sys.executable))
    hashed = ALL_HASHED if _all_hashed(text) else ()
    uv_command.run(requirements.source, (*options, *requirements.origins, *hashed, "-r", "-"), text)


def _all_hashed(text: str) -> bool:
    """Whether every requirement has a hash; wheels of a folder, which uv hashes not, have none."""
    lines = text.replace("\\\n", " ").splitlines()
    return all("--hash=" in line for line in lines if line.strip())


def _refusal(requirements: Requirements, platform: Platform, why: str) -> PackagingError:
    requirement = requirements.named_in(why)
    subject = requirement or "the requirements"
    place = requirements.place_of(requirement)
    problem = f"{place}: {subject} cannot be installed for {platform.label}: {why}"
    return PackagingError(requirements.source, problem, requirement)
