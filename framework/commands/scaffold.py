"""The files that `services init` and `services add` write: what is in them, and writing them.

In: names. Out: paths with their content, from the texts under framework/data/project, and files
that are all there afterwards or, where that fails, as they were before.
"""

from __future__ import annotations

import ast
import os
import stat
import symtable
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from framework.commands.insertion import quoted
from framework.kinds import handler as handlers

SOURCE = "handlers"
FIRST_FUNCTION = "hello"
FIRST_HANDLER = "hello.handler"

_FILES = {
    "services.yaml": "services.yaml.txt",
    "handlers/requirements.txt": "handlers-requirements.txt",
    "Pulumi.yaml": "Pulumi.yaml.txt",
    "__main__.py": "main.py.txt",
    "requirements.txt": "requirements.txt",
    "requirements-dev.txt": "requirements-dev.txt",
    ".gitignore": "gitignore.txt",
    ".vscode/settings.json": "vscode-settings.json",
    ".vscode/extensions.json": "vscode-extensions.json",
    ".idea/jsonSchemas.xml": "jsonSchemas.xml",
    ".github/workflows/ci.yml": "ci.yml.txt",
    ".pre-commit-config.yaml": "pre-commit-config.yaml.txt",
    "README.md": "README.md.txt",
}
"""File of a project -> the text it is made of."""


class Refused(Exception):
    """Why nothing is written, in one line."""


def project_files(service: str) -> Mapping[str, bytes]:
    """The files of a new project by their paths in it, but for the schema."""
    words = {"SERVICE": quoted(service), "VERSION": version("pulumi-services")}
    texts = {path: filled(template, words) for path, template in _FILES.items()}
    first = NewHandler(FIRST_FUNCTION, FIRST_HANDLER, SOURCE)
    texts[f"{SOURCE}/{FIRST_FUNCTION}.py"] = first.module_text()
    texts[first.test_path] = first.test_text()
    return {path: text.encode() for path, text in texts.items()}


def filled(template: str, words: Mapping[str, str]) -> str:
    """A text under framework/data/project with its @WORD@s filled in."""
    text = files("framework.data").joinpath("project", template).read_text("utf-8")
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


class NewHandler(NamedTuple):
    """The code of a new function: its name in services.yaml, its handler, its source folder."""

    name: str
    handler: str
    source: str

    @property
    def module(self) -> str:
        """The module as Python imports it."""
        return self.handler.rpartition(".")[0]

    @property
    def test_path(self) -> str:
        """The file of its test in the project."""
        return f"tests/test_{self._words['WORD']}.py"

    @property
    def _words(self) -> Mapping[str, str]:
        return {
            "NAME": self.name,
            "WORD": self.name.replace("-", "_"),
            "MODULE": self.module,
            "FUNCTION": self.handler.rpartition(".")[2],
            "SOURCE": self.source,
        }

    def module_text(self) -> str:
        """A module with the handler and nothing else."""
        return f"{filled('handler.py.txt', self._words)}\n\n{self.function_text()}"

    def function_text(self) -> str:
        """The handler alone, for a module that is there already."""
        return filled("function.py.txt", self._words)

    def test_text(self) -> str:
        """A test that passes as long as the handler is as it was written."""
        return filled("test_handler.py.txt", self._words)

    def files(self, project: Path) -> Mapping[Path, bytes]:
        """What has to be written; nothing where the handler is there already.

        Raises `Refused` where a file or a function of that name is in the way.
        """
        folder = project / self.source
        wrong = handlers.missing(folder, self.handler, self.source)
        if wrong is None:
            return {}
        module = self._module_file(folder)
        if not module.resolve().is_relative_to(project.resolve()):
            raise Refused(f"{self._shown(module, project)} leads out of the project")
        test = project / self.test_path
        if os.path.lexists(test):
            raise Refused(f"{self.test_path} is already there")
        code = self._appended(module, project, wrong) if module.exists() else self._created()
        return {module: code, test: self.test_text().encode()}

    def _module_file(self, folder: Path) -> Path:
        """The module's file, as it is or as it will be."""
        path = folder.joinpath(*self.module.split("."))
        package = path / "__init__.py"
        return package if package.is_file() else path.with_suffix(".py")

    def _created(self) -> bytes:
        first, inner, _ = self.module.partition(".")
        if first in sys.stdlib_module_names:
            shown = f"{self.source}/{first}{'' if inner else '.py'}"
            raise Refused(f"{shown} would hide Python's own module: --handler names another")
        return _python(self.module_text(), f"--handler {self.handler}")

    def _appended(self, module: Path, project: Path, wrong: str) -> bytes:
        shown = self._shown(module, project)
        try:
            text = module.read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            raise Refused(f"{shown} cannot be read") from None
        _python(text, shown)
        if _defines(text, self.handler.rpartition(".")[2]):
            raise Refused(wrong)
        newline = "\r\n" if "\r\n" in text else "\n"
        added = f"\n\n{self.function_text()}" if text.strip() else self.function_text()
        start = text if text.endswith(("\n", "\r")) or not text else text + newline
        return _python(start + added.replace("\n", newline), shown)

    @staticmethod
    def _shown(module: Path, project: Path) -> str:
        return module.relative_to(project).as_posix()


def _python(text: str, shown: str) -> bytes:
    """The text as bytes. Raises `Refused` where it is no Python."""
    try:
        ast.parse(text)
    except (SyntaxError, ValueError) as error:
        said = error.msg if isinstance(error, SyntaxError) else "it cannot be read"
        raise Refused(f"{shown} is not valid Python: {said}") from None
    return text.encode()


def _defines(text: str, name: str) -> bool:
    """Whether a module gives a name a meaning at its top level, in whatever way."""
    table = symtable.symtable(text, "module", "exec")
    if name not in table.get_identifiers():
        return False
    found = table.lookup(name)
    return found.is_assigned() or found.is_imported()


def in_the_way(folder: Path, paths: Mapping[str, bytes]) -> list[str]:
    """The paths at which something stands already, be it a link to nothing."""
    return [path for path in paths if os.path.lexists(folder / path)]


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Writes all files, new ones and ones that are there, or leaves everything as it was.

    A file that is there is replaced in one step and keeps its mode. Raises `OSError`.
    """
    undo: list[Callable[[], object]] = []
    try:
        for path, content in contents.items():
            _make_folders(path.parent, undo)
            _write(path, content, undo)
    except BaseException:
        for step in reversed(undo):
            with suppress(OSError):
                step()
        raise


def _make_folders(folder: Path, undo: list[Callable[[], object]]) -> None:
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir()
        undo.append(each.rmdir)


def _write(path: Path, content: bytes, undo: list[Callable[[], object]]) -> None:
    if not path.exists():
        with path.open("xb") as file:
            undo.append(path.unlink)
            file.write(content)
        return
    before = path.read_bytes()
    replace(path, content)
    undo.append(lambda: replace(path, before))


def replace(path: Path, content: bytes) -> None:
    """The content of a file that is there, changed in one step. Raises `OSError`."""
    target = path.resolve()
    mode = stat.S_IMODE(target.stat().st_mode)
    with beside(target, content) as temporary:
        temporary.chmod(mode)
        temporary.replace(target)


@contextmanager
def beside(path: Path, content: bytes) -> Iterator[Path]:
    """A file with this content next to another, gone at the end unless it was moved away."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
