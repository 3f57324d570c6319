"""A project as it was at a git revision, in a temporary folder.

In: a revision's name and the path of a services.yaml in the working tree. Out: that file, with the
rest of its folder, as the revision has them. Files are taken as they are stored: nothing that git
may be configured to run (filters, hooks) runs, and nothing is written into the repository.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from framework.language.problems import printable

_SYMLINK = "120000"
_FILES = ("100644", "100755")
_CHUNK = 2**20


class RevisionError(Exception):
    """Why there is no such revision to look at, in one line."""


class Revision(NamedTuple):
    """services.yaml of a revision, and the day on which the revision was committed."""

    file: Path
    committed: date


@contextmanager
def checked_out(revision: str, file: Path) -> Iterator[Revision]:
    """The project of `file` at a revision, while the context lasts. Raises `RevisionError`."""
    folder, name = file.parent, printable(revision)
    if not folder.is_dir():
        raise RevisionError(f"there is no folder {folder} to look for revisions in")
    commit = _commit(folder, revision)
    with tempfile.TemporaryDirectory(prefix="services-") as temporary:
        into = Path(temporary).resolve()
        _write(folder, commit, into)
        if not (into / file.name).is_file():
            raise RevisionError(f"there is no {file} in {name}")
        yield Revision(into / file.name, _committed(folder, commit))


def _commit(folder: Path, revision: str) -> str:
    """The full id: no later command sees the words of the command line."""
    if _git(folder, "rev-parse", "--git-dir").returncode:
        raise RevisionError(
            f"{printable(revision)} is no plan file, and {folder.resolve()} is in no git repository"
        )
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    found = _git(folder, *words)
    if found.returncode or "\0" in revision:
        raise RevisionError(f"{printable(revision)} is neither a plan file nor a git revision")
    return found.stdout.decode().strip()


def _committed(folder: Path, commit: str) -> date:
    words = ("log", "-1", "--no-show-signature", "--format=%cs", commit, "--")
    return date.fromisoformat(_output(folder, *words).decode().strip())


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            _command(folder, words), stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise RevisionError("git is not installed, so only plan files can be compared") from None


def _command(folder: Path, words: Sequence[str]) -> list[str]:
    return ["git", "--no-pager", "-C", str(folder), *words]


def _output(folder: Path, *words: str) -> bytes:
    done = _git(folder, *words)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise RevisionError(f"git {words[0]} failed: {printable(said[-1], most=200)}")
    return done.stdout


class _Entry(NamedTuple):
    mode: str
    id: str
    path: PurePosixPath


def _entries(folder: Path, commit: str) -> Iterator[_Entry]:
    """Files and links of the folder; paths that would lead out of it are left out."""
    for line in _output(folder, "ls-tree", "-r", "-z", commit).split(b"\0"):
        about, _, name = line.partition(b"\t")
        if not name:
            continue
        mode, _, id = about.decode().split(" ")
        path = PurePosixPath(name.decode("utf-8", "surrogateescape"))
        if mode in (*_FILES, _SYMLINK) and ".." not in path.parts and not path.is_absolute():
            yield _Entry(mode, id, path)


def _write(folder: Path, commit: str, into: Path) -> None:
    """Links come last, so that nothing is ever written through one."""
    entries = sorted(_entries(folder, commit), key=lambda entry: entry.mode == _SYMLINK)
    with tempfile.TemporaryFile() as wanted:
        wanted.write("".join(f"{entry.id}\n" for entry in entries).encode())
        wanted.seek(0)
        command = _command(folder, ("cat-file", "--batch"))
        with subprocess.Popen(command, stdin=wanted, stdout=subprocess.PIPE) as git:
            if git.stdout is not None:
                for entry in entries:
                    _write_entry(git.stdout, entry, into)


def _write_entry(stored: IO[bytes], entry: _Entry, into: Path) -> None:
    """One object of `cat-file --batch`: a line with its size, its bytes, a line's end."""
    size = stored.readline().split()[-1]
    if not size.isdigit():
        raise RevisionError(f"git has no content for {printable(str(entry.path))}")
    path = into / entry.path
    path.parent.mkdir(parents=True, exist_ok=True)
    if entry.mode == _SYMLINK:
        _link(path, stored.read(int(size)).decode("utf-8", "surrogateescape"), into)
    else:
        with path.open("wb") as file:
            _copy(stored, file, int(size))
    stored.read(1)


def _copy(stored: IO[bytes], file: IO[bytes], size: int) -> None:
    while size > 0 and (chunk := stored.read(min(size, _CHUNK))):
        file.write(chunk)
        size -= len(chunk)


def _link(path: Path, target: str, into: Path) -> None:
    """A link within the project; one that leads out is left out, as nothing may use it anyway."""
    if (path.parent / target).resolve().is_relative_to(into):
        path.symlink_to(target)
