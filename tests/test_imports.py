"""What starting costs: checking and planning import neither pulumi nor boto3, nor the like."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.projects import ROOT

HEAVY = ("pulumi", "pulumi_aws", "boto3", "botocore", "moto", "uvicorn", "grpc", "deflate", "uv")

PROGRAM = """
import sys
from framework.commands import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    assert not ended.code, ended.code
print("loaded", *(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("words", [["validate"], ["plan"], ["plan", "--json"], ["schema"]])
def test_nothing_heavy_is_imported(words: list[str]) -> None:
    program = PROGRAM.format(heavy=HEAVY)
    ran = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.stderr == "loaded\n"


def test_importing_the_framework_imports_nothing_heavy() -> None:
    program = f"import framework, sys; print([n for n in {HEAVY!r} if n in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
