"""All measurements, one after the other, as bench/README.md: what `make bench` runs.

Out: the page with the machine and the date. Other frameworks are measured where they are on PATH;
the page says which were not.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import peers

HERE = Path(__file__).parent

PAGE = """\
# What it costs

`make bench` measures all of this anew and writes this page; `make bench PEERS=DIR:DIR` puts
folders with `osls`, `sam`, `chalice` or `pulumi` on PATH first. Commands are started in turn, so
that a slow moment of the machine meets them all; ratios are medians of the ratios of single rounds
and hold on another machine, times do not. A test on times would fail on a busy day:
tests/test_costs.py counts resources, passes and files instead.

{machine}

## Checking and planning
{validate}

## Packaging requests and pydantic
Each tool has a home and caches of its own; cold is without any of them, downloads included. After
each run the result is looked into.

{package}

## pulumi preview
{preview}

## Local mode
The same handler in each; chalice calls it in its own process, the others start one for it. Memory
is that of all processes after the load, shared pages by their share.

{local}
"""


def _machine() -> str:
    missing = [*peers.absent(), *([] if shutil.which("pulumi") else ["pulumi"])]
    without = f" Not there, so not measured: {', '.join(missing)}." if missing else ""
    versions = ", ".join(filter(None, map(_version, ("osls", "sam", "chalice", "pulumi"))))
    others = f" Others: {versions}." if versions else ""
    return (
        f"{date.today():%d %B %Y}, {platform.system()} on {platform.machine()}, {_processor()}, "
        f"{os.cpu_count()} cores, {_memory()}, Python {platform.python_version()}.{others}{without}"
    )


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", file.read_text()) if file.is_file() else None
    return found[1].strip() if found else platform.processor() or "unknown processor"


def _memory() -> str:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{size / 2**30:.0f} GB"


def _version(command: str) -> str:
    if shutil.which(command) is None:
        return ""
    words = [command, "version"] if command == "pulumi" else [command, "--version"]
    said = subprocess.run(words, capture_output=True, text=True).stdout
    found = re.search(r"[0-9]+\.[0-9]+\.[0-9]+", said)
    return f"{command} {found[0]}" if found else command


def _measured(name: str) -> str:
    print(f"measuring {name}", file=sys.stderr)
    script = HERE / f"{name}.py"
    return subprocess.run(
        [sys.executable, script], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def main() -> None:
    # An installed program has its bytecode; what would keep Python from writing it is not ours.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parts = {name: _measured(name) for name in ("validate", "package", "preview", "local")}
    page = PAGE.format(machine=_machine(), **parts)
    (HERE / "README.md").write_text(page, "utf-8")
    print(page)


if __name__ == "__main__":
    main()
