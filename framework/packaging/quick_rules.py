"""The simplest lines of .gitignore, matched without its library.

In: lines without a negation, with one asterisk at most, and with a slash at their beginning or end
alone. Out: `QuickRules`, which agrees with `pathspec.GitIgnoreSpec` on them (a test compares them).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class _Rule(NamedTuple):
    """A name, or with `open_ended` its beginning and its end."""

    start: str
    end: str
    open_ended: bool
    only_folders: bool
    only_at_the_top: bool

    def fits(self, name: str) -> bool:
        """Whether it speaks of a name, wherever that lies."""
        if not self.open_ended:
            return name == self.start
        enough = len(name) >= len(self.start) + len(self.end)
        return enough and name.startswith(self.start) and name.endswith(self.end)


class QuickRules:
    """Rules for one file or folder after the other, from the top down."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._rules = tuple(map(_rule, lines))

    def match_file(self, file: str) -> bool:
        """Whether a rule speaks of a file ("a/b.py") or a folder ("a/b/") itself."""
        path = file.removesuffix("/")
        top, _, name = path.rpartition("/")
        return any(
            rule.fits(name)
            and (path != file or not rule.only_folders)
            and not (top and rule.only_at_the_top)
            for rule in self._rules
        )


def _rule(line: str) -> _Rule:
    name = line.removesuffix("/").removeprefix("/")
    name = name.removeprefix("\\")
    start, star, end = name.partition("*")
    return _Rule(start, end, bool(star), line.endswith("/"), line.startswith("/"))
