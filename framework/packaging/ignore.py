"""What does not belong in a package.

In: a source folder with its optional `.packageignore` (the syntax of .gitignore).
Out: the rules. The author's come last, so `!name` takes a file back in. Without any of his, ours
are matched by `quick_rules`: pathspec would take longer to be there than all the rest.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Protocol

from framework.packaging.errors import PackagingError
from framework.packaging.quick_rules import QuickRules

IGNORE_FILE = ".packageignore"

# Files that differ between two machines, or that Lambda has no use for, or that hold secrets.
SOURCE_RULES = (
    *("__pycache__/", "*.pyc", "*.pyo", "*$py.class"),
    *(".git", ".gitignore", ".gitattributes", ".gitmodules", ".hg/", ".hgignore", ".svn/"),
    *(".venv/", "venv/", ".tox/", ".nox/", "*.egg-info/", ".eggs/"),
    *(".idea/", ".vscode/", "*.swp", "*.swo", "*~", ".#*", "\\#*#", "*.orig", "*.rej"),
    *(".DS_Store", "._*", "Thumbs.db", "desktop.ini"),
    *(".mypy_cache/", ".ruff_cache/", ".pytest_cache/", ".hypothesis/", ".cache/", ".services/"),
    *(".coverage", ".coverage.*", "htmlcov/"),
    *("tests/", "test_*.py", "conftest.py"),
    *(".env", ".env.*", ".envrc"),
    *("/requirements*.txt", "/requirements*.in", f"/{IGNORE_FILE}"),
    *("/pyproject.toml", "/uv.lock", "/.python-version"),
    *("/services.yaml", "/services.local.yaml", "/Pulumi.yaml", "/Pulumi.*.yaml"),
)

# What an installer leaves behind: scripts and records that name the machine they were made on.
INSTALLED_RULES = (
    *("/.lock", "/bin/", "/Scripts/", "__pycache__/", "*.pyc", "*.pyo"),
    *("/*.dist-info/INSTALLER", "/*.dist-info/REQUESTED"),
    *("/*.dist-info/RECORD", "/*.dist-info/RECORD.jws", "/*.dist-info/RECORD.p7s"),
    *("/*.dist-info/direct_url.json", "/*.dist-info/uv_cache.json"),
    "/*.dist-info/uv_build.json",
)


class Rules(Protocol):
    """What does not belong."""

    def match_file(self, file: str) -> bool:
        """Whether a file ("notes/api.py") or a folder ("notes/") does not."""
        ...


def source_ignore(source: Path) -> Rules:
    """The rules for a source folder: ours, then those of its `.packageignore`."""
    own = _own_rules(source)
    return rules((*SOURCE_RULES, *own)) if own else QuickRules(SOURCE_RULES)


@cache
def rules(lines: tuple[str, ...]) -> Rules:
    """The rules that these lines state. Raises ValueError for a line that is none."""
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(lines)


def _own_rules(source: Path) -> tuple[str, ...]:
    file = source / IGNORE_FILE
    if not file.is_file():
        return ()
    try:
        lines = tuple(file.read_text(encoding="utf-8").splitlines())
    except UnicodeDecodeError:
        raise PackagingError(source, f"{IGNORE_FILE} is not UTF-8 text") from None
    for number, line in enumerate(lines, 1):
        _check(source, number, line)
    return lines


def _check(source: Path, number: int, line: str) -> None:
    try:
        rules((line,))
    except ValueError:
        problem = f"{IGNORE_FILE}:{number}: not a pattern of .gitignore: {line!r}"
        raise PackagingError(source, problem) from None
