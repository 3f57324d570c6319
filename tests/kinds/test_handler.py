"""Whether a handler is there, by its syntax tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.kinds.handler import missing


def said(tmp_path: Path, code: str | bytes, function: str = "main") -> str | None:
    data = code if isinstance(code, bytes) else code.encode()
    (tmp_path / "app.py").write_bytes(data)
    return missing(tmp_path, f"app.{function}", "handlers")


@pytest.mark.parametrize(
    "code",
    [
        "def main(event, context): ...",
        "def main(*arguments): ...",
        "def main(event, context=None, more=1): ...",
        "def main(event, context, /): ...",
        "main = other",
        "main: object = other",
        "a, main = 1, 2",
        "from other import main",
        "from other import x as main",
        "import main.x",
        "from other import *",
        "class main: ...",
        "if x:\n    def main(event, context): ...",
        "try:\n    from x import main\nexcept ImportError:\n    main = None",
        "with x:\n    main = 1",
        "@decorated\ndef main(event): ...",
    ],
)
def test_it_is_there(tmp_path: Path, code: str) -> None:
    assert said(tmp_path, code) is None


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (
            "def mian(event, context): ...",
            "handlers/app.py has no function main, did you mean 'mian'?",
        ),
        ("", "handlers/app.py has no function main"),
        ("def other():\n    def main(e, c): ...", "handlers/app.py has no function main"),
        (
            "def main(event): ...",
            "main in handlers/app.py has to take two arguments: event and context",
        ),
        (
            "def main(event, context, *, more): ...",
            "main in handlers/app.py has to take two arguments: event and context",
        ),
        (
            "async def main(event, context): ...",
            "main in handlers/app.py is async, which Lambda does not await: use asyncio.run in it",
        ),
        ("def main(:", "handlers/app.py is not valid Python: invalid syntax, line 1"),
        ("x = " + "-" * 100_000 + "1", "handlers/app.py cannot be read as Python"),
    ],
)
def test_it_is_not(tmp_path: Path, code: str | bytes, problem: str) -> None:
    assert said(tmp_path, code) == problem


@pytest.mark.parametrize("code", [b"x = 1\0", b"# coding: nothing\n"])
def test_bytes_that_are_no_python(tmp_path: Path, code: bytes) -> None:
    """In Python's own words, which differ from version to version."""
    assert (said(tmp_path, code) or "").startswith("handlers/app.py is not valid Python: ")


def test_a_package_comes_before_a_module_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text("def main(event, context): ...", "utf-8")
    assert said(tmp_path, "def other(): ...") is None


def test_a_module_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "app.py").write_text("def main(event, context): ...", "utf-8")
    assert missing(tmp_path, "deep.app.main", "handlers") is None
    assert missing(tmp_path, "deep.other.main", "handlers") == "there is no handlers/deep/other.py"


def test_a_file_that_is_written_again_is_read_again(tmp_path: Path) -> None:
    assert said(tmp_path, "x = 1") == "handlers/app.py has no function main"
    assert said(tmp_path, "main = 1  # written later") is None
