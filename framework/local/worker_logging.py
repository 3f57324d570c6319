"""Logging in a worker, as Lambda's runtime sets it up.

In: the function's format and level. Out: `Logging`, a finder that waits until somebody imports
logging. Standard library alone, on every Python from 3.11 on.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

from framework.local.worker_errors import text_of

# Importing typing would cost every template some milliseconds and half a megabyte.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import LogRecord


class _LoggingLoader(SourceFileLoader):
    """Loads logging, then calls `set_up` with it."""

    def __init__(self, name: str, path: str, set_up: Callable[[ModuleType], None]) -> None:
        super().__init__(name, path)
        self.set_up = set_up

    def exec_module(self, module: ModuleType) -> None:
        """Load it and set it up."""
        super().exec_module(module)
        self.set_up(module)


class Logging:
    """Sets logging up as Lambda's runtime does, at the moment somebody imports it.

    The root logger has a handler from the beginning, so `basicConfig` does nothing, as on Lambda.
    """

    request_id = ""

    def __init__(self, log_format: str, level: str) -> None:
        self.log_format = log_format
        self.level = level

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module logging, with a loader that sets it up."""
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name)
        if spec is not None and spec.origin is not None:
            spec.loader = _LoggingLoader(name, spec.origin, self.set_up)
        return spec

    def set_up(self, logging: ModuleType) -> None:
        """Give the root logger its handler and its level."""
        handler = logging.StreamHandler(sys.stdout)
        handler.format = self.json_line if self.log_format == "JSON" else self.text_line
        logging.root.addHandler(handler)
        if self.level:
            logging.root.setLevel(self.level)

    def text_line(self, record: LogRecord) -> str:
        """`[INFO]<tab>2026-01-31T10:00:00.123Z<tab>REQUEST ID<tab>the message`"""
        line = f"[{record.levelname}]\t{_time_of(record)}\t{self.request_id}\t{record.getMessage()}"
        return "\n".join([line, *_trace_of(record)])

    def json_line(self, record: LogRecord) -> str:
        """One object (Lambda developer guide, "Using Lambda JSON log format")."""
        line: dict[str, object] = {
            "timestamp": _time_of(record),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": self.request_id,
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["errorType"] = record.exc_info[0].__name__
            line["errorMessage"] = text_of(record.exc_info[1] or Exception())
            line["stackTrace"] = _trace_of(record)
            line["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        added = {n: v for n, v in vars(record).items() if n not in _OWN and n not in line}
        return json.dumps({**line, **added}, default=str, ensure_ascii=False)


_OWN = frozenset(
    (
        *("args", "asctime", "created", "exc_info", "exc_text", "filename", "funcName"),
        *("levelname", "levelno", "lineno", "message", "module", "msecs", "msg", "name"),
        *("pathname", "process", "processName", "relativeCreated", "stack_info", "taskName"),
        *("thread", "threadName"),
    )
)
"""What every record has; the rest is what the author put in with `extra`."""


def _time_of(record: LogRecord) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{whole}.{int(record.msecs):03}Z"


def _trace_of(record: LogRecord) -> list[str]:
    if not record.exc_info or record.exc_info[2] is None:
        return []
    import traceback

    return [line.rstrip("\n") for line in traceback.format_tb(record.exc_info[2])]
