from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest
import uv

from framework.packaging import uv_command
from framework.packaging.errors import PackagingError
from framework.packaging.host import host_paths
from framework.packaging.packages import Recipe, build
from framework.packaging.reading import read_requirements
from tests.support.wheels import make_folder, make_wheel, requiring

PROJECT = """\
[project]
name = "notes"
version = "0"
requires-python = ">=3.11"
dependencies = ["leaning>=1"]
[dependency-groups]
dev = ["both"]
[[tool.uv.index]]
url = "{wheels}"
format = "flat"
default = true
"""


def lock(source: Path) -> None:
    command = (uv.find_uv_bin(), "--no-config", "lock", "--quiet", "--no-python-downloads")
    subprocess.run(command[:1] + command[2:], cwd=source, check=True)


@pytest.fixture
def source(tmp_path: Path, wheels: Path) -> Path:
    """A project that requires `leaning`, which requires `tiny`, locked."""
    source = make_folder(
        tmp_path / "source",
        {"app.py": "import leaning\n", "pyproject.toml": PROJECT.format(wheels=wheels)},
    )
    lock(source)
    return source


def problem(source: Path) -> str:
    with pytest.raises(PackagingError) as caught:
        read_requirements(source)
    return caught.value.problem


def test_the_lock_is_installed_and_not_packed(tmp_path: Path, source: Path) -> None:
    package = build(Recipe(source, "python3.13", "arm64"), tmp_path / "cache")
    with ZipFile(package.path) as opened:
        folders = {name.split("/")[0] for name in opened.namelist()}
    distributions = {"leaning", "leaning-1.0.dist-info", "tiny", "tiny-1.0.dist-info"}
    assert folders == {"app.py", *distributions}
    assert package.notes == ()


def test_the_lock_and_not_the_day_says_the_version(
    tmp_path: Path, source: Path, wheels: Path
) -> None:
    index = shutil.copytree(wheels, tmp_path / "index")
    (source / "pyproject.toml").write_text(PROJECT.format(wheels=index))
    lock(source)
    make_wheel(index, "tiny", "3.0")
    package = build(Recipe(source, "python3.13", "arm64"), tmp_path / "cache")
    with ZipFile(package.path) as opened:
        assert "tiny-1.0.dist-info/METADATA" in opened.namelist()


def test_hashes_of_the_lock_are_checked(tmp_path: Path, source: Path, wheels: Path) -> None:
    wheel = f'{{ path = "{wheels}/tiny-1.0-py3-none-any.whl"'
    text = (source / "uv.lock").read_text()
    assert wheel in text
    hashed = f'{wheel}, hash = "sha256:{"0" * 64}"'
    (source / "uv.lock").write_text(text.replace(wheel, hashed))
    with pytest.raises(PackagingError) as caught:
        build(Recipe(source, "python3.13", "arm64"), tmp_path / "cache")
    assert caught.value.problem.startswith("uv.lock: tiny==1.0 cannot be installed for ")
    assert "Hash mismatch" in caught.value.problem
    assert not list((tmp_path / "cache").glob("packages/*"))


def test_where_all_have_hashes_all_must(
    tmp_path: Path, source: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, ...]] = []

    def run(source: Path, arguments: tuple[str, ...], stdin: str = "") -> str:
        ran.append(arguments)
        return "tiny==1.0 \\\n    --hash=sha256:00\n"

    monkeypatch.setattr(uv_command, "run", run)
    build(Recipe(source, "python3.13", "arm64"), tmp_path / "cache")
    exported, installed = ran
    assert {"--frozen", "--offline"} <= set(exported)
    assert {"--require-hashes", "--no-index", f"--find-links={wheels}"} <= set(installed)


def test_local_mode_takes_the_lock_too(tmp_path: Path, source: Path) -> None:
    _, installed = host_paths(source, tmp_path / "cache")
    assert {"leaning", "tiny"} <= {path.name for path in installed.iterdir()}


def test_the_lock_counts_and_the_rest_of_the_project_does_not(source: Path) -> None:
    before = read_requirements(source)
    make_folder(source, {"pyproject.toml": (source / "pyproject.toml").read_text() + "[tool.x]\n"})
    assert read_requirements(source) == before
    make_folder(source, {"uv.lock": (source / "uv.lock").read_text() + "# other\n"})
    assert read_requirements(source) != before


def test_a_lock_that_uv_cannot_read(tmp_path: Path, source: Path) -> None:
    text = (source / "uv.lock").read_text().replace("version = 1\n", "version = 99\n", 1)
    (source / "uv.lock").write_text(text)
    with pytest.raises(PackagingError) as caught:
        build(Recipe(source, "python3.13", "arm64"), tmp_path / "cache")
    assert caught.value.problem.startswith(
        "uv.lock: the requirements cannot be installed for python3.13 on arm64: "
    )


@pytest.mark.parametrize(
    "project",
    [
        "[tool.ruff]\nline-length = 100\n",
        "[project]\nname = 'a'\n",
        "[project]\nname = 'a'\ndependencies = []\n",
        "project = 1\n",
        "[project]\ndependencies = 'six'\n",
    ],
)
def test_a_project_that_requires_nothing(tmp_path: Path, project: str) -> None:
    make_folder(tmp_path, {"pyproject.toml": project})
    assert read_requirements(tmp_path) is None


def test_dynamic_dependencies_are_the_locks(source: Path) -> None:
    text = "[project]\nname = 'notes'\ndynamic = ['dependencies']\n"
    (source / "pyproject.toml").write_text(text)
    found = read_requirements(source)
    assert found is not None
    assert {"leaning", "tiny"} <= dict(found.wanted).keys()


def test_both_files_state_requirements(source: Path, wheels: Path) -> None:
    make_folder(source, {"requirements.txt": requiring(wheels, "tiny")})
    assert problem(source) == (
        "requirements.txt and uv.lock both state requirements: keep one of them"
    )
    make_folder(source, {"requirements.txt": "# see pyproject.toml\n"})
    found = read_requirements(source)
    assert found is not None
    assert found.locked


def test_without_a_lock_requirements_txt_is_taken(source: Path, wheels: Path) -> None:
    (source / "uv.lock").unlink()
    assert problem(source) == (
        "pyproject.toml has requirements and no uv.lock beside it: run  uv lock"
    )
    make_folder(source, {"requirements.txt": requiring(wheels, "tiny")})
    found = read_requirements(source)
    assert found is not None
    assert not found.locked


def test_a_lock_that_is_older_than_the_project(source: Path) -> None:
    project = (source / "pyproject.toml").read_text()
    make_folder(source, {"pyproject.toml": project.replace("leaning>=1", "Leaning [x] >= 1, <2")})
    found = read_requirements(source)
    assert found is not None
    assert found.notes == (
        "uv.lock was made for leaning>=1, pyproject.toml asks Leaning [x] >= 1, <2: run  uv lock",
    )
    make_folder(source, {"pyproject.toml": project.replace("leaning>=1", "leaning (>=1)")})
    found = read_requirements(source)
    assert found is not None
    assert found.notes == ()


def test_a_requirement_that_the_lock_lacks(source: Path) -> None:
    project = (source / "pyproject.toml").read_text()
    make_folder(source, {"pyproject.toml": project.replace("leaning>=1", "windowsonly")})
    assert problem(source) == (
        "uv.lock does not have windowsonly, which pyproject.toml asks: run  uv lock"
    )


@pytest.mark.parametrize("name", ["pyproject.toml", "uv.lock"])
@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xff", " is not UTF-8 text"), (b"a = \n", " is not TOML: Invalid value (at end")],
)
def test_files_that_cannot_be_read(source: Path, name: str, content: bytes, message: str) -> None:
    (source / name).write_bytes(content)
    assert problem(source).startswith(name + message[:16])


@pytest.mark.parametrize("name", ["pyproject.toml", "uv.lock"])
def test_files_that_lie_elsewhere(tmp_path: Path, source: Path, name: str) -> None:
    (source / name).rename(tmp_path / name)
    (source / name).symlink_to(tmp_path / name)
    assert problem(source) == f"the link {name} leads out of the folder"


def test_indexes_of_the_project(source: Path) -> None:
    text = (
        "[project]\ndependencies = ['leaning>=1']\n"
        "[[tool.uv.index]]\nurl = 'https://a/simple'\nname = 'own'\n"
        "[[tool.uv.index]]\nurl = 'https://b/simple'\ndefault = true\n"
        "[[tool.uv.index]]\nurl = 'https://c'\nformat = 'flat'\n"
        "[[tool.uv.index]]\nname = 'none'\n"
    )
    make_folder(source, {"pyproject.toml": text})
    found = read_requirements(source)
    assert found is not None
    assert found.origins == (
        "--index=own=https://a/simple",
        "--default-index=https://b/simple",
        "--find-links=https://c",
    )
