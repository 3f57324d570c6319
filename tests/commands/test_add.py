"""`services add`: the entry comes with its code and a test that passes; the rest stays."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from framework import compiler
from tests.support.commands import Ran, Services, run_main
from tests.support.projects import ROOT, project

SERVICE = """\
service: x
alarms: {enabled: false, reason: a test}

functions:
  a: {handler: app.main}   # the first
  # more of a

routes:
  GET /a: {function: a, auth: none}
"""


@pytest.fixture
def services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Services:
    monkeypatch.chdir(tmp_path)
    project(tmp_path, SERVICE)

    def run(*words: str) -> Ran:
        return run_main(words, capsys)

    return run


@pytest.fixture
def unchanged(tmp_path: Path) -> Callable[[], bool]:
    """Whether the folder is as it was when the test began."""

    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    before: dict[Path, bytes] = {}

    def same() -> bool:
        if not before:
            before.update(contents())
            return True
        return before == contents()

    return same


def text(folder: Path) -> str:
    return (folder / "services.yaml").read_text("utf-8")


def assert_tests_pass(folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_function_with_its_route_handler_and_test(services: Services, tmp_path: Path) -> None:
    ran = services("add", "function", "list-notes", "--route", "GET /notes/{id}", "--auth", "iam")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "services.yaml: functions.list-notes\n"
        'services.yaml: routes["GET /notes/{id}"]\n'
        "handlers/list_notes.py: written\n"
        "tests/test_list_notes.py: written\n"
    )
    assert (
        text(tmp_path)
        == SERVICE.replace(
            "  # more of a\n", "  # more of a\n  list-notes: {handler: list_notes.handler}\n"
        )
        + "  GET /notes/{id}: {function: list-notes, auth: iam}\n"
    )
    assert services("validate").code == 0
    assert_tests_pass(tmp_path)


def test_a_function_below_what_its_module_has(services: Services, tmp_path: Path) -> None:
    module = tmp_path / "handlers" / "app.py"
    module.write_bytes(b"def main(event, context): ...\r\n\r\n\r\nLAST = 1")
    module.chmod(0o600)
    ran = services("add", "function", "b", "--handler", "app.other")
    assert (ran.code, ran.out) == (
        0,
        "services.yaml: functions.b\nhandlers/app.py: written\ntests/test_b.py: written\n",
    )
    written = module.read_bytes()
    assert written.startswith(
        b"def main(event, context): ...\r\n\r\n\r\nLAST = 1\r\n\r\n\r\ndef other("
    )
    assert written.count(b"\n") == written.count(b"\r\n")
    assert module.stat().st_mode & 0o777 == 0o600
    assert services("validate").code == 0
    assert_tests_pass(tmp_path)


def test_a_function_in_a_module_that_is_empty_or_a_package(
    services: Services, tmp_path: Path
) -> None:
    package = tmp_path / "handlers" / "notes"
    package.mkdir()
    (package / "__init__.py").write_text("", "utf-8")
    assert services("add", "function", "b", "--handler", "notes.listing").code == 0
    assert (package / "__init__.py").read_text("utf-8").startswith("def listing(")
    assert services("add", "function", "c", "--handler", "notes.inner.deep.main").code == 0
    assert (package / "inner" / "deep.py").is_file()
    assert_tests_pass(tmp_path)


def test_a_handler_that_is_there_is_taken_as_it_is(services: Services, tmp_path: Path) -> None:
    ran = services("add", "function", "b", "--handler", "app.main")
    assert (ran.code, ran.out) == (0, "services.yaml: functions.b\n")
    assert not (tmp_path / "tests").exists()


def test_the_source_folder_of_the_defaults(services: Services, tmp_path: Path) -> None:
    project(tmp_path, "service: x\ndefaults: {functions: {source: code}, routes: {auth: iam}}\n")
    assert services("add", "function", "b", "--route", "GET /b").code == 0
    assert (tmp_path / "code" / "b.py").is_file()
    assert text(tmp_path).endswith(
        "functions:\n  b:\n    handler: b.handler\n\nroutes:\n  GET /b: {function: b}\n"
    ) or "routes:\n  GET /b: {function: b}\n" in text(tmp_path)
    assert services("validate").code == 0
    assert_tests_pass(tmp_path)


def test_a_route_a_bucket_and_parameters(services: Services, tmp_path: Path) -> None:
    ran = services("add", "route", "POST /a", "--function", "a", "--auth", "none")
    assert ran.out == 'services.yaml: routes["POST /a"]\n'
    ran = services("add", "bucket", "notes")
    assert ran.out.splitlines()[0] == "services.yaml: buckets.notes"
    ran = services("add", "parameter", "key")
    assert ran.out.splitlines()[0] == "services.yaml: parameters.key"
    assert ran.out.splitlines()[-1] == (
        "set its value with  pulumi config set --secret --path parameters.key"
    )
    ran = services("add", "parameter", "limit", "--plain", "42")
    assert "pulumi config" not in ran.out
    assert text(tmp_path) == SERVICE + (
        "  POST /a: {function: a, auth: none}\n"
        "\nbuckets:\n  notes: {}\n"
        '\nparameters:\n  key: {}\n  limit: {secret: false, value: "42"}\n'
    )
    assert services("validate").code == 0


def test_warnings_that_come_with_it_are_said_with_their_lines(
    services: Services, tmp_path: Path
) -> None:
    (tmp_path / "handlers" / "app.py").write_text("def main(event, context): ...\n", "utf-8")
    ran = services("add", "bucket", "notes")
    assert (ran.code, ran.err) == (0, "")
    warning = ran.out.splitlines()[1]
    assert warning.startswith("services.yaml:12:3: warning: buckets.notes: no function uses it")
    assert "notes: {}" in text(tmp_path).splitlines()[11]


def test_a_file_elsewhere_with_a_mark_a_mode_and_a_link(services: Services, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    real = project(other, "\ufeff" + SERVICE.replace("\n", "\r\n"))
    real.write_bytes(b"\xef\xbb\xbf" + SERVICE.replace("\n", "\r\n").encode())
    real.chmod(0o640)
    (other / "link.yaml").symlink_to("services.yaml")
    assert services("add", "bucket", "b", "--file", "other/link.yaml").code == 0
    assert (other / "link.yaml").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    added = "\nbuckets:\n  b: {}\n"
    assert real.read_bytes() == b"\xef\xbb\xbf" + (SERVICE + added).replace("\n", "\r\n").encode()
    assert sorted(path.name for path in other.iterdir()) == [
        "handlers",
        "link.yaml",
        "services.yaml",
    ]


def test_a_file_with_mistakes_may_be_added_to(services: Services, tmp_path: Path) -> None:
    project(tmp_path, SERVICE + "  GET /b: {function: c, auth: none}\n")
    assert services("add", "function", "b").code == 0
    ran = services("validate")
    assert ran.code == 1
    assert len(ran.out.splitlines()) == 1


NAME = (
    "does not fit: a name is lower-case words joined by hyphens, at most 64 characters, "
    "such as list-notes"
)
ROUTE = (
    "does not fit: a route is a method (GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, ANY) and a "
    "path such as GET /notes/{id}, or $default"
)

HANDLER = (
    "does not fit: a handler is a module and a function, such as notes.list_notes, "
    "128 characters at most"
)
HIDES = "would hide Python's own module: --handler names another"
ASYNC = "is async, which Lambda does not await: use asyncio.run in it"
B = ("function", "b", "--handler")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["function", "a"], "functions.a is already there, in line 5"),
        (["function", "Foo"], f"functions.Foo: 'Foo' {NAME}"),
        (["bucket", "b: {}"], f"""buckets["b: {{}}"]: 'b: {{}}' {NAME}"""),
        (["function", "json"], f"handlers/json.py {HIDES}"),
        ([*B, "json.tool.main"], f"handlers/json {HIDES}"),
        ([*B, "b"], f"functions.b.handler: 'b' {HANDLER}"),
        ([*B, "b.class"], "--handler b.class is not valid Python: invalid syntax"),
        ([*B, "app.soon"], f"soon in handlers/app.py {ASYNC}"),
        ([*B, "broken.main"], "handlers/broken.py is not valid Python: '(' was never closed"),
        ([*B, "latin.main"], "handlers/latin.py cannot be read"),
        ([*B, "outside.main"], "handlers/outside.py leads out of the project"),
        (["function", "taken"], "tests/test_taken.py is already there"),
        (
            ["function", "b", "--route", "GET /a", "--auth", "none"],
            'routes["GET /a"] is already there, in line 9',
        ),
        (
            ["route", "GET /b", "--function", "aa", "--auth", "none"],
            """routes["GET /b"].function: there is no function 'aa', did you mean 'a'?""",
        ),
        (
            ["route", "GET /b", "--function", "a", "--auth", "jwt.main"],
            """routes["GET /b"].auth: there is no authorizer 'main' under api.authorizers; """
            "there are no authorizers",
        ),
        (
            ["route", "get /b", "--function", "a", "--auth", "none"],
            f"""routes["get /b"]: 'get /b' {ROUTE}""",
        ),
        (
            ["route", "get /b", "--function", "A", "--auth", "no"],
            f"""routes["get /b"]: 'get /b' {ROUTE} (and 1 more)""",
        ),
        (["parameter", "k", "--plain", ""], "parameters.k.value: needs at least 1 character"),
    ],
)
def test_what_would_not_validate_is_refused(
    services: Services,
    tmp_path: Path,
    unchanged: Callable[[], bool],
    words: list[str],
    said: str,
) -> None:
    handlers = tmp_path / "handlers"
    (handlers / "app.py").write_text(
        "def main(event, context): ...\nasync def soon(event, context): ...\n", "utf-8"
    )
    (handlers / "broken.py").write_text("main(\n", "utf-8")
    (handlers / "latin.py").write_bytes(b"# \xe9\n")
    (handlers / "outside.py").symlink_to("/nowhere/outside.py")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_taken.py").write_text("", "utf-8")
    unchanged()
    ran = services("add", *words)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"services: nothing written: {said}\n"
    assert unchanged()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["route", "GET /b", "--function", "a"],
            "--auth is missing: none (everybody), iam, or jwt",
        ),
        (["route", "GET /b", "--auth", "none"], "Missing option '--function'"),
        (["function", "b", "--auth", "none"], "--auth goes with --route"),
        (["bucket", "a\nb"], "names and values are printable text on one line"),
        (["parameter", "a", "--plain", "\x1b[31m"], "names and values are printable text on one"),
        (["queue", "a"], "No such command 'queue'"),
    ],
)
def test_wrong_words_end_with_2(
    services: Services, unchanged: Callable[[], bool], words: list[str], said: str
) -> None:
    unchanged()
    ran = services("add", *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert unchanged()


def test_a_file_that_is_no_yaml_is_left(services: Services, tmp_path: Path) -> None:
    (tmp_path / "services.yaml").write_text("service: [x\n", "utf-8")
    ran = services("add", "bucket", "b")
    assert (ran.code, ran.err) == (1, "")
    assert ran.out.startswith("services.yaml:1:10: ")


def test_where_there_is_no_place_the_line_to_add_is_said(
    services: Services, tmp_path: Path
) -> None:
    project(tmp_path, "service: x\nbuckets: []\n")
    ran = services("add", "bucket", "b")
    assert ran.err == (
        "services: nothing written: buckets is written in a way that only a person can add to: "
        "add  b: {}\n"
    )


def test_what_cannot_be_written_leaves_everything(
    services: Services, tmp_path: Path, unchanged: Callable[[], bool]
) -> None:
    (tmp_path / "tests").write_text("a file", "utf-8")
    unchanged()
    ran = services("add", "function", "b")
    assert ran.code == 1
    assert ran.err == "services: cannot write tests/test_b.py: not a directory\n"
    assert unchanged()


@pytest.mark.parametrize("name", ["list-notes", "null", "on"])
def test_the_sample_takes_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """The repository's own services.yaml, copied: each addition keeps it valid."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "handlers").mkdir()
    for path in ("services.yaml", "handlers/notes.py", "handlers/requirements.txt"):
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    name = f"{name}-new" if name == "list-notes" else name
    for words in (
        ["function", name, "--route", f"GET /{name}"],
        ["bucket", name],
        ["parameter", name, "--plain", "no"],
        ["parameter", f"{name}-two"],
    ):
        assert run_main(["add", *words], capsys).code == 0
    document = compiler.check(tmp_path / "services.yaml").any
    assert all(name in document.sections[each] for each in ("functions", "buckets", "parameters"))
    old = (ROOT / "services.yaml").read_text("utf-8").splitlines()
    rest = iter((tmp_path / "services.yaml").read_text("utf-8").splitlines())
    assert all(line in rest for line in old)
