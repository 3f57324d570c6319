from __future__ import annotations

import sys
from pathlib import Path

import pytest
import uv

from framework.packaging.errors import PackagingError
from framework.packaging.installer import install, installation_key
from framework.packaging.platforms import Platform, lambda_platform
from framework.packaging.reading import read_requirements
from framework.packaging.requirements import Requirements
from tests.support.wheels import make_folder, requiring


def arm(source: Path) -> Platform:
    return lambda_platform(source, "python3.13", "arm64", sys.executable)


def read(source: Path, text: str) -> Requirements:
    requirements = read_requirements(make_folder(source, {"requirements.txt": text}))
    assert requirements is not None
    return requirements


def installed(tmp_path: Path, text: str) -> set[str]:
    """The names in the folder that `text` was installed into, the installer's own aside."""
    source, target = tmp_path / "source", tmp_path / "target"
    install(read(source, text), arm(source), target)
    return {path.name for path in target.iterdir()} - {".lock", "bin"}


def failure(tmp_path: Path, text: str) -> PackagingError:
    source = tmp_path / "source"
    with pytest.raises(PackagingError) as caught:
        install(read(source, text), arm(source), tmp_path / "target")
    assert caught.value.source == source
    return caught.value


def test_installs_what_is_required_and_what_that_requires(tmp_path: Path, wheels: Path) -> None:
    names = installed(tmp_path, requiring(wheels, "leaning"))
    assert names == {"leaning", "leaning-1.0.dist-info", "tiny", "tiny-1.0.dist-info"}


FOR = "cannot be installed for python3.13 on arm64"


@pytest.mark.parametrize(
    ("line", "requirement", "why"),
    [
        ("absent==1", "absent==1", "absent was not found in the provided package locations"),
        ("tiny==2", "tiny==2", "there is no version of tiny==2"),
        (
            "wanting",
            "wanting",
            "absent was not found in the provided package locations and all versions of wanting"
            " depend on absent",
        ),
        (
            "windowsonly==1.0",
            "windowsonly==1.0",
            "windowsonly==1.0 has no wheels with a matching platform tag (e.g.,"
            " `manylinux_2_34_aarch64`); wheels are available for `windowsonly` (v1.0) on the"
            " following platform: `win_amd64`",
        ),
        (
            "newer==1.0",
            "newer==1.0",
            "newer==1.0 has no wheels with a matching platform tag (e.g.,"
            " `manylinux_2_34_aarch64`); wheels are available for `newer` (v1.0) on the"
            " following platform: `manylinux_2_39_aarch64`",
        ),
        (
            "sourceonly==1.0",
            "sourceonly==1.0",
            "sourceonly==1.0 has no usable wheels; wheels are required for `sourceonly` because"
            " building from source is disabled for all packages (i.e., with `--no-build`)",
        ),
        (
            "broken==1.0",
            "broken==1.0",
            "broken==1.0 has an invalid package format; the structure of `broken` (v1.0) was"
            " invalid: Failed to read from zip file",
        ),
        (
            "tiny=!1",
            "tiny=!1",
            "Couldn't parse requirement in `requirements.txt` at position {position}: no such"
            ' comparison operator "=!", must be one of ~= == != <= >= < > === tiny=!1',
        ),
    ],
)
def test_refusals_name_the_requirement(
    tmp_path: Path, wheels: Path, line: str, requirement: str, why: str
) -> None:
    error = failure(tmp_path, requiring(wheels, "", line))
    expected = why.format(position=len(requiring(wheels)) + 1)
    assert error.problem == f"requirements.txt:4: {requirement} {FOR}: {expected}"
    assert error.requirement == requirement


def test_wrong_hash(tmp_path: Path, wheels: Path) -> None:
    error = failure(tmp_path, requiring(wheels, f"tiny==1.0 --hash=sha256:{'0' * 64}"))
    assert error.requirement == "tiny==1.0"
    assert error.problem.startswith(f"requirements.txt:3: tiny==1.0 {FOR}: Failed to ")
    assert f"Hash mismatch for `tiny==1.0` Expected: sha256:{'0' * 64}" in error.problem


def test_hashes_are_required_of_all_when_one_has_them(tmp_path: Path, wheels: Path) -> None:
    hashed = f"leaning==1.0 --hash=sha256:{'0' * 64}"
    assert failure(tmp_path, requiring(wheels, hashed, "tiny==1.0")).problem == (
        f"requirements.txt:4: tiny==1.0 {FOR}: In `--require-hashes` mode, all requirements must"
        " have a hash, but none were provided for: tiny==1.0"
    )


def test_sources_are_never_built(tmp_path: Path) -> None:
    make_folder(
        tmp_path / "source/local",
        {"pyproject.toml": '[project]\nname = "local"\nversion = "1"\n', "local.py": ""},
    )
    assert failure(tmp_path, "./local").problem == (
        f"requirements.txt:1: ./local {FOR}: Building source distributions is disabled, but"
        " attempted to build `local`"
    )


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://user:secret@127.0.0.1:1/simple")
    problem, _, number = failure(tmp_path, "tiny==1.0").problem.partition(" (os error ")
    assert problem == (
        f"requirements.txt:1: tiny==1.0 {FOR}: Failed to fetch: http://127.0.0.1:1/simple/tiny/:"
        " Connection refused"
    )
    assert number.endswith(")")


def test_reason_that_names_no_requirement(tmp_path: Path) -> None:
    error = failure(tmp_path, "tiny\n--unknown option\n")
    assert error.requirement is None
    assert error.problem.startswith(f"requirements.txt: the requirements {FOR}: Unexpected '-'")


def test_uv_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> str:
        raise FileNotFoundError("no uv")

    monkeypatch.setattr(uv, "find_uv_bin", absent)
    assert failure(tmp_path, "tiny").problem == (
        "uv is not installed beside this framework; install the package uv again"
    )


def test_index_of_the_environment_is_used(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    assert "tiny" in installed(tmp_path, "--no-index\ntiny")


def test_configuration_that_changes_the_choice_is_not_used(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "older.txt"
    older.write_text("tiny==0.9\n")
    make_folder(tmp_path / "config/uv", {"uv.toml": '[pip]\nresolution = "lowest"\n'})
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "config/uv/uv.toml"))
    monkeypatch.setenv("UV_CONSTRAINT", str(older))
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    monkeypatch.setenv("UV_NO_BINARY", "1")
    monkeypatch.setenv("PIP_CONSTRAINT", str(older))
    monkeypatch.setenv("RUST_LOG", "trace")
    assert "tiny-1.0.dist-info" in installed(tmp_path, requiring(wheels, "tiny"))


def test_key_depends_on_lines_platform_and_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x86 = lambda_platform(tmp_path, "python3.13", "x86_64", sys.executable)
    six, idna = read(tmp_path / "a", "six"), read(tmp_path / "b", "idna")
    keys = [
        installation_key(*asked)
        for asked in ((six, arm(tmp_path)), (idna, arm(tmp_path)), (six, x86))
    ]
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://me:one@mirror/simple")
    mirrored = installation_key(six, arm(tmp_path))
    assert len({*keys, mirrored}) == 4
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://me:another@mirror/simple")
    monkeypatch.setenv("UV_CONSTRAINT", "x.txt")
    assert installation_key(six, arm(tmp_path)) == mirrored
    assert installation_key(read(tmp_path / "c", "six # x"), arm(tmp_path)) == mirrored
