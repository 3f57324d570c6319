"""What a handler imports and nothing provides."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.kinds.imports import broken_requirement, unprovided


def folder(tmp_path: Path, handler: str, requirements: str | None = None, **more: str) -> Path:
    (tmp_path / "app.py").write_text(handler, "utf-8")
    for name, text in more.items():
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    if requirements is not None:
        (tmp_path / "requirements.txt").write_text(requirements, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("handler", "requirements", "missing"),
    [
        ("import json, os.path, boto3\nfrom botocore import config", None, ()),
        ("import requests", None, ("requests",)),
        ("import requests.adapters", "requests==2.32.0\n", ()),
        (
            "import aws_lambda_powertools",
            "aws-lambda-powertools[tracer]>=3 ; python_version > '3'",
            (),
        ),
        ("import yaml, PIL", "PyYAML\npillow\n", ()),
        ("import dateutil, six", "", ()),
        ("import numpy", "# numpy\n\n", ("numpy",)),
        ("import numpy", "numpy==2.0 \\\n    --hash=sha256:00\n", ()),
        ("import numpy", "-r more.txt\n", ()),
        ("import numpy", "numpy @ https://example.com/numpy.whl\n", ()),
        ("try:\n    import orjson\nexcept ImportError:\n    orjson = None", None, ()),
        ("if TYPE_CHECKING:\n    import mypy_boto3_s3", None, ()),
        ("from . import other", None, ()),
        ("def f(:", None, ()),
    ],
)
def test_what_is_missing(
    tmp_path: Path, handler: str, requirements: str | None, missing: tuple[str, ...]
) -> None:
    assert unprovided(folder(tmp_path, handler, requirements), "app") == missing


def test_modules_of_the_folder_are_followed(tmp_path: Path) -> None:
    source = folder(tmp_path, "import helper", helper="import app\nimport pandas")
    assert unprovided(source, "app") == ("pandas",)


def test_packages_of_the_folder_are_provided(tmp_path: Path) -> None:
    source = folder(tmp_path, "import lib.deep\nfrom lib import thing")
    (source / "lib").mkdir()
    (source / "lib" / "__init__.py").write_text("import attr", "utf-8")
    assert unprovided(source, "app") == ("attr",)


def test_requirements_that_cannot_be_read_say_nothing(tmp_path: Path) -> None:
    source = folder(tmp_path, "import numpy")
    (source / "requirements.txt").write_bytes(b"\xff\xfe")
    assert unprovided(source, "app") == ()


@pytest.mark.parametrize(
    ("project", "missing"),
    [
        ("[project]\ndependencies = ['numpy>=2 ; python_version > \"3\"']\n", ()),
        ("[project]\ndependencies = ['pandas']\n", ("numpy",)),
        ("[tool.ruff]\n", ("numpy",)),
        ("[project]\ndynamic = ['dependencies']\n", ()),
        ("[project]\ndependencies = 'pandas'\n", ()),
        ("[project\n", ()),
        ("project = 1\n", ()),
    ],
)
def test_requirements_of_a_pyproject(
    tmp_path: Path, project: str, missing: tuple[str, ...]
) -> None:
    source = folder(tmp_path, "import numpy")
    (source / "pyproject.toml").write_text(project, "utf-8")
    assert unprovided(source, "app") == missing


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("idna==3.10\n# comment\n\nrequests[socks]>=2 ; python_version > '3'\n", None),
        ("idna==3.10 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n", None),
        ("-r more.txt\n--index-url https://example.com\nname @ https://example.com/x.whl\n", None),
        ("./local\nhttps://example.com/x.whl\ngit+https://example.com/x.git\nidna (>=3)\n", None),
        ("idna\nrequests 2.32\n", "requirements.txt:2: 'requests 2.32' is no requirement"),
        ("=3.10\n", "requirements.txt:1: '=3.10' is no requirement"),
        ("idna: 3\n", "requirements.txt:1: 'idna: 3' is no requirement"),
        ("-r ../shared.txt\n-c https://example.com/pins.txt\n-r a\0b\n", None),
        (
            "six\n-r ../../other.txt  # theirs\n",
            "requirements.txt:2: -r ../../other.txt leads out of the project",
        ),
        ("-r=more.txt\n-i\thttps://example.com\n--pre\n-r\\\n more.txt\n", None),
        ("-rmore.txt\n", "requirements.txt:1: '-rmore.txt' is no requirement"),
        ("--constraint=/etc/x", "requirements.txt:1: --constraint=/etc/x leads out of the project"),
    ],
)
def test_lines_that_are_no_requirements(tmp_path: Path, text: str, problem: str | None) -> None:
    source = tmp_path / "handlers"
    source.mkdir()
    assert broken_requirement(folder(source, "", text), tmp_path) == problem


def test_a_file_of_requirements_that_is_no_text(tmp_path: Path) -> None:
    assert broken_requirement(tmp_path, tmp_path) is None
    (tmp_path / "requirements.txt").write_bytes(b"\xff")
    problem = broken_requirement(tmp_path, tmp_path)
    assert problem == "requirements.txt cannot be read as UTF-8 text"
