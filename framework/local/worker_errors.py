"""An exception of a handler, as Lambda reports it.

In: the exception, the folder of the author's files. Out: AWS's error document. Standard library
alone, on every Python from 3.11 on.
"""

from __future__ import annotations

import os
from types import TracebackType

LONGEST_TEXT = 100_000
"""Characters of an error's text that are passed on: more would fit into no frame and no log."""


def own_frames(trace: TracebackType | None, source: str) -> list[tuple[str, int, str]]:
    """File, line and function of the frames in the author's own files, outermost first."""
    frames: list[tuple[str, int, str]] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename.startswith(source + os.sep):
            frames.append((code.co_filename, trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    return frames


def text_of(error: BaseException) -> str:
    """The error's own text, cut where it is endless; an error whose text fails has none."""
    try:
        return str(error)[:LONGEST_TEXT]
    except Exception:
        return ""


def error_document(error: BaseException, request_id: str, source: str) -> dict[str, object]:
    """The error as Lambda reports it to who invoked the function."""
    import linecache

    trace = []
    for file, line, function in own_frames(error.__traceback__, source):
        code = linecache.getline(file, line).strip()
        trace.append(f'  File "{file}", line {line}, in {function}\n    {code}\n')
    return {
        "errorMessage": text_of(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": trace,
    }
