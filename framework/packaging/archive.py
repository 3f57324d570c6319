"""A zip that depends on nothing but the names and contents of its files.

In: files as bytes, or the bytes of a zip made here. Out: the bytes of a zip, or its entries.
Format: PKWARE's APPNOTE.TXT, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16
(end). zipfile is not used to write: it compresses with whatever zlib Python was linked against,
and takes no entry that is compressed already.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Sequence
from io import BytesIO
from struct import pack
from typing import NamedTuple
from zipfile import ZipFile

import deflate

STORED, DEFLATED = 0, 8
_LEVEL = 6
_VERSION = 20
_UNIX = 3 << 8
_UTF8 = 1 << 11
# 1 January 1980, 00:00: where the calendar of zip begins.
_TIME, _DATE = 0, (1 << 5) | 1
_LOCAL_HEADER_SIZE = 30
_HEADERS_SIZE = _LOCAL_HEADER_SIZE + 46
# What the kernel starts as a program: a script's first bytes, or an ELF binary's.
_PROGRAM = (b"#!", b"\x7fELF")


class Entry(NamedTuple):
    """One file of a zip: `data` as it lies there, `size` in bytes and `crc` of the file itself."""

    name: str
    data: bytes
    size: int
    crc: int
    method: int
    mode: int

    @property
    def weight(self) -> int:
        """The bytes that it adds to a zip: its data, and its name in both headers."""
        return len(self.data) + _HEADERS_SIZE + 2 * len(self.name.encode())


def entry(name: str, content: bytes) -> Entry:
    """A file as an entry: compressed where that makes it smaller.

    The mode follows the content, 0755 for programs and 0644 otherwise: what the file system says
    of it depends on the umask, the checkout and the operating system.
    """
    compressed = bytes(deflate.deflate_compress(content, _LEVEL))
    method, data = min((DEFLATED, compressed), (STORED, content), key=lambda way: len(way[1]))
    mode = 0o755 if content.startswith(_PROGRAM) else 0o644
    return Entry(name, data, len(content), deflate.crc32(content), method, mode)


def write(entries: Iterable[Entry]) -> bytes:
    """The zip of these entries, sorted by name.

    What needs the 64-bit form (4 GiB, 65,535 entries) is a bug here: limits.py refuses it before.
    """
    files = sorted(entries, key=lambda file: file.name.encode())
    body, directory = bytearray(), bytearray()
    for file in files:
        directory += _directory_header(file, len(body))
        body += _local_header(file) + file.data
    return bytes(body + directory + _end(len(files), len(directory), len(body)))


def read(content: bytes) -> Sequence[Entry]:
    """The entries of a zip made by `write`, still compressed."""
    with ZipFile(BytesIO(content)) as archive:
        return [
            Entry(
                info.filename,
                _data(content, info.header_offset, info.filename, info.compress_size),
                info.file_size,
                info.CRC,
                info.compress_type,
                stat.S_IMODE(info.external_attr >> 16),
            )
            for info in archive.infolist()
        ]


def _data(content: bytes, offset: int, name: str, size: int) -> bytes:
    start = offset + _LOCAL_HEADER_SIZE + len(name.encode())
    return content[start : start + size]


def _common(file: Entry) -> bytes:
    """The fields that both headers of an entry share, and their order."""
    return pack(
        "<5H3L2H",
        *(_VERSION, _UTF8, file.method, _TIME, _DATE),
        *(file.crc, len(file.data), file.size),
        *(len(file.name.encode()), 0),
    )


def _local_header(file: Entry) -> bytes:
    return b"PK\x03\x04" + _common(file) + file.name.encode()


def _directory_header(file: Entry, offset: int) -> bytes:
    made_by = pack("<H", _UNIX | _VERSION)
    attributes = (stat.S_IFREG | file.mode) << 16
    rest = pack("<3H2L", 0, 0, 0, attributes, offset)
    return b"PK\x01\x02" + made_by + _common(file) + rest + file.name.encode()


def _end(count: int, size: int, offset: int) -> bytes:
    return b"PK\x05\x06" + pack("<4H2LH", 0, 0, count, count, size, offset, 0)
