from __future__ import annotations

from pathlib import Path

import pytest

from framework.packaging import limits
from framework.packaging.errors import PackagingError

MB = 1_048_576


def test_the_limits_are_those_of_lambda() -> None:
    assert (limits.ZIPPED_LIMIT, limits.UNZIPPED_LIMIT) == (52_428_800, 262_144_000)


def test_just_enough_is_fine(tmp_path: Path) -> None:
    limits.check_unzipped(tmp_path, {"a": 200 * MB, "b": 50 * MB})
    limits.check_zipped(tmp_path, 50 * MB, {"a": 50 * MB - 22})


def test_too_much_names_the_heaviest(tmp_path: Path) -> None:
    sizes = {f"p{number:02}/x.py": number * MB for number in range(1, 13)}
    with pytest.raises(PackagingError) as caught:
        limits.check_unzipped(tmp_path, {**sizes, "p05/y.py": 180 * MB + 1, "app.py": MB // 2})
    assert caught.value.problem == (
        "the package is 258.6 MB unzipped, Lambda takes 250 MB; heaviest: p05 185.1 MB, p12 12 MB,"
        " p11 11 MB, p10 10 MB, p09 9 MB, p08 8 MB, p07 7 MB, p06 6 MB, p04 4 MB, p03 3 MB"
    )


def test_too_much_for_a_direct_upload(tmp_path: Path) -> None:
    with pytest.raises(PackagingError) as caught:
        limits.check_zipped(tmp_path, 50 * MB + 1, {"a/x": 50 * MB - 23, "b.py": 1})
    assert caught.value.problem == (
        "the package is 50.1 MB zipped, Lambda takes 50 MB directly: say  upload: bucket  to send"
        " it through one; heaviest: a 50 MB, b.py 0.1 MB"
    )


def test_too_many_files(tmp_path: Path) -> None:
    with pytest.raises(PackagingError) as caught:
        limits.check_unzipped(tmp_path, {str(number): 0 for number in range(65_535)})
    assert caught.value.problem == ("the package has 65,535 files, at most 65,534 fit into a zip")
