"""How long `services validate` and `services plan` take, and how much memory.

As ratios to importing their libraries, and to what other frameworks offer for the same services:
`osls print`, `sam validate --lint`, and for chalice, which validates nothing by itself, `package`.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import peers
from measure import Command, Figure, measure, table

YARDSTICK = """\
import pydantic, yaml, click
class Model(pydantic.BaseModel):
    field: int = 1
"""

ROOT = Path(__file__).parents[1]
SIZES = (1, 100, 1000)


def service(folder: Path, functions: int) -> Path:
    """A services.yaml of so many functions, each with a route, two grants and an override."""
    folder.mkdir(parents=True)
    (folder / "handlers").mkdir()
    (folder / "handlers" / "app.py").write_text("def main(event, context): ...\n", "utf-8")
    lines = ["service: bench", "functions:"]
    uses = "{buckets.files: [read, list], parameters.key: read}"
    lines += [f"  f{n}: {{handler: app.main, uses: {uses}}}" for n in range(functions)]
    lines += ["routes:"]
    lines += [f"  GET /f{n}: {{function: f{n}, auth: none}}" for n in range(min(functions, 300))]
    lines += ["buckets: {files: {}}", "parameters: {key: {}}"]
    (folder / "services.yaml").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def with_environments(folder: Path, functions: int) -> Path:
    """The same with two environments, each of which is checked."""
    file = service(folder, functions) / "services.yaml"
    text = "environments: {dev: {}, prod: {functions: {f0: {memory: 512}}}}\n"
    file.write_text(file.read_text("utf-8") + text, "utf-8")
    return folder


def ours(folder: Path, services: str) -> dict[str, Command]:
    """validate and plan by size."""
    commands = {
        "import pydantic, yaml, click and define a model": Command(
            [sys.executable, "-c", YARDSTICK], folder
        ),
        "validate the sample": Command([services, "validate", str(ROOT / "services.yaml")], folder),
    }
    for functions in SIZES:
        place = service(folder / str(functions), functions)
        shown = _functions(functions)
        commands[f"validate {shown}"] = Command([services, "validate"], place)
        commands[f"plan {shown}"] = Command([services, "plan", "--json"], place)
    place = with_environments(folder / "environments", SIZES[-1])
    named = f"validate {_functions(SIZES[-1])} in two environments"
    commands[named] = Command([services, "validate"], place)
    return commands


def against(folder: Path, services: str, functions: int) -> dict[str, Command]:
    """The same service in the words of all that are there."""
    commands = {
        "services validate": Command(
            [services, "validate"], service(folder / "services", functions)
        )
    }
    if shutil.which("osls"):
        place = peers.osls(folder / "osls", functions)
        commands["osls print"] = Command(["osls", "print"], place)
    if shutil.which("sam"):
        region = {"AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"}
        place = peers.sam(folder / "sam", functions)
        commands["sam validate --lint"] = Command(["sam", "validate", "--lint"], place, region)
    if shutil.which("chalice"):
        place = peers.chalice(folder / "chalice", functions)
        out = str(folder / "chalice-out")
        commands["chalice package (notices no misspelt field)"] = Command(
            ["chalice", "package", out], place, {"AWS_DEFAULT_REGION": "us-east-1"}
        )
    return commands


def _functions(number: int) -> str:
    return "1 function" if number == 1 else f"{number:,} functions"


def per_function(figures: dict[str, Figure], verb: str) -> str:
    """What one more function adds between the smallest and the largest service."""
    few, many = (figures[f"{verb} {_functions(size)}"] for size in (SIZES[1], SIZES[-1]))
    more = SIZES[-1] - SIZES[1]
    time, memory = (many.seconds - few.seconds) / more, (many.memory - few.memory) / more
    return f"{verb}: {time * 1000:.2f} ms and {memory / 1024:.0f} KB for each further function"


def main() -> None:
    services = str(Path(sys.executable).with_name("services"))
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        figures = measure(ours(Path(name) / "ours", services), rounds=7)
        print(table(figures, "the bare import"), "", sep="\n")
        for verb in ("validate", "plan"):
            print(f"- {per_function(figures, verb)}")
        for functions in (1, 100):
            place = Path(name) / f"peers{functions}"
            print(f"\nA service of {_functions(functions)} with a route each:\n")
            print(table(measure(against(place, services, functions), rounds=3), "ours"))


if __name__ == "__main__":
    main()
