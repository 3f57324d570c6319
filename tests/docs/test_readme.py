"""The README's first session, as it is written there: run, changed with a slip, mended, called."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from framework.commands import VERBS
from tests.support.projects import ROOT

README = (ROOT / "README.md").read_text("utf-8")
DEADLINE = 90
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def services(*words: str) -> list[str]:
    return [sys.executable, "-m", "framework", *words]


@contextmanager
def local(project: Path) -> Iterator[str]:
    """`services local` on a free port; its address."""
    process = subprocess.Popen(
        services("local", "--port", "0"),
        cwd=project,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield _address(process)
    finally:
        process.terminate()
        process.wait(timeout=DEADLINE)
        if process.stdout:
            process.stdout.close()


def _address(process: subprocess.Popen[str]) -> str:
    said: list[str] = []
    for line in process.stdout or ():
        said.append(line)
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if found:
            return found.group()
    pytest.fail(f"services local ended: {''.join(said)}")


def eventually(url: str, status: int) -> httpx.Response:
    """The answer once it has this status; local mode notices a changed file by itself."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        answer = httpx.get(url)
        if answer.status_code == status:
            return answer
        time.sleep(0.1)
    pytest.fail(f"{url} still answers {answer.status_code}: {answer.text}")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("services.yaml", "Pulumi.yaml", "__main__.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "handlers", tmp_path / "handlers")
    return tmp_path


def test_the_first_session(project: Path) -> None:
    with local(project) as address:
        written = httpx.put(f"{address}/notes/first", json={"text": "hello"})
        assert written.text == '{"id":"first","text":"hello"}'
        assert httpx.get(f"{address}/notes/first").json() == {"id": "first", "text": "hello"}

        file = project / "services.yaml"
        text = file.read_text("utf-8")
        slip = "GET /note/{id}: {function: raed-note}"
        file.write_text(text.replace("GET /notes/{id}: {function: read-note}", slip), "utf-8")
        checked = subprocess.run(
            services("validate"),
            cwd=project,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
        )
        assert checked.stdout.strip() in README
        assert checked.returncode == 1

        file.write_text(
            text.replace("GET /notes/{id}: {function", "GET /note/{id}: {function"), "utf-8"
        )
        answer = eventually(f"{address}/note/first", 200)
        assert answer.text == '{"id":"first","text":"hello"}'
        assert f"$ curl http://127.0.0.1:8000/note/first\n{answer.text}" in README


def test_the_commands_of_the_readme_are_all_there_are() -> None:
    table = set(re.findall(r"`services ([a-z]+)`", README))
    assert set(VERBS) <= table
    assert json.dumps(sorted(table - set(VERBS))) == "[]"
