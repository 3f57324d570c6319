"""What all tests of packaging share: a cache of uv's own, so that none depends on the machine's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.wheels import make_wheel


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv-cache")


@pytest.fixture(autouse=True)
def own_uv_cache(uv_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(uv_cache))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages that tests may require: `requiring(wheels, "tiny==1.0")`."""
    folder = tmp_path_factory.mktemp("wheels")
    make_wheel(folder, "tiny", "0.9")
    make_wheel(folder, "tiny", "1.0")
    make_wheel(folder, "leaning", requires=["tiny>=1.0"])
    make_wheel(folder, "wanting", requires=["absent"])
    make_wheel(folder, "windowsonly", tag="cp313-cp313-win_amd64")
    make_wheel(folder, "both", tag="cp313-cp313-manylinux_2_28_aarch64", files={"both.py": "A = 1"})
    make_wheel(folder, "both", tag="cp313-cp313-manylinux_2_28_x86_64", files={"both.py": "X = 1"})
    make_wheel(folder, "both", tag="cp311-cp311-manylinux_2_17_aarch64", files={"both.py": "O = 1"})
    make_wheel(folder, "newer", tag="cp313-cp313-manylinux_2_39_aarch64")
    (folder / "broken-1.0-py3-none-any.whl").write_bytes(b"no zip")
    (folder / "sourceonly-1.0.tar.gz").write_bytes(b"no archive")
    return folder
