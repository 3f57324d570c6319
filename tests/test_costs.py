"""What things cost, in counts that do not vary with the machine or its load.

A time that grows with the square of the functions, a second pass over the document or a file that
is compressed twice shows here; bench/ has the times.
"""

from __future__ import annotations

import ast
import cProfile
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

import framework
from framework import compiler
from framework.language import document, source
from framework.packaging import archive, packages, tree
from framework.packaging.packages import Recipe, build_all
from framework.plan.target import Target
from tests.support.monitor import run
from tests.support.projects import TARGET, TODAY, planned, project
from tests.support.wheels import make_folder, make_wheel, requiring


def service(folder: Path, functions: int) -> Path:
    """A service of so many functions, each with a route and two grants, on one handler."""
    folder.mkdir(parents=True, exist_ok=True)
    uses = "{buckets.files: [read, list], parameters.key: read}"
    lines = [
        "service: costs",
        "functions:",
        *(f"  f{n}: {{handler: app.main, uses: {uses}}}" for n in range(functions)),
        "routes:",
        *(f"  GET /f{n}: {{function: f{n}, auth: none}}" for n in range(functions)),
        "buckets: {files: {}}",
        "parameters: {key: {secret: false, value: x}}",
    ]
    return project(folder, "\n".join(lines) + "\n")


def calls(of: Callable[[], object]) -> int:
    """How many calls of functions it takes."""
    profile = cProfile.Profile()
    profile.runcall(of)
    return sum(entry.callcount for entry in profile.getstats())


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> Iterator[list[object]]:
    """The first arguments of the calls of a function, while it lasts."""
    seen: list[object] = []
    real = getattr(owner, name)

    def counting(*arguments: object, **named: object) -> object:
        seen.append(arguments[0] if arguments else None)
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, counting)
        yield seen


def test_a_function_more_is_as_many_resources_more(tmp_path: Path) -> None:
    sizes = [len(planned(service(tmp_path / str(n), n)).resources) for n in (1, 2, 3, 20)]
    more = sizes[1] - sizes[0]
    assert sizes == [sizes[0], sizes[0] + more, sizes[0] + 2 * more, sizes[0] + 19 * more]
    assert more == 12, "a function with a route: 7, and what watches it"


def test_each_resource_is_registered_once(tmp_path: Path) -> None:
    file = service(tmp_path, 5)
    done = run(lambda: framework.deploy(file), config={"aws:region": "eu-west-1"})
    assert done.error is None
    plan = planned(file)
    assert len(done.registered) == len(plan.resources) + 1
    assert len(done.components) == len({resource.origin for resource in plan.resources})


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(lambda file: compiler.check(file, TODAY), id="check"),
        pytest.param(lambda file: planned(file), id="plan"),
        pytest.param(
            lambda file: json.dumps(
                [resource.key for resource in planned(file, two_regions()).resources]
            ),
            id="two regions",
        ),
    ],
)
def test_checking_and_planning_grow_with_the_functions(
    tmp_path: Path, step: Callable[[Path], object]
) -> None:
    files = [service(tmp_path / str(n), n) for n in (20, 40, 80)]
    step(files[0])
    few, more, most = (calls(partial(step, file)) for file in files)
    assert (most - more) / (more - few) == pytest.approx(2, rel=0.05)


def two_regions() -> Target:
    return Target("dev", TARGET.account, ("eu-west-1", "us-east-1"))


def test_a_function_costs_a_bounded_number_of_calls(tmp_path: Path) -> None:
    files = [service(tmp_path / str(n), n) for n in (50, 100)]
    planned(files[0])
    fewer, more = (calls(partial(planned, file)) for file in files)
    assert (more - fewer) / 50 < 5_000


def test_the_text_is_read_once_and_validated_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = service(tmp_path, 10)
    with (
        counted(monkeypatch, compiler, "load") as loads,
        counted(monkeypatch, compiler, "compose") as composed,
        counted(monkeypatch, compiler, "shape") as shaped,
    ):
        compiler.check(file, TODAY)
    assert (len(loads), len(composed), len(shaped)) == (1, 1, 1)


def test_a_handler_is_parsed_once_for_all_its_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[int] = []
    for functions in (1, 50):
        file = service(tmp_path / str(functions), functions)
        with counted(monkeypatch, ast, "parse") as seen:
            compiler.check(file, TODAY)
        parsed.append(len(seen))
    assert parsed[0] == parsed[1] <= 2, "for its functions, and for its imports"


def test_no_place_is_looked_up_where_nothing_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = service(tmp_path, 20)
    with counted(monkeypatch, source.Source, "locate") as located:
        compiler.check(file, TODAY)
    assert located == []


def recipes(folder: Path, number: int) -> list[Recipe]:
    """Folders of two files that require `tiny`."""
    make_wheel(folder / "wheels", "tiny")
    text = requiring(folder / "wheels", "tiny==1.0")
    return [
        Recipe(
            make_folder(
                folder / f"source{n}",
                {"app.py": f"N = {n}\n", "more.py": "", "requirements.txt": text},
            ),
            "python3.13",
            "arm64",
        )
        for n in range(number)
    ]


def test_only_what_changed_is_compressed_and_nothing_installed_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    wanted, cache = recipes(tmp_path, 4), tmp_path / "cache"
    counts: list[tuple[int, int, int]] = []
    for change in (None, None, wanted[2]):
        if change:
            (change.source / "app.py").write_text("N = 'changed'\n")
        with (
            counted(monkeypatch, archive, "entry") as compressed,
            counted(monkeypatch, packages, "install") as installed,
            counted(monkeypatch, tree, "source_ignore") as walked,
        ):
            build_all(wanted, cache)
        counts.append((len(compressed), len(installed), len(walked)))
    brought = 4
    assert counts == [(4 * 2 + brought, 1, 4), (0, 0, 4), (2, 0, 4)]


def test_functions_that_share_a_folder_share_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = service(tmp_path, 30)
    checked = compiler.check(file, TODAY).any
    plan = compiler.build(checked, TARGET)
    with counted(monkeypatch, archive, "entry") as compressed:
        assert len(compiler.package(checked, plan, tmp_path / "cache")) == 1
    assert len(compressed) == 1


def test_models_are_made_once_and_not_for_each_document(tmp_path: Path) -> None:
    files = [service(tmp_path / name, 2) for name in "ab"]
    compiler.check(files[0], TODAY)
    made = document.document_model(compiler.sections())
    compiler.check(files[1], TODAY)
    assert document.document_model(compiler.sections()) is made
