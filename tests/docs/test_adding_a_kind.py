"""docs/adding-a-kind.md, built: the page's own file, lines and test in a copy of the framework.

In: the code blocks of the page. Out: what the command line, pytest, mypy and ruff say of them.
Nothing is added but what the page says to add.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.projects import ROOT, project

PAGE = (ROOT / "docs" / "adding-a-kind.md").read_text("utf-8")

SERVICE = """\
service: shop
regions: [eu-west-1]
functions:
  take-order: {handler: app.main, uses: {queues.orders: [send]}}
defaults:
  queues: {visibility: 120}
queues:
  orders: {attempts: 3}
environments:
  dev: {}
  prod: {queues: {orders: {attempts: 9}}}
"""


def block(language: str, heading: str) -> str:
    """The one code block of a language under a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(found)


def changed(text: str) -> str:
    """The text with every diff of the page applied; a diff that does not fit fails."""
    section = PAGE.partition("\n## The line\n")[2].partition("\n## ")[0]
    for diff in re.findall(r"^```diff\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
        lines = diff.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] in " -")
        new = "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(old) == 1, f"framework/kinds/__init__.py does not have once:\n{old}"
        text = text.replace(old, new)
    return text


@dataclass(frozen=True)
class Copy:
    """A copy of the framework with the page's kind, and a project beside it."""

    folder: Path
    file: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`python -m WORDS` with the copy in front of the framework that is installed."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env={**kept, "PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def services(self, *words: str) -> str:
        """What the command line prints; it has to exit with 0."""
        done = self.run("framework", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    folder = tmp_path_factory.mktemp("copy")
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "framework", folder / "framework", ignore=unwanted)
    kinds = folder / "framework" / "kinds"
    (kinds / "queue.py").write_text(block("python", "The file"), "utf-8")
    init = kinds / "__init__.py"
    init.write_text(changed(init.read_text("utf-8")), "utf-8")
    test = folder / "tests" / "kinds" / "test_queue.py"
    test.parent.mkdir(parents=True)
    test.write_text(block("python", "Its test"), "utf-8")
    (folder / "tests" / "support").mkdir()
    shutil.copy2(ROOT / "tests" / "support" / "projects.py", folder / "tests" / "support")
    (folder / "shop").mkdir()
    return Copy(folder, project(folder / "shop", SERVICE))


def plan(copy: Copy, *words: str) -> dict[str, dict[str, object]]:
    """The resources that `services plan` prints, by key."""
    words = ("plan", str(copy.file), "--json", "--account", "123456789012", *words)
    return {each["key"]: each for each in json.loads(copy.services(*words))["resources"]}


def inputs(resource: dict[str, object]) -> dict[str, object]:
    found = resource["inputs"]
    assert isinstance(found, dict)
    return found


def test_it_is_the_copy_that_runs(copy: Copy) -> None:
    done = copy.run("framework.kinds.queue")
    assert done.returncode == 0, done.stderr
    assert "queues" not in (ROOT / "framework" / "kinds" / "__init__.py").read_text("utf-8")


def test_the_file_is_about_as_long_as_a_page() -> None:
    assert block("python", "The file").count("\n") <= 130


def test_validate_knows_the_section(copy: Copy) -> None:
    assert copy.services("validate", str(copy.file)).endswith(
        "fine, 1 function, 1 queue, 2 environments\n"
    )


def test_mistakes_in_it_are_found(copy: Copy, tmp_path: Path) -> None:
    text = SERVICE.replace("attempts: 3", "attempt: 3").replace("[send]", "[sent]")
    done = copy.run("framework", "validate", str(project(tmp_path, text)))
    assert done.returncode == 1
    assert "queues do not know the verb 'sent', did you mean 'send'?" in done.stdout
    assert "queues.orders.attempt: unknown field, did you mean 'attempts'?" in done.stdout


def test_plan_has_its_resources(copy: Copy) -> None:
    resources = plan(copy)
    queue = resources["queues.orders"]
    assert queue["type"] == "aws:sqs/queue:Queue"
    assert queue["after"] == ["queues.orders/dead-letters"]
    assert inputs(queue)["name"] == "shop-dev-orders"
    assert inputs(queue)["visibilityTimeoutSeconds"] == 120
    assert inputs(queue)["redrivePolicy"] == {
        "json": {
            "deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:shop-dev-orders_dead",
            "maxReceiveCount": 3,
        }
    }
    redrive = inputs(plan(copy, "--stack", "prod")["queues.orders"])["redrivePolicy"]
    assert '"maxReceiveCount": 9' in json.dumps(redrive)


def test_the_function_may_send_and_knows_where(copy: Copy) -> None:
    resources = plan(copy)
    policy = inputs(resources["functions.take-order/policy"])["policy"]
    assert isinstance(policy, dict)
    assert {
        "Effect": "Allow",
        "Action": ["sqs:SendMessage"],
        "Resource": ["arn:aws:sqs:eu-west-1:123456789012:shop-dev-orders"],
    } in policy["json"]["Statement"]
    assert inputs(resources["functions.take-order"])["environment"] == {
        "variables": {
            "ORDERS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/shop-dev-orders"
        }
    }


def test_explain_tells_its_settings(copy: Copy) -> None:
    explained = copy.services("explain", "queues.orders", "--file", str(copy.file))
    assert "functions.take-order  send" in explained
    assert re.search(r"^  visibility +120 +.*:6 defaults$", explained, re.MULTILINE)


def test_schema_describes_its_fields(copy: Copy) -> None:
    schema = json.loads(copy.services("schema"))
    assert schema["properties"]["queues"]["description"] == "SQS queues by name."
    described = schema["$defs"]["Queue"]["properties"]["attempts"]["description"]
    assert described.endswith("From 1 to 1,000. Default: 5.")
    assert "## queues" in copy.services("schema", "--reference")


def test_the_pages_own_test_passes(copy: Copy) -> None:
    done = copy.run(
        "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(copy.folder),
        "--import-mode=importlib", "tests/kinds/test_queue.py",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_types_and_style_are_the_repositorys(copy: Copy) -> None:
    settings = str(ROOT / "pyproject.toml")
    files = ("framework/kinds/queue.py", "framework/kinds/__init__.py", "tests/kinds/test_queue.py")
    for words in (
        ("mypy", "--strict", "--config-file", settings, "--cache-dir", "types", *files),
        ("ruff", "check", "--no-cache", "--config", settings, *files),
        ("ruff", "format", "--check", "--no-cache", "--config", settings, *files),
    ):
        done = copy.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
