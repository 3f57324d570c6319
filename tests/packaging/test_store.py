from __future__ import annotations

import os
import time
from hashlib import sha256
from pathlib import Path

import pytest

from framework.packaging.store import Package, Store, key_of, scratch


def test_put_and_get(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    assert store.get("key") is None
    digest = sha256(b"zip").hexdigest()
    package = Package(tmp_path / f"cache/packages/{digest}.zip", digest, 3, 10)
    assert store.put("key", b"zip", 10) == package
    assert store.get("key") == package
    assert store.get("other") is None
    assert package.path.read_bytes() == b"zip"
    assert list((tmp_path / "cache/tmp").iterdir()) == []


def test_same_content_is_kept_once_and_not_written_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = store.put("one", b"zip", 10)
    inode = first.path.stat().st_ino
    assert store.put("two", b"zip", 10) == first
    assert first.path.stat().st_ino == inode
    assert len(list((tmp_path / "packages").iterdir())) == 1


@pytest.mark.parametrize("damage", [b"", b"zi", b"zap"])
def test_damaged_content_is_not_found(tmp_path: Path, damage: bytes) -> None:
    store = Store(tmp_path)
    package = store.put("key", b"zip", 10)
    package.path.write_bytes(damage)
    assert store.get("key") is None
    assert store.put("key", b"zip", 10) == package
    assert store.get("key") == package


@pytest.mark.parametrize("damage", ["", "abc 10\n", "\ufffd", "../../etc/passwd 1\n"])
def test_damaged_record_is_not_found(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    store.put("key", b"zip", 10)
    (tmp_path / "keys/key").write_text(damage, encoding="utf-8")
    assert store.get("key") is None


def test_keys_depend_on_every_part_and_on_their_borders() -> None:
    keys = [key_of("ab", "c"), key_of("a", "bc"), key_of("abc"), key_of("c", "ab"), key_of("é")]
    assert len(set(keys)) == len(keys)
    assert key_of("ab", "c") == keys[0]


def test_scratch_is_gone_afterwards_and_sweeps_what_was_left(tmp_path: Path) -> None:
    for name, age in (("old", 48), ("new", 1)):
        folder = tmp_path / "tmp" / name
        folder.mkdir(parents=True)
        (folder / "half").touch()
        moment = time.time() - age * 3600
        os.utime(folder, (moment, moment))
    with scratch(tmp_path) as folder:
        (folder / "part").touch()
        assert sorted(path.name for path in (tmp_path / "tmp").iterdir()) == sorted(
            ["new", folder.name]
        )
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == ["new"]
