from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest

from framework.packaging import installer, limits, packages
from framework.packaging.errors import PackagingError
from framework.packaging.packages import Recipe, build, build_all
from framework.packaging.platforms import Platform
from framework.packaging.requirements import Requirements
from framework.packaging.store import Package
from tests.support.wheels import make_folder, make_wheel, requiring

ROOT = Path(__file__).resolve().parents[2]
HANDLER = "import leaning, tiny\n\ndef handler(event, context):\n    return tiny.VERSION\n"

# Builds the folder, runtime, architecture and cache of its arguments; prints the hash.
BUILD = """
import sys
from pathlib import Path
from framework.packaging.packages import Recipe, build
print(build(Recipe(Path(sys.argv[1]), "python3.13", "arm64"), Path(sys.argv[2])).sha256)
"""


def names(package: Package) -> list[str]:
    with ZipFile(package.path) as opened:
        return opened.namelist()


def arm(source: Path) -> Recipe:
    return Recipe(source, "python3.13", "arm64")


@pytest.fixture
def source(tmp_path: Path, wheels: Path) -> Path:
    """A function that requires `leaning`, which requires `tiny`."""
    files = {
        "app.py": HANDLER,
        "more/text.txt": "é",
        "requirements.txt": requiring(wheels, "leaning"),
    }
    return make_folder(tmp_path / "source", files)


@dataclass
class Installations:
    count: int = 0


@pytest.fixture
def installations(monkeypatch: pytest.MonkeyPatch) -> Installations:
    """Counts how often requirements are installed."""
    counted = Installations()

    def install(
        requirements: Requirements,
        platform: Platform,
        target: Path,
        constraints: Path | None = None,
    ) -> tuple[str, ...]:
        counted.count += 1
        return installer.install(requirements, platform, target, constraints)

    monkeypatch.setattr(packages, "install", install)
    return counted


def test_a_package_is_the_source_and_its_requirements(tmp_path: Path, source: Path) -> None:
    package = build(arm(source), tmp_path / "cache")
    assert names(package) == [
        "app.py",
        *(f"leaning-1.0.dist-info/{name}" for name in ("METADATA", "WHEEL", "entry_points.txt")),
        "leaning/__init__.py",
        "more/text.txt",
        *(f"tiny-1.0.dist-info/{name}" for name in ("METADATA", "WHEEL", "entry_points.txt")),
        "tiny/__init__.py",
    ]
    assert package.path == tmp_path / f"cache/packages/{package.sha256}.zip"
    assert package.size == package.path.stat().st_size
    with ZipFile(package.path) as opened:
        assert package.unzipped == sum(info.file_size for info in opened.infolist())
        assert opened.testzip() is None


def test_a_package_runs(tmp_path: Path, source: Path) -> None:
    package = build(arm(source), tmp_path / "cache")
    script = (
        f"import sys; sys.path[:0] = [{str(package.path)!r}]; import app; print(app.handler(0, 0))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1.0\n", "")


def test_without_requirements(tmp_path: Path) -> None:
    source = make_folder(tmp_path / "source", {"app.py": "", "requirements.txt": "# none\n"})
    assert names(build(arm(source), tmp_path / "cache")) == ["app.py"]


@pytest.mark.parametrize(
    ("runtime", "architecture", "content"),
    [
        ("python3.13", "arm64", b"A = 1"),
        ("python3.13", "x86_64", b"X = 1"),
        ("python3.11", "arm64", b"O = 1"),
    ],
)
def test_wheels_fit_the_platform(
    tmp_path: Path, wheels: Path, runtime: str, architecture: str, content: bytes
) -> None:
    source = make_folder(tmp_path / "source", {"requirements.txt": requiring(wheels, "both")})
    package = build(Recipe(source, runtime, architecture), tmp_path / "cache")
    with ZipFile(package.path) as opened:
        assert opened.read("both.py") == content


def built(source: Path, cache: Path, umask: int = 0o022, **environment: str) -> str:
    """The hash of a package that a process of its own makes."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD, source, cache],
        cwd=ROOT,
        env={**os.environ, **environment},
        umask=umask,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout.strip()


def copied(source: Path, target: Path) -> Path:
    """The same folder elsewhere: made in another order, with other times and modes, and used."""
    files = {path.relative_to(source).as_posix(): path for path in source.rglob("*")}
    for name in sorted(files, reverse=True):
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if files[name].is_file():
            path.write_bytes(files[name].read_bytes())
            path.chmod(0o700)
            os.utime(path, (1_000_000_000, 1_000_000_000))
    make_folder(
        target, {"__pycache__/app.cpython-313.pyc": "x", ".git/config": "x", "app.py~": "x"}
    )
    return target


@pytest.mark.parametrize(
    ("umask", "environment"),
    [
        (0o077, {}),
        (0o000, {"TZ": "Pacific/Auckland", "LANG": "tr_TR.UTF-8", "LC_ALL": "C"}),
        (0o022, {"SOURCE_DATE_EPOCH": "1", "PYTHONHASHSEED": "7", "PYTHONDONTWRITEBYTECODE": ""}),
        (0o022, {"UV_COMPILE_BYTECODE": "1", "UV_LINK_MODE": "copy", "UV_RESOLUTION": "lowest"}),
        (0o022, {"HOME": "{other}", "XDG_CONFIG_HOME": "{other}", "UV_CACHE_DIR": "{other}/uv"}),
    ],
)
def test_package_without_its_dependencies_or_different_each_time_is_impossible(
    tmp_path: Path, source: Path, umask: int, environment: Mapping[str, str]
) -> None:
    package = build(arm(source), tmp_path / "cache")
    assert {"leaning/__init__.py", "tiny/__init__.py"} <= set(names(package))
    other = tmp_path / "elsewhere"
    make_folder(other / "uv", {"uv.toml": '[pip]\nresolution = "lowest"\n'})
    elsewhere = {name: value.format(other=other) for name, value in environment.items()}
    again = built(copied(source, other / "copy"), other / "cache", umask, **elsewhere)
    assert again == package.sha256


def test_a_requirement_that_is_missing_makes_no_package(tmp_path: Path, wheels: Path) -> None:
    text = requiring(wheels, "tiny", "windowsonly")
    source = make_folder(tmp_path / "source", {"app.py": "", "requirements.txt": text})
    with pytest.raises(PackagingError) as caught:
        build(arm(source), tmp_path / "cache")
    assert (caught.value.source, caught.value.requirement) == (source, "windowsonly")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_changed_handler_changes_only_its_package_and_installs_nothing(
    tmp_path: Path, source: Path, installations: Installations
) -> None:
    other = shutil.copytree(source, tmp_path / "other")
    recipes = [arm(source), arm(other), Recipe(other, "python3.13", "x86_64")]
    before = build_all(recipes, tmp_path / "cache")
    assert installations.count == 2
    (source / "app.py").write_text("changed = True\n")
    after = build_all(recipes, tmp_path / "cache")
    changed = [before[recipe].sha256 != after[recipe].sha256 for recipe in recipes]
    assert changed == [True, False, False]
    assert installations.count == 2


def test_a_comment_among_the_requirements_changes_nothing(
    tmp_path: Path, source: Path, installations: Installations
) -> None:
    package = build(arm(source), tmp_path / "cache")
    text = (source / "requirements.txt").read_text()
    (source / "requirements.txt").write_text(f"# why\n{text}")
    assert build(arm(source), tmp_path / "cache") == package
    assert installations.count == 1


LOOSE = "requirements.txt does not pin all that it installs; the lines that do: "


@pytest.mark.parametrize(
    ("lines", "notes"),
    [
        (["leaning"], [f"{LOOSE}leaning==1.0, tiny==1.0"]),
        (["leaning>=1", "tiny<1.1"], [f"{LOOSE}leaning==1.0, tiny==1.0"]),
        (["leaning==1.*"], [f"{LOOSE}leaning==1.0, tiny==1.0"]),
        (["leaning==1.0"], [f"{LOOSE}tiny==1.0"]),
        (["Leaning[x] === 1.0 ; python_version > '3'", "-c pins.txt"], []),
        (["leaning @ {wheels}/leaning-1.0-py3-none-any.whl", "tiny==1.0"], []),
        (["{wheels}/tiny-1.0-py3-none-any.whl"], []),
    ],
)
def test_what_is_not_pinned_is_told_with_its_pins(
    tmp_path: Path, wheels: Path, lines: list[str], notes: list[str]
) -> None:
    text = requiring(wheels, *(line.format(wheels=wheels.as_uri()) for line in lines))
    files = {"app.py": "", "requirements.txt": text, "pins.txt": "tiny==1.0\n"}
    source = make_folder(tmp_path / "source", files)
    for _ in range(2):
        assert build(arm(source), tmp_path / "cache").notes == tuple(notes)


def test_markers_may_leave_nothing(tmp_path: Path, wheels: Path) -> None:
    text = requiring(wheels, "tiny ; sys_platform == 'win32'")
    source = make_folder(tmp_path / "source", {"app.py": "", "requirements.txt": text})
    for _ in range(2):
        package = build(arm(source), tmp_path / "cache")
        assert (names(package), package.notes) == (["app.py"], ())


def test_hashes_pin(tmp_path: Path, wheels: Path) -> None:
    digest = sha256((wheels / "tiny-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    text = requiring(wheels, f"tiny==1.0 --hash=sha256:{digest}")
    source = make_folder(tmp_path / "source", {"requirements.txt": text})
    assert build(arm(source), tmp_path / "cache").notes == ()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index to which versions are added: its content is not part of any key."""
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "index"))
    make_wheel(tmp_path / "index", "tiny", "1.0")
    return tmp_path / "index"


def test_versions_stay_until_an_upgrade(tmp_path: Path, index: Path) -> None:
    files = {"app.py": "", "requirements.txt": "--no-index\ntiny\n"}
    source, cache = make_folder(tmp_path / "source", files), tmp_path / "cache"
    first = build(arm(source), cache)
    make_wheel(index, "tiny", "2.0")
    assert build(arm(source), cache) == first
    shutil.rmtree(cache / "packages")
    assert build(arm(source), cache) == first
    upgraded = build(arm(source), cache, upgrade=True)
    assert upgraded.notes == (f"{LOOSE}tiny==2.0",)
    assert upgraded.sha256 != first.sha256
    assert build(arm(source), cache) == upgraded


def test_an_upgrade_to_the_same_versions_changes_nothing(tmp_path: Path, index: Path) -> None:
    files = {"app.py": "", "requirements.txt": "--no-index\ntiny\n"}
    source, cache = make_folder(tmp_path / "source", files), tmp_path / "cache"
    first = build(arm(source), cache)
    assert build(arm(source), cache, upgrade=True) == first
    assert len(list((cache / "packages").iterdir())) == 2


def test_a_version_that_is_gone_is_told(tmp_path: Path, index: Path) -> None:
    files = {"app.py": "", "requirements.txt": "--no-index\ntiny\n"}
    source, cache = make_folder(tmp_path / "source", files), tmp_path / "cache"
    build(arm(source), cache)
    shutil.rmtree(cache / "packages")
    (index / "tiny-1.0-py3-none-any.whl").unlink()
    make_wheel(index, "tiny", "2.0")
    with pytest.raises(PackagingError) as caught:
        build(arm(source), cache)
    assert caught.value.problem.startswith("requirements.txt:2: tiny cannot be installed for ")
    assert "tiny==1.0" in caught.value.problem


def test_nearly_too_much_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_folder(tmp_path / "source", {"app.py": "x" * 100})
    monkeypatch.setattr(limits, "UNZIPPED_LIMIT", 125)
    assert build(arm(source), tmp_path / "cache").notes == (
        "the package is 0.1 MB unzipped, 80 % of the 0.1 MB that Lambda takes: services package"
        " --report says of what",
    )
    monkeypatch.setattr(limits, "UNZIPPED_LIMIT", 126)
    assert build(arm(source), tmp_path / "cache").notes == ()


def test_every_recipe_is_told_when_done(tmp_path: Path, source: Path) -> None:
    done: list[Recipe] = []
    recipes = [arm(source), arm(make_folder(tmp_path / "other", {"a.py": ""}))]
    build_all(recipes, tmp_path / "cache", done=done.append)
    assert done == recipes


def test_a_changed_requirement_changes_the_package(tmp_path: Path, wheels: Path) -> None:
    text = requiring(wheels, "tiny==1.0")
    source = make_folder(tmp_path / "source", {"app.py": "", "requirements.txt": text})
    before = build(arm(source), tmp_path / "cache")
    (source / "requirements.txt").write_text(requiring(wheels, "tiny==0.9"))
    assert build(arm(source), tmp_path / "cache").sha256 != before.sha256


def test_a_changed_wheel_beside_the_source_changes_the_package(tmp_path: Path) -> None:
    source = make_folder(tmp_path / "source", {"requirements.txt": "./tiny-1.0-py3-none-any.whl\n"})
    make_folder(source, {".packageignore": "*.whl\n"})
    make_wheel(source, "tiny", files={"tiny.py": "A = 1\n"})
    before = build(arm(source), tmp_path / "cache")
    make_wheel(source, "tiny", files={"tiny.py": "B = 22\n"})
    after = build(arm(source), tmp_path / "cache")
    assert "tiny.py" in names(before)
    assert after.sha256 != before.sha256


def test_a_name_content_or_mode_alone_changes_the_package(tmp_path: Path) -> None:
    variants = [
        {"a.py": "x"},
        {"b.py": "x"},
        {"a.py": "y"},
        {"a.py": "x", "b.py": ""},
        {"a.py": "#!x"},
    ]
    recipes = [arm(make_folder(tmp_path / str(n), files)) for n, files in enumerate(variants)]
    built = build_all(recipes, tmp_path / "cache")
    assert len({package.sha256 for package in built.values()}) == len(variants)


def test_a_second_build_writes_nothing(
    tmp_path: Path, source: Path, installations: Installations
) -> None:
    def files() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")}

    package = build(arm(source), tmp_path / "cache")
    before = files()
    assert build(arm(source), tmp_path / "cache") == package
    assert files() == before
    assert installations.count == 1


def test_a_damaged_cache_is_made_anew(tmp_path: Path, source: Path) -> None:
    package = build(arm(source), tmp_path / "cache")
    for path in (tmp_path / "cache/packages").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert build(arm(source), tmp_path / "cache") == package
    assert package.path.stat().st_size == package.size


def test_equal_recipes_and_equal_requirements_share(
    tmp_path: Path, source: Path, installations: Installations
) -> None:
    copies = [shutil.copytree(source, tmp_path / f"copy{number}") for number in range(6)]
    recipes = [arm(folder) for folder in (source, *copies, source)]
    built = build_all(recipes, tmp_path / "cache")
    assert list(built) == recipes[:-1]
    assert len({package.sha256 for package in built.values()}) == 1
    assert installations.count == 1


def test_no_recipes(tmp_path: Path) -> None:
    assert build_all([], tmp_path / "cache") == {}


def test_all_errors_are_told_in_order_and_once(tmp_path: Path, wheels: Path, source: Path) -> None:
    text = requiring(wheels, "windowsonly")
    folders = [make_folder(tmp_path / name, {"requirements.txt": text}) for name in "ab"]
    absent_twice = [Recipe(tmp_path / "absent", "python3.13", it) for it in ("arm64", "x86_64")]
    recipes = [*absent_twice, arm(source), *map(arm, folders)]
    with pytest.raises(PackagingError) as caught:
        build_all(recipes, tmp_path / "cache")
    absent, refused = caught.value.errors
    assert str(absent) == f"{tmp_path}/absent: the source folder does not exist"
    assert refused.requirement == "windowsonly"
    assert refused.source in folders
    assert len(str(caught.value).splitlines()) == 2


def test_bugs_are_not_taken_for_mistakes(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(
        requirements: Requirements,
        platform: Platform,
        target: Path,
        constraints: Path | None = None,
    ) -> tuple[str, ...]:
        raise LookupError("a bug")

    monkeypatch.setattr(packages, "install", install)
    with pytest.raises(LookupError):
        build_all([arm(source)], tmp_path / "cache")


@pytest.mark.parametrize(
    ("limit", "most", "message"),
    [
        ("UNZIPPED_LIMIT", 100, "unzipped, Lambda takes 0.1 MB; heaviest: "),
        ("ZIPPED_LIMIT", 500, "zipped, Lambda takes 0.1 MB directly: say  upload: bucket  to "),
        ("FILES_LIMIT", 3, "the package has 4 files, at most 3 fit into a zip"),
    ],
)
def test_limits_of_lambda(
    tmp_path: Path,
    wheels: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    most: int,
    message: str,
) -> None:
    text = requiring(wheels, "tiny")
    source = make_folder(tmp_path / "source", {"app.py": "x" * 50, "requirements.txt": text})
    build(arm(source), tmp_path / "first")
    monkeypatch.setattr(limits, limit, most)
    with pytest.raises(PackagingError) as caught:
        build(arm(source), tmp_path / "second")
    assert message in caught.value.problem
    assert not list((tmp_path / "second/keys").glob("*")) or limit == "ZIPPED_LIMIT"


def test_what_comes_from_a_bucket_may_be_larger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder(tmp_path / "source", {"app.py": "x", "data.bin": "y"})
    direct, fetched = arm(folder), replace(arm(folder), direct=False)
    size = build(direct, tmp_path / "first").size
    monkeypatch.setattr(limits, "ZIPPED_LIMIT", size)
    assert "of the 0.1 MB that Lambda takes" in build(direct, tmp_path / "first").notes[0]
    monkeypatch.setattr(limits, "ZIPPED_LIMIT", size - 1)
    package = build(fetched, tmp_path / "second")
    assert (package.size, package.notes) == (size, ())
    with pytest.raises(PackagingError) as caught:
        build(direct, tmp_path / "second")
    assert caught.value.problem == (
        "the package is 0.1 MB zipped, Lambda takes 0.1 MB directly: say  upload: bucket  to send"
        " it through one; heaviest: data.bin 0.1 MB, app.py 0.1 MB"
    ), "also where the zip that a bucket was to hold is in the cache"
    monkeypatch.setattr(limits, "UNZIPPED_LIMIT", 1)
    with pytest.raises(PackagingError, match=" unzipped, Lambda takes "):
        build(fetched, tmp_path / "third")


def test_the_source_alone_is_measured_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_folder(tmp_path / "source", {"data/a": "", "app.py": ""})
    with (source / "data/a").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(PackagingError) as caught:
        build(arm(source), tmp_path / "cache")
    assert caught.value.problem == (
        "the package is 1048576 MB unzipped, Lambda takes 250 MB;"
        " heaviest: data 1048576 MB, app.py 0 MB"
    )


def test_a_module_of_the_same_name_as_a_requirement(tmp_path: Path, source: Path) -> None:
    make_folder(source, {"tiny/__init__.py": ""})
    with pytest.raises(PackagingError) as caught:
        build(arm(source), tmp_path / "cache")
    assert caught.value.problem == (
        "tiny/__init__.py is in the folder and in its requirements: rename yours"
    )


def test_a_runtime_that_is_not_pythons(tmp_path: Path, source: Path) -> None:
    with pytest.raises(PackagingError) as caught:
        build(Recipe(source, "nodejs22.x", "arm64"), tmp_path / "cache")
    assert str(caught.value) == f"{source}: no packages are made for nodejs22.x on arm64"


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    source = make_folder(tmp_path / "source", {"app.py": ""})
    (tmp_path / "cache").touch()
    with pytest.raises(PackagingError) as caught:
        build(arm(source), tmp_path / "cache")
    assert caught.value.problem.startswith(f"cannot be packaged: {tmp_path}/cache")
    assert caught.value.problem.endswith(": Not a directory")


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    source = make_folder(tmp_path / "source", {"app.py": ""})
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(PackagingError) as caught:
        build(arm(source), tmp_path / "cache")
    assert caught.value.problem == "cannot be packaged: No space left on device"
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_folder(tmp_path / "source", {"app.py": "", "secret.py": ""})
    real = Path.read_bytes

    def read_bytes(self: Path) -> bytes:
        if self.name == "secret.py":
            raise PermissionError(13, "Permission denied", str(self))
        return real(self)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    with pytest.raises(PackagingError) as caught:
        build(arm(source), tmp_path / "cache")
    assert caught.value.problem == f"cannot be packaged: {source}/secret.py: Permission denied"
    assert not list((tmp_path / "cache").glob("*/*"))


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("kill -9 $$", "requirements.txt: the requirements cannot be installed for python3.13 on"
                       " arm64: uv ended with status -9"),
        ("echo x > $0.half; exit 2", "requirements.txt: the requirements cannot be installed for"
                                     " python3.13 on arm64: uv ended with status 2"),
        ("echo 'error: No space left on device' >&2; exit 1", "requirements.txt: the requirements"
         " cannot be installed for python3.13 on arm64: No space left on device"),
    ],
)  # fmt: skip
def test_uv_that_fails(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, script: str, problem: str
) -> None:
    broken = tmp_path / "uv"
    broken.write_text(f"#!/bin/sh\n{script}\n")
    broken.chmod(0o755)
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(broken))
    with pytest.raises(PackagingError) as caught:
        build(arm(source), tmp_path / "cache")
    assert caught.value.problem == problem
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


# Stops where `STOP` says, having told so, until it is killed or its input ends.
STOPPING = """
import sys
from pathlib import Path
from framework.packaging import packages, store

def stopping(real):
    def stop(*arguments):
        result = real(*arguments) if WHEN == "after" else None
        print("stopped", flush=True)
        sys.stdin.readline()
        return result if WHEN == "after" else real(*arguments)
    return stop

PLACE, NAME, WHEN = sys.argv.pop().split()
owner = {"packages": packages, "Path": type(Path())}[PLACE]
setattr(owner, NAME, stopping(getattr(owner, NAME)))
"""


@contextmanager
def stopped(source: Path, cache: Path, where: str) -> Iterator[subprocess.Popen[str]]:
    """A process that builds, stopped at `where`: "packages install after" and the like."""
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPING + BUILD, source, cache, where],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "stopped\n"
            yield process
        finally:
            process.kill()


WHERE = [
    "packages install after",
    "Path write_bytes after",
    "Path replace before",
    "Path replace after",
]


@pytest.mark.parametrize("where", WHERE)
def test_killed_half_way(tmp_path: Path, source: Path, where: str) -> None:
    cache = tmp_path / "cache"
    with stopped(source, cache, where) as process:
        process.send_signal(signal.SIGKILL)
    named = list(cache.glob("packages/*"))
    assert all(ZipFile(path).testzip() is None for path in named)
    expected = build(arm(source), tmp_path / "other")
    assert build(arm(source), cache).sha256 == expected.sha256
    assert all(ZipFile(path).testzip() is None for path in cache.glob("packages/*"))


@pytest.mark.parametrize("where", WHERE)
def test_two_processes_at_once(tmp_path: Path, source: Path, where: str) -> None:
    cache = tmp_path / "cache"
    with stopped(source, cache, where) as process:
        mine = build(arm(source), cache)
        theirs = process.communicate("\n" * 20)[0].split()[-1]
    assert theirs == mine.sha256
    assert build(arm(source), cache) == mine
    assert list((cache / "tmp").iterdir()) == []


def test_a_real_distribution_of_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_HTTP_RETRIES")
    digest = "946d195a0d259cbba61165e88e65941f16e9b36ea6ddb97f00452bae8b1287d3"
    text = f"idna==3.10 \\\n    --hash=sha256:{digest}\n"
    source = make_folder(tmp_path / "source", {"app.py": "", "requirements.txt": text})
    try:
        package = build(arm(source), tmp_path / "cache")
    except PackagingError as error:
        if "Failed to fetch" not in error.problem:
            raise
        pytest.skip(f"no index can be reached: {error.problem}")
    assert package.sha256 == "f6b862ef814ad3a81ad07e89c7a6129814afdf3680a4922f865ac05bfd06d019"
