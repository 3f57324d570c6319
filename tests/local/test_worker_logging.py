"""Logging in a worker is that of Lambda."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

LOGGING = """
import json, logging, sys
{before}
logging.basicConfig(level="DEBUG", format="never: %(message)s")
log = logging.getLogger("notes")
log.debug("quiet")
log.info("one\\ntwo", extra={{"note": 7}})
try:
    {{}}["x"]
except KeyError:
    log.exception("bad")
"""


def logged(log_format: str, level: str) -> str:
    """What a handler that logs prints, in an interpreter of its own."""
    before = "from framework.local.worker_logging import Logging\n"
    text = LOGGING.format(before="")
    program = (
        f"{before}import sys\nsys.modules.pop('logging', None)\n"
        f"Logging.request_id = 'r-1'\n"
        f"sys.meta_path.insert(0, Logging({log_format!r}, {level!r}))\n{text}"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_logging_in_json_is_that_of_lambda() -> None:
    info, error = map(json.loads, logged("JSON", "INFO").splitlines())

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", info.pop("timestamp"))
    assert info == {
        "level": "INFO",
        "message": "one\ntwo",
        "logger": "notes",
        "requestId": "r-1",
        "note": 7,
    }
    assert (error["level"], error["errorType"]) == ("ERROR", "KeyError")
    assert error["errorMessage"] == "'x'"
    assert "in <module>" in error["stackTrace"][0]
    assert error["location"].startswith("<string>:<module>:")


def test_logging_in_text_is_that_of_lambda() -> None:
    error, *trace = logged("Text", "").splitlines()

    level, moment, request_id, message = error.split("\t")
    assert (level, request_id, message) == ("[ERROR]", "r-1", "bad")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
    assert "in <module>" in trace[0]
