"""Whether a function's handler is there: by parsing its file, never importing it.

In: the source folder and "notes.list_notes". Out: None, or a sentence about what is missing.
"""

from __future__ import annotations

import ast
from collections import deque
from functools import lru_cache
from pathlib import Path

from framework.language.messages import suggestion

NOT_VALID = "is not valid Python"


def missing(folder: Path, handler: str, shown: str) -> str | None:
    """What is wrong with a handler, or None. `shown` is the folder as the author wrote it."""
    module, _, function = handler.rpartition(".")
    relative = Path(*module.split("."))
    candidates = (relative / "__init__.py", relative.with_suffix(".py"))
    found = next((path for path in candidates if (folder / path).is_file()), None)
    if found is None:
        return f"there is no {shown}/{candidates[1].as_posix()}"
    return _missing_function(folder / found, function, f"{shown}/{found.as_posix()}")


def _missing_function(file: Path, function: str, shown: str) -> str | None:
    try:
        tree = parsed(file)
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        return f"{shown} {NOT_VALID}: {error.msg}{line}"
    except (OSError, ValueError, RecursionError, MemoryError):
        return f"{shown} cannot be read as Python"
    defined = _defined(tree)
    if function in defined:
        return _unfit(defined[function], function, shown)
    if "*" in defined:
        return None
    return f"{shown} has no function {function}{suggestion(function, defined)}"


def parsed(file: Path) -> ast.Module:
    """The syntax tree of a file, parsed once as long as it stays as it is.

    Raises what reading and parsing raise: OSError, SyntaxError, ValueError, RecursionError,
    MemoryError.
    """
    return _parsed(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _parsed(file: Path, changed: int) -> ast.Module:
    return ast.parse(file.read_bytes(), file.name)


def _defined(tree: ast.Module) -> dict[str, ast.stmt]:
    """The names that a module defines at its top level, also within if and try."""
    names: dict[str, ast.stmt] = {}
    todo = deque(tree.body)
    while todo:
        statement = todo.popleft()
        names.update(dict.fromkeys(_names(statement), statement))
        todo.extend(_nested(statement))
    return names


def _nested(statement: ast.stmt) -> list[ast.stmt]:
    match statement:
        case ast.If() | ast.With():
            return [*statement.body, *getattr(statement, "orelse", [])]
        case ast.Try():
            handlers = [inner for each in statement.handlers for inner in each.body]
            return [*statement.body, *handlers, *statement.orelse, *statement.finalbody]
        case _:
            return []


def _names(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [statement.name]
        case ast.Assign():
            targets = statement.targets
        case ast.AnnAssign():
            targets = [statement.target]
        case ast.Import() | ast.ImportFrom():
            return [(name.asname or name.name).split(".")[0] for name in statement.names]
        case _:
            return []
    return [node.id for each in targets for node in ast.walk(each) if isinstance(node, ast.Name)]


def _unfit(statement: ast.stmt, function: str, shown: str) -> str | None:
    if isinstance(statement, ast.AsyncFunctionDef):
        return f"{function} in {shown} is async, which Lambda does not await: use asyncio.run in it"
    if not isinstance(statement, ast.FunctionDef) or statement.decorator_list:
        return None
    arguments = statement.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    if (len(positional) < 2 and not arguments.vararg) or required > 2 or _keyword_only(arguments):
        return f"{function} in {shown} has to take two arguments: event and context"
    return None


def _keyword_only(arguments: ast.arguments) -> bool:
    return any(default is None for default in arguments.kw_defaults)
