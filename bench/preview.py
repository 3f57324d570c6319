"""How long `pulumi preview` of 100 functions takes, and how much memory the program needs.

Against the same resources as a program by hand with pulumi-aws's classes. Both run on the stand-in
provider of tests/engine, where the `pulumi` command is on PATH. Without it, on the in-process
monitor of tests/support: then it is the share of the program alone, without the engine's.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from measure import Command, Figure, measure, table
from validate import service

from framework import compiler
from framework.plan.resource import Attr, Code, Json, Plan, Resource, Secret, Text, Value
from framework.plan.target import Target
from tests.engine.stack import Stack
from tests.support import typed

ROOT = Path(__file__).parents[1]
ACCOUNT, REGION = "123456789012", "eu-west-1"
FUNCTIONS, ROUNDS = 100, 5

OURS = "import framework\n\nframework.deploy()\n"
# Peak memory of the program itself: the engine and its plug-ins are the same for both.
PEAK_FILE = "peak.txt"
PEAK = f"""
import atexit, resource
atexit.register(lambda: open({PEAK_FILE!r}, "w").write(
    str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)))
"""
ALONE = """
import sys
from pathlib import Path
sys.path[:0] = [{root!r}]
from tests.support.monitor import run
program = compile(Path("__main__.py").read_text("utf-8"), "__main__.py", "exec")
done = run(lambda: exec(program, {{}}), config={{"aws:region": {region!r}}})
assert done.error is None, done.error
assert len(done.registered) > 400, len(done.registered)
"""


def by_hand(plan: Plan, package: Path) -> str:
    """The plan as a program of pulumi-aws's classes, one statement for each resource."""
    lines = [
        "import pulumi, pulumi_aws as aws",
        "aws.get_caller_identity()",
        "r = {}",
    ]
    lines += [_statement(resource, package) for resource in plan.resources]
    return "\n".join(lines) + "\n"


def _statement(resource: Resource, package: Path) -> str:
    _, module, name = resource.type.split(":")
    folder = module.partition("/")[0]
    known = typed.properties(resource.type)
    spelled = {
        typed.snake(key): typed.spelled(value, known.get(typed.snake(key)))
        for key, value in resource.inputs.items()
    }
    arguments = [f"{key}={_expression(value, package)}" for key, value in spelled.items()]
    after = ", ".join(f"r[{key!r}]" for key in resource.after)
    options = f"opts=pulumi.ResourceOptions(depends_on=[{after}])"
    module = "lambda_" if folder == "lambda" else folder
    text = ", ".join([repr(resource.key), *arguments, options])
    return f"r[{resource.key!r}] = aws.{module}.{name}({text})"


def _expression(value: Value, package: Path) -> str:
    match value:
        case Attr(key, name):
            return f"r[{key!r}].{typed.snake(name)}"
        case Text(parts):
            return (
                f"pulumi.Output.concat({', '.join(_expression(each, package) for each in parts)})"
            )
        case Json(document):
            return f"pulumi.Output.json_dumps({_expression(document, package)})"
        case Code():
            return f"pulumi.FileArchive({str(package)!r})"
        case Secret():
            return "pulumi.Output.secret('hunter2')"
        case Mapping():
            items = (f"{key!r}: {_expression(each, package)}" for key, each in value.items())
            return f"{{{', '.join(items)}}}"
        case list() | tuple():
            return f"[{', '.join(_expression(each, package) for each in value)}]"
        case _:
            return repr(value)


def project(folder: Path) -> tuple[Plan, Path]:
    """The service in the folder, without a secret, with its package built; its plan."""
    service(folder, FUNCTIONS)
    file = folder / "services.yaml"
    text = file.read_text("utf-8").replace("key: {}", "key: {secret: false, value: x}")
    file.write_text(text, "utf-8")
    document = compiler.check(file).any
    plan = compiler.build(document, Target("dev", ACCOUNT, (REGION,)))
    (built,) = compiler.package(document, plan, compiler.cache_of(document)).values()
    return plan, built.path


def on_the_engine(folder: Path, programs: Mapping[str, str], source: Path) -> dict[str, Figure]:
    """Preview after preview on the real engine, in turn; the first round warms up."""
    stacks = {
        name: _stack(folder / f"stack{number}", program, source)
        for number, (name, program) in enumerate(programs.items())
    }
    times: dict[str, list[float]] = {name: [] for name in stacks}
    for _ in range(ROUNDS + 1):
        for name, stack in stacks.items():
            start = time.perf_counter()
            stack.preview()
            times[name].append(time.perf_counter() - start)
    yardstick = next(iter(times.values()))[1:]
    return {
        name: Figure(
            statistics.median(taken[1:]),
            statistics.median(a / b for a, b in zip(taken[1:], yardstick, strict=True)),
            int((stacks[name].project / PEAK_FILE).read_text()) * 1024,
        )
        for name, taken in times.items()
    }


def _stack(folder: Path, program: str, source: Path) -> Stack:
    stack = Stack(folder)
    stack.write_project("bench", PEAK + program)
    shutil.copytree(source, stack.project, dirs_exist_ok=True)
    return stack


def alone(folder: Path, programs: Mapping[str, str], source: Path) -> dict[str, Figure]:
    """The programs on the in-process monitor, each in a process of its own."""
    commands: dict[str, Command] = {}
    for number, (name, program) in enumerate(programs.items()):
        place = shutil.copytree(source, folder / f"alone{number}")
        (place / "__main__.py").write_text(program, "utf-8")
        script = ALONE.format(root=str(ROOT), region=REGION)
        commands[name] = Command([sys.executable, "-c", script], place)
    return measure(commands, ROUNDS)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        plan, package = project(folder / "service")
        programs = {
            "by hand with pulumi-aws's classes": by_hand(plan, package),
            "framework.deploy()": OURS,
        }
        source = folder / "service"
        print(f"{FUNCTIONS} functions, {len(plan.resources)} resources.\n")
        if shutil.which("pulumi"):
            print("pulumi preview; memory is the program's:\n")
            print(table(on_the_engine(folder, programs, source), "by hand"), "", sep="\n")
        else:
            print("(`pulumi` is not on PATH: only the program's share.)\n")
        print("The program alone, on the in-process monitor:\n")
        print(table(alone(folder, programs, source), "by hand"))


if __name__ == "__main__":
    main()
