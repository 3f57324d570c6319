from __future__ import annotations

import sys
from pathlib import Path

import pytest

from framework.packaging.errors import PackagingError
from framework.packaging.platforms import host_platform, lambda_platform


@pytest.mark.parametrize(
    ("runtime", "architecture", "version", "platform"),
    [
        ("python3.14", "arm64", "3.14", "aarch64-manylinux_2_34"),
        ("python3.13", "x86_64", "3.13", "x86_64-manylinux_2_34"),
        ("python3.12", "arm64", "3.12", "aarch64-manylinux_2_34"),
        ("python3.11", "arm64", "3.11", "aarch64-manylinux2014"),
        ("python3.9", "x86_64", "3.9", "x86_64-manylinux2014"),
    ],
)
def test_lambda_platform(
    tmp_path: Path, runtime: str, architecture: str, version: str, platform: str
) -> None:
    made = lambda_platform(tmp_path, runtime, architecture, "/bin/python")
    assert made.label == f"{runtime} on {architecture}"
    assert made.key == f"{runtime} {platform}"
    assert made.arguments == (
        *("--python", "/bin/python", "--python-version", version),
        *("--python-platform", platform),
    )


@pytest.mark.parametrize(
    ("runtime", "architecture"),
    [("nodejs22.x", "arm64"), ("python3.13", "mips"), ("python3", "arm64"), ("", "")],
)
def test_no_such_platform(tmp_path: Path, runtime: str, architecture: str) -> None:
    with pytest.raises(PackagingError) as caught:
        lambda_platform(tmp_path, runtime, architecture, sys.executable)
    assert caught.value.problem == f"no packages are made for {runtime} on {architecture}"


def test_host_platform(tmp_path: Path) -> None:
    platform = host_platform(tmp_path, sys.executable)
    version = ".".join(map(str, sys.version_info[:3]))
    assert platform.label.startswith(f"Python {version}")
    assert platform.key.startswith(version)
    assert platform.arguments == ("--python", sys.executable, "--link-mode", "copy")


@pytest.mark.parametrize("python", ["/absent/python", "false"])
def test_no_such_interpreter(tmp_path: Path, python: str) -> None:
    with pytest.raises(PackagingError) as caught:
        host_platform(tmp_path, python)
    assert caught.value.problem == f"{python} is not a Python interpreter"
