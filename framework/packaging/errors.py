"""The author's mistakes that packaging finds.

In: the folder that could not be packaged and what is wrong with it. Out: the errors to catch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_CREDENTIALS = re.compile(r"//[^/@\s]*@")


def without_credentials(text: str) -> str:
    """`text` with user names and passwords taken out of the URLs in it."""
    return _CREDENTIALS.sub("//", text)


class PackagingError(Exception):
    """A folder that cannot be packaged: the author's mistake, or the machine's, never our bug.

    `source` is the folder, `problem` one sentence that does not repeat it, `requirement` the
    line of requirements.txt at fault ("idna==3.10") where there is one. `str()` is both.
    """

    def __init__(self, source: Path, problem: str, requirement: str | None = None) -> None:
        self.source = source
        self.problem = without_credentials(problem)
        self.requirement = requirement and without_credentials(requirement)
        super().__init__(source, self.problem, self.requirement)

    def __str__(self) -> str:
        return f"{self.source}: {self.problem}"

    @property
    def errors(self) -> tuple[PackagingError, ...]:
        """The mistakes, one by one: this one; for `PackagingErrors` all of them."""
        return (self,)


class PackagingErrors(PackagingError):
    """Several folders that cannot be packaged, in the order in which they were given."""

    def __init__(self, errors: Sequence[PackagingError]) -> None:
        Exception.__init__(self, errors)
        self.source = errors[0].source
        self.problem = errors[0].problem
        self.requirement = errors[0].requirement
        self._errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(map(str, self._errors))

    @property
    def errors(self) -> tuple[PackagingError, ...]:
        return self._errors


def together(errors: Sequence[PackagingError]) -> PackagingError:
    """The one error to raise for one or more."""
    return errors[0] if len(errors) == 1 else PackagingErrors(errors)


def unusable(source: Path, error: OSError) -> PackagingError:
    """What the operating system refused: a file that cannot be read, a full disk."""
    place = f"{error.filename}: " if error.filename else ""
    return PackagingError(source, f"cannot be packaged: {place}{error.strerror or error}")
