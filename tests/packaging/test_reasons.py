from __future__ import annotations

import pytest

from framework.packaging.reasons import reason

OLDER = (
    "Using CPython 3.13.1\n"
    "  \u00d7 No solution found when resolving dependencies:\n"
    "  \u2570\u2500\u25b6 Because only tiny==1.0 is available and all versions of needs depend on\n"
    "      tiny>=2, we can conclude that all versions of needs cannot be used.\n"
    "      And because you require needs, we can conclude that your requirements are\n"
    "      unsatisfiable.\n"
)
NEWER = (
    "error: No solution found when resolving dependencies\n"
    "  cause: Because pywin32==308 has no wheels with a matching platform tag (e.g., `m`) and"
    " you require pywin32==308, we can conclude that your requirements are unsatisfiable.\n"
    "\n"
    "hint: Wheels are available for `pywin32` on the following platform: `win32`\n"
)
NETWORK = (
    "error: Failed to fetch: `https://index/simple/tiny/`\n"
    "  {frame} error sending request for url (https://index/simple/tiny/)\n"
    "  {frame} tcp connect error\n"
    "  {frame} Connection refused (os error 111)\n"
)
REFUSED = "Failed to fetch: `https://index/simple/tiny/`: Connection refused (os error 111)"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (OLDER, "only tiny==1.0 is available and all versions of needs depend on tiny>=2"),
        (
            NEWER,
            "pywin32==308 has no wheels with a matching platform tag (e.g., `m`);"
            " wheels are available for `pywin32` on the following platform: `win32`",
        ),
        (NETWORK.format(frame="cause:"), REFUSED),
        (NETWORK.format(frame="Caused by:"), REFUSED),
        (NETWORK.format(frame="\u251c\u2500\u25b6").replace("error: F", "\u00d7 F"), REFUSED),
        ("error: Git failed\n", "Git failed"),
        (
            "error: In r.txt\n  cause: no such operator\n  idna=!3\n      ^^\n",
            "In r.txt: no such operator idna=!3",
        ),
        ("", ""),
    ],
)
def test_reason(output: str, expected: str) -> None:
    assert reason(output) == expected


def test_long_reasons_are_cut() -> None:
    assert reason("error: " + "long " * 1000) == "long " * 100 + "..."
