"""How long a package of requests and pydantic takes: cold, unchanged, one line of it changed.

Cold is without any cache, downloads included. Every tool packages the same handler for python3.11
on x86_64, which all of them can from a Python 3.11; each has a home and caches of its own.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import peers
from measure import Command, timed

REQUIREMENTS = "requests\npydantic\n"
HANDLER = "import pydantic, requests\n\n\ndef main(event, context):\n    return {}\n"
ROUNDS = 3
PHASES = ("all caches cold", "nothing changed", "one line changed")


@dataclass(frozen=True, slots=True)
class Tool:
    """A project of one tool: the command, the handler to change, what is a cache of it."""

    command: Command
    handler: Path
    caches: tuple[Path, ...]

    def clear(self) -> None:
        """Removes all caches."""
        for folder in self.caches:
            shutil.rmtree(folder, ignore_errors=True)

    def check(self) -> None:
        """Whether what was to be packaged is there: a tool that packages nothing is fast."""
        zips = (path for path in self.command.folder.rglob("*.zip"))
        packed = any("pydantic/main.py" in ZipFile(path).namelist() for path in zips)
        if not packed and not list(self.command.folder.rglob("build/*/pydantic/main.py")):
            raise SystemExit(f"{' '.join(self.command.words)} packaged no pydantic")

    def change(self) -> None:
        """Changes a line of the handler."""
        with self.handler.open("a") as file:
            file.write(f"# changed {self.handler.stat().st_size}\n")


def ours(folder: Path) -> Tool:
    folder.mkdir()
    (folder / "handlers").mkdir()
    text = (
        "service: bench\nfunctions:\n"
        "  f: {handler: app.main, runtime: python3.11, architecture: x86_64}\n"
    )
    (folder / "services.yaml").write_text(text, "utf-8")
    services = str(Path(sys.executable).with_name("services"))
    return _tool(folder, folder / "handlers", [services, "package"], folder / ".services")


def osls(folder: Path) -> Tool:
    executable = Path(shutil.which("osls") or "").resolve()
    modules = next(path for path in executable.parents if path.name == "node_modules")
    peers.osls(folder, 1, packs_python=True)
    (folder / "node_modules").symlink_to(modules)
    return _tool(folder, folder, ["osls", "package"], folder / ".serverless")


def sam(folder: Path) -> Tool:
    peers.sam(folder, 1)
    return _tool(folder, folder / "handlers", ["sam", "build", "--cached"], folder / ".aws-sam")


def chalice(folder: Path) -> Tool:
    peers.chalice(folder, 1)
    routes = (folder / "app.py").read_text("utf-8")
    words = ["chalice", "package", str(folder / "home" / "out")]
    tool = _tool(folder, folder, words, folder / ".chalice" / "deployments")
    tool.handler.write_text(f"import pydantic, requests\n{routes}", "utf-8")
    return tool


def _tool(folder: Path, source: Path, words: list[str], cache: Path) -> Tool:
    (source / "app.py").write_text(HANDLER, "utf-8")
    (source / "requirements.txt").write_text(REQUIREMENTS, "utf-8")
    home = folder / "home"
    variables = {
        **{"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")},
        **{"UV_CACHE_DIR": str(home / "uv"), "PIP_CACHE_DIR": str(home / "pip")},
        **{"AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"},
    }
    command = Command(words, folder, variables, lambda: home.mkdir(exist_ok=True))
    return Tool(command, source / "app.py", (home, cache))


def tools(folder: Path) -> Mapping[str, Tool]:
    """Ours and the peers that are there."""
    there: dict[str, tuple[str, Callable[[Path], Tool]]] = {
        "osls": ("osls with serverless-python-requirements", osls),
        "sam": ("sam build --cached", sam),
        "chalice": ("chalice package", chalice),
    }
    found = {"services package": ours(folder / "ours")}
    for name, (shown, make) in there.items():
        if shutil.which(name):
            found[shown] = make(folder / name)
    return found


def main() -> None:
    times: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        found = tools(Path(name))
        for _ in range(ROUNDS):
            for tool in found.values():
                tool.clear()
            for phase in PHASES:
                for shown, tool in found.items():
                    if phase == PHASES[2]:
                        tool.change()
                    times.setdefault((shown, phase), []).append(timed(tool.command)[0])
                    tool.check()
    print(f"| what | {' | '.join(PHASES)} |", "|---|---|---|---|", sep="\n")
    for shown in found:
        cells = (f"{statistics.median(times[shown, phase]):.2f} s" for phase in PHASES)
        print(f"| {shown} | {' | '.join(cells)} |")
    if len(found) > 1:
        print(f"| ours to the best of the others | {' | '.join(_ratios(times, list(found)))} |")


def _ratios(times: Mapping[tuple[str, str], list[float]], names: list[str]) -> list[str]:
    """Round by round, so that a slow moment meets all; the median of the rounds."""
    mine, *others = names
    ratios: list[str] = []
    for phase in PHASES:
        best = map(min, zip(*(times[name, phase] for name in others), strict=True))
        own = zip(times[mine, phase], best, strict=True)
        ratios.append(f"{statistics.median(a / b for a, b in own):.2f}")
    return ratios


if __name__ == "__main__":
    main()
