"""How long `services validate` and `services plan` take, as ratios to importing their libraries.

`.venv/bin/python bench/validate.py` prints the table that bench/README.md holds.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measure import measure, table

YARDSTICK = """\
import pydantic, yaml, click
class Model(pydantic.BaseModel):
    field: int = 1
"""

ROOT = Path(__file__).parents[1]


def service(folder: Path, functions: int) -> Path:
    """A services.yaml of so many functions, each with a route and two grants."""
    folder.mkdir()
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


def main() -> None:
    services = str(Path(sys.executable).with_name("services"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = {
            "import pydantic, yaml, click and define a model": [sys.executable, "-c", YARDSTICK],
            "validate the sample": [services, "validate", str(ROOT / "services.yaml")],
        }
        for functions in (1, 100, 1000):
            file = str(service(folder / str(functions), functions) / "services.yaml")
            commands[f"validate {functions:,} functions"] = [services, "validate", file]
            commands[f"plan {functions:,} functions"] = [services, "plan", "--json", file]
        print(table(measure(commands, folder, rounds=9)))


if __name__ == "__main__":
    main()
