"""Small projects to check and plan: a services.yaml and the handlers it names."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from framework import compiler
from framework.plan.resource import Plan
from framework.plan.target import Target

ROOT = Path(__file__).parents[2]
"""The repository, which is also the sample project."""

TODAY = date(2026, 11, 24)
"""The day on which all tests check; deprecations depend on it."""

TARGET = Target("dev", "123456789012", ("eu-west-1",))


def project(folder: Path, text: str, handlers: str = "app") -> Path:
    """Writes services.yaml and a handler module with a function `main`; the file's path."""
    file = folder / "services.yaml"
    file.write_text(text, "utf-8")
    (folder / "handlers").mkdir(exist_ok=True)
    (folder / "handlers" / f"{handlers}.py").write_text("def main(event, context): ...\n", "utf-8")
    return file


def planned(file: Path, target: Target = TARGET) -> Plan:
    """The plan of a file."""
    document = compiler.check(file, TODAY).document(target.stack)
    return compiler.build(document, replace(target, environment=document.environment))
