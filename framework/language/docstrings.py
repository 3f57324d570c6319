"""The texts behind models' fields, read from the models' own source when somebody wants them.

In: a model. Out: field -> its docstring. Pydantic can do this for every model as it is made, which
takes a quarter of the time that checking a file takes; only the schema and the reference need it.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise

from pydantic import BaseModel


def of_fields(model: type[BaseModel]) -> Mapping[str, str]:
    """The docstrings of a model's fields, those of the models it is made of included."""
    found: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        found |= _of_module(parent.__module__).get(parent.__name__, {})
    return found


@cache
def _of_module(name: str) -> Mapping[str, Mapping[str, str]]:
    """The docstrings of all classes of a module: class -> field -> text."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except (OSError, TypeError):  # a built-in module has no source
        return {}
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return {each.name: dict(_of_class(each)) for each in classes}


def _of_class(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, following in pairwise(node.body):
        match field, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, inspect.cleandoc(text)
            case _:
                pass
