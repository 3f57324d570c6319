from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from framework.packaging.errors import PackagingError
from framework.packaging.ignore import SOURCE_RULES
from framework.packaging.quick_rules import QuickRules
from framework.packaging.tree import source_files
from tests.support.wheels import make_folder


def names(source: Path) -> list[str]:
    return [file.name for file in source_files(source)]


@pytest.mark.parametrize(
    "name",
    [
        *("__pycache__/a.cpython-313.pyc", "a.pyc", "notes/a.pyo"),
        *(".git/config", ".git", ".gitignore", "sub/.gitattributes", ".hg/x", ".svn/x"),
        *(".venv/bin/python", "venv/x", ".tox/x", ".nox/x", "notes.egg-info/PKG-INFO"),
        *(".idea/x", ".vscode/x", "a.py~", ".a.py.swp", "#a.py#", ".#a.py", "a.py.orig"),
        *(".DS_Store", "._a.py", "Thumbs.db", "desktop.ini"),
        *(".mypy_cache/x", ".ruff_cache/x", ".pytest_cache/x", ".hypothesis/x", ".services/x"),
        *(".coverage", ".coverage.host.1", "htmlcov/x"),
        *("tests/test_a.py", "notes/tests/data.json", "test_a.py", "conftest.py"),
        *(".env", ".env.local", ".envrc"),
        *("requirements.txt", "requirements-dev.txt", "requirements.in", ".packageignore"),
        *("services.yaml", "Pulumi.yaml", "Pulumi.dev.yaml"),
    ],
)
def test_what_is_left_out_by_itself(tmp_path: Path, name: str) -> None:
    make_folder(tmp_path, {"handler.py": "", name: ""})
    assert names(tmp_path) == ["handler.py"]


@pytest.mark.parametrize(
    "name",
    [
        *("environment.py", "env/x.py", "contest.py", "latest/x.py", "my_test.py", "test.py"),
        *("data/requirements.txt", "data/services.yaml", "cache/x", ".hidden", "py.typed"),
    ],
)
def test_what_stays(tmp_path: Path, name: str) -> None:
    make_folder(tmp_path, {name: ""})
    assert names(tmp_path) == [name]


def test_virtual_environment_of_any_name(tmp_path: Path) -> None:
    make_folder(tmp_path, {"a.py": "", "py313/pyvenv.cfg": "", "py313/lib/x.py": ""})
    assert names(tmp_path) == ["a.py"]


def test_packageignore_has_the_syntax_of_gitignore(tmp_path: Path) -> None:
    rules = "# drafts\n*.md\n!README.md\n/data/*\n!/data/kept.json\ndocs/\n"
    files = ["a.py", "b.md", "README.md", "data/x.json", "data/kept.json", "docs/x", "sub/docs/y"]
    make_folder(tmp_path, {**dict.fromkeys(files, ""), ".packageignore": rules})
    assert names(tmp_path) == ["README.md", "a.py", "data/kept.json"]


def test_packageignore_takes_back_what_is_left_out_by_itself(tmp_path: Path) -> None:
    make_folder(
        tmp_path,
        {"tests/x.py": "", "test_y.py": "", ".packageignore": "!tests/\n!test_y.py\n"},
    )
    assert names(tmp_path) == ["test_y.py", "tests/x.py"]


def test_packageignore_with_a_line_that_is_no_pattern(tmp_path: Path) -> None:
    make_folder(tmp_path, {".packageignore": "*.md\n!\n"})
    with pytest.raises(PackagingError) as caught:
        source_files(tmp_path)
    assert caught.value.problem == ".packageignore:2: not a pattern of .gitignore: '!'"


def test_packageignore_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / ".packageignore").write_bytes(b"\xff\xfe*")
    with pytest.raises(PackagingError) as caught:
        source_files(tmp_path)
    assert caught.value.problem == ".packageignore is not UTF-8 text"


NAMES = st.text(st.sampled_from("abz.*#~$_-"), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..")
)
PARTS = st.one_of(
    NAMES,
    st.sampled_from(
        [line.strip("/\\").replace("*", "x") for line in SOURCE_RULES]
        + ["test_", ".py", "env", "Pulumi..yaml", ".#", "##", "requirements", "a.pyc"]
    ),
)


@given(st.lists(PARTS, min_size=1, max_size=3), st.booleans())
@example(["#a#"], False)
@example(["a", "requirements.txt"], False)
def test_our_own_rules_are_matched_as_the_library_would(parts: list[str], folder: bool) -> None:
    """From the top down: of what is left out, nothing is asked any more."""
    quick, library = QuickRules(SOURCE_RULES), GitIgnoreSpec.from_lines(SOURCE_RULES)
    for depth in range(1, len(parts) + 1):
        path = "/".join(parts[:depth]) + ("/" if folder or depth < len(parts) else "")
        assert quick.match_file(path) == library.match_file(path)
        if quick.match_file(path):
            break


@pytest.mark.parametrize("line", SOURCE_RULES)
def test_our_own_rules_are_of_the_simplest_kind(line: str) -> None:
    assert line.count("*") <= 1
    assert "/" not in line.strip("/")
    assert not set(line[1:]) & set("!?[\\")
