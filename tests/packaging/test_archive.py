from __future__ import annotations

import shutil
import stat
import struct
import subprocess
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.packaging import archive

CONTENTS = {
    "notes/é.txt": "é".encode(),
    "handler.py": b"def handler(event, context):\n    return event\n" * 50,
    "empty": b"",
    "run.sh": b"#!/bin/sh\nexit 0\n",
    "tool": b"\x7fELF" + bytes(range(256)),
}


def made(contents: dict[str, bytes]) -> bytes:
    return archive.write(archive.entry(name, content) for name, content in contents.items())


def test_zipfile_reads_it_back() -> None:
    with ZipFile(BytesIO(made(CONTENTS))) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == sorted(CONTENTS, key=str.encode)
        assert {name: opened.read(name) for name in opened.namelist()} == CONTENTS


def test_unzip_finds_no_fault(tmp_path: Path) -> None:
    if shutil.which("unzip") is None:
        pytest.skip("unzip is not on PATH")
    (tmp_path / "x.zip").write_bytes(made(CONTENTS))
    tested = subprocess.run(["unzip", "-t", tmp_path / "x.zip"], capture_output=True, text=True)
    assert (tested.returncode, tested.stderr) == (0, "")
    assert tested.stdout.splitlines()[-1].startswith("No errors detected")


def test_dates_modes_and_methods_are_fixed() -> None:
    with ZipFile(BytesIO(made(CONTENTS))) as opened:
        files = {info.filename: info for info in opened.infolist()}
    assert {info.date_time for info in files.values()} == {(1980, 1, 1, 0, 0, 0)}
    assert {info.create_system for info in files.values()} == {3}
    modes = {name: stat.filemode(info.external_attr >> 16) for name, info in files.items()}
    assert modes == {
        **dict.fromkeys(("notes/é.txt", "handler.py", "empty"), "-rw-r--r--"),
        **dict.fromkeys(("run.sh", "tool"), "-rwxr-xr-x"),
    }
    assert files["handler.py"].compress_type == archive.DEFLATED
    assert files["empty"].compress_type == archive.STORED


def test_weights_add_up_to_the_zip() -> None:
    content = made(CONTENTS)
    end_of_zip = 22
    assert sum(entry.weight for entry in archive.read(content)) + end_of_zip == len(content)


def test_order_does_not_matter() -> None:
    assert made(dict(reversed(CONTENTS.items()))) == made(CONTENTS)


def test_the_bytes_are_the_same_on_every_machine() -> None:
    # Another hash after an update of deflate: every function is then uploaded once more.
    digest = sha256(made(CONTENTS)).hexdigest()
    assert digest == "24ae89c8be45a41b7284ea017834a74390bee500fce326d7a63d20e6aea0fe46"


@given(st.dictionaries(st.from_regex(r"[a-zß-ü0-9]{1,12}", fullmatch=True), st.binary()))
def test_entries_are_taken_over_as_they_are(contents: dict[str, bytes]) -> None:
    content = made(contents)
    assert archive.write(archive.read(content)) == content
    with ZipFile(BytesIO(content)) as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == contents


def test_what_needs_zip64_is_never_written() -> None:
    huge = archive.Entry("huge", b"", 2**32, 0, archive.STORED, 0o644)
    with pytest.raises(struct.error):
        archive.write([huge])
