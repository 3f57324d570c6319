"""requirements.txt, read.

In: a source folder. Out: `Requirements`, or None where nothing is required. uv parses and judges
the lines themselves; here is only what the cache and the messages need to know of them, and what
cannot lead to the same package everywhere is refused.
Format: pip, "Requirements File Format".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from framework.packaging.errors import PackagingError
from framework.packaging.requirements import NAME, REQUIREMENTS_FILE, Requirements, normal

_COMMENT = re.compile(r"(^|\s)#.*")
_OPTION = re.compile(r"(--?[a-z-]+)(?:\s*=\s*|\s+|$)(.*)", re.DOTALL)
# PyPA, "Dependency specifiers": a name, its extras, then a version, a place, a marker or nothing.
_NAMED = re.compile(rf"({NAME.pattern})\s*(?:\[[^]]*\]\s*)?(?:[@<>=!~;(]|$)")
_GLUED = re.compile(r"-[a-z](?=[^\s=])")
_INCLUDE = ("-r", "--requirement", "-c", "--constraint")
_LINKS = ("-f", "--find-links")
_EDITABLE = ("-e", "--editable")


def read_requirements_txt(source: Path, project: Path) -> Requirements | None:
    """What `source` requires; None without a requirements.txt, or with nothing in it.

    Raises `PackagingError` for a file that cannot be read, that asks for what is built from source,
    or includes what is outside of the folder `project`.
    """
    folder = source.resolve()
    file = folder / REQUIREMENTS_FILE
    if not os.path.lexists(file):
        return None
    if not file.is_file():
        problem = f"{REQUIREMENTS_FILE} is no file, or a link that leads nowhere"
        raise PackagingError(source, problem)
    if not file.resolve().is_relative_to(folder):
        raise PackagingError(source, f"the link {REQUIREMENTS_FILE} leads out of the folder")
    lines = tuple(_read(_Folders(source, project.resolve()), file, ()))
    wanted = tuple(_wanted(line.text) for line in lines if line.is_requirement)
    files = tuple(digest for line in lines for digest in line.wheels(source))
    places = tuple((_wanted(line.text)[1], line.place) for line in lines if line.is_requirement)
    texts = tuple(line.text for line in lines)
    return Requirements(source, texts, files, wanted, places=places) if wanted else None


class _Line(NamedTuple):
    """A line, the folder of its file, and whether that file states requirements or constraints.

    `place` is "requirements.txt:3".
    """

    text: str
    folder: Path
    requires: bool
    place: str

    @property
    def is_requirement(self) -> bool:
        return self.requires and not self.text.startswith("-")

    @property
    def option(self) -> tuple[str, str]:
        """The option's name and value; two empty texts for a requirement."""
        match = _OPTION.fullmatch(self.text)
        return (match[1], match[2].strip()) if match else ("", "")

    def wheels(self, source: Path) -> Iterator[str]:
        """The hashes of the wheels that this line names by path, or by the folder they lie in."""
        option, value = self.option
        if option in _LINKS:
            folder = self.folder / _local(value)
            yield from map(_digest, sorted(folder.glob("*.whl")))
        elif not option:
            path = source / _local(_place(self.text))
            yield from [_digest(path)] if path.suffix == ".whl" and path.is_file() else []


class _Folders(NamedTuple):
    """The folder that requires something, and the one that no included file leads out of."""

    source: Path
    project: Path


def _read(
    folders: _Folders, file: Path, above: tuple[Path, ...], requires: bool = True
) -> Iterator[_Line]:
    """The lines of `file`, those of included files in place of the line that includes them."""
    source = folders.source
    if file in above:
        raise PackagingError(source, f"{_shown(source, file)} includes itself")
    for number, text in _texts(source, file):
        line = _Line(text, file.parent, requires, f"{_shown(source, file)}:{number}")
        option, value = line.option
        _refuse_glued(source, line)
        _refuse_sources(source, line)
        if option in _INCLUDE:
            included = _included(folders, line, file, value)
            states = requires and option in _INCLUDE[:2]
            yield from _read(folders, included, (*above, file), states)
        else:
            yield line


def _texts(source: Path, file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers: continued ones joined, comments left out."""
    try:
        content = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise PackagingError(source, f"{_shown(source, file)} is not UTF-8 text") from None
    if "\0" in content:
        raise PackagingError(source, f"{_shown(source, file)} is not text")
    start, text = 1, ""
    for number, line in enumerate(content.splitlines(), 1):
        # Comments go first: one that ends in a backslash is not continued.
        bare = _COMMENT.sub("", line).rstrip()
        start, text = (start, f"{text} {bare}") if text else (number, bare)
        if text.endswith("\\"):
            text = text[:-1]
        elif text:
            yield from [(start, " ".join(text.split()))] if text.strip() else []
            text = ""
    if text.strip():
        yield start, " ".join(text.split())


def _included(folders: _Folders, line: _Line, file: Path, value: str) -> Path:
    source = folders.source
    if "://" in value:
        problem = f"{_shown(source, file)} includes {value}: only files can be included"
        raise PackagingError(source, problem)
    included = (file.parent / value).resolve()
    if not included.is_relative_to(folders.project):
        problem = f"{line.place}: {line.text} leads out of the project"
        raise PackagingError(source, problem, line.text)
    if not included.is_file():
        problem = f"{_shown(source, file)} includes {value}, which does not exist"
        raise PackagingError(source, problem)
    return included


def _refuse_glued(source: Path, line: _Line) -> None:
    """pip reads -rmore.txt, uv does not; where all stands in more.txt, uv would not be asked."""
    if glued := _GLUED.match(line.text):
        problem = f"{line.place}: {line.text}: put a blank behind {glued[0]}"
        raise PackagingError(source, problem, line.text)


def _refuse_sources(source: Path, line: _Line) -> None:
    """uv lets these options of a file win over --only-binary of its command line."""
    option, value = line.option
    allows_sources = option == "--no-binary" or (option == "--only-binary" and ":none:" in value)
    if allows_sources or option in _EDITABLE:
        problem = f"{line.place}: {line.text}: packages are made from wheels only"
        raise PackagingError(source, problem, line.text)


def _wanted(text: str) -> tuple[str, str]:
    """The normal name of a requirement, and the requirement as written, without its hashes."""
    written = text.split(" --")[0]
    named = _NAMED.match(written)
    # A path, or a bare URL: the name is the first part of a wheel's file name.
    name = named[1] if named else _place(written).rpartition("/")[2].partition("-")[0]
    return normal(name), written


def _place(text: str) -> str:
    """Where a requirement says it lies: the part behind the @, or all of it; markers aside."""
    return re.split(r"\s*;|\s+--", text)[0].rpartition("@")[2].strip()


def _local(place: str) -> str:
    """A path or a file: URL as a path; a path that no file has for any other URL."""
    _, is_url, path = place.partition("file://")
    if not is_url:
        return place
    # Imported here: it brings a client for HTTP, which few requirements are worth.
    from urllib.request import url2pathname

    return url2pathname(path)


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _shown(source: Path, file: Path) -> str:
    real = source.resolve()
    return file.relative_to(real).as_posix() if file.is_relative_to(real) else str(file)
