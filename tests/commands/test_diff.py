"""`services diff` with plan files and git revisions, and `services plan --format`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from framework.commands import main
from tests.support.projects import project

SERVICE = """\
service: x
alarms: {enabled: false, reason: a test}
functions: {a: {handler: app.main}}
"""
WIDER = SERVICE + "routes: {GET /: {function: a, auth: none}}\n"

Services = Callable[..., tuple[object, str, str]]
Git = Callable[..., str]


@pytest.fixture
def services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Services:
    """Runs `services WORDS` in a project of its own: (exit code, output, errors)."""
    monkeypatch.chdir(tmp_path)
    for name in [*(each for each in os.environ if each.startswith("GIT_"))]:
        monkeypatch.delenv(name)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    project(tmp_path, SERVICE)

    def run(*words: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(words)
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return run


@pytest.fixture
def git(tmp_path: Path, services: Services) -> Git:
    """Runs git in the project, which is a repository with one commit of the service."""

    def run(*words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *who, *words], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout

    run("init", "--quiet", "--initial-branch=main")
    run("add", ".")
    run("commit", "--quiet", "-m", "first")
    return run


def write(text: str) -> None:
    Path("services.yaml").write_text(text, "utf-8")


def record(services: Services, file: str, *words: str) -> None:
    Path(file).write_text(services("plan", "--json", *words)[1], "utf-8")


def test_a_revision_and_the_working_tree(services: Services, git: Git) -> None:
    write(WIDER)
    code, out, err = services("diff", "HEAD", "--region", "eu-west-1")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "HEAD -> services.yaml, stack dev, account 000000000000, eu-west-1"
    assert lines[1] == "  (account 000000000000 stands for the stack's: --account says it)"
    assert "  routes.GET /: answers everybody: authorization NONE" in lines
    assert lines[-1] == "6 added, 0 changed, 0 replaced, 0 removed; access widened in 1 way"


def test_two_revisions(services: Services, git: Git) -> None:
    write(WIDER)
    git("commit", "--quiet", "-am", "second")
    write("nonsense: [")
    code, out, _ = services("diff", "HEAD~1", "main", "--fail-on-widening")
    assert code == 1
    assert out.startswith("HEAD~1 -> main, ")
    code, out, _ = services("diff", "main", "HEAD~1", "--fail-on-widening")
    assert (code, out.splitlines()[-1]) == (
        0, "0 added, 0 changed, 0 replaced, 6 removed; access widened in no way",
    )  # fmt: skip


def test_nothing_changed(services: Services, git: Git) -> None:
    assert services("diff", "HEAD", "--fail-on-widening")[1].splitlines()[-1] == "no changes"


def test_a_revision_is_left_as_it_was(services: Services, git: Git) -> None:
    write(WIDER)
    before = git("status", "--porcelain", "--ignored")
    services("diff", "HEAD")
    assert git("status", "--porcelain", "--ignored") == before


def test_a_project_in_a_folder_of_the_repository(services: Services, git: Git) -> None:
    Path("sub").mkdir()
    project(Path("sub"), SERVICE)
    git("add", ".")
    git("commit", "--quiet", "-m", "second")
    Path("sub/services.yaml").write_text(WIDER, "utf-8")
    code, out, _ = services("diff", "HEAD", "--file", "sub/services.yaml")
    assert code == 0
    assert out.startswith("HEAD -> sub/services.yaml, ")


def test_links_within_the_project_are_followed_and_no_others(services: Services, git: Git) -> None:
    Path("shared").mkdir()
    Path("shared/more.py").write_text("def main(event, context): ...\n", "utf-8")
    Path("handlers/more.py").symlink_to("../shared/more.py")
    Path("handlers/out.py").symlink_to("/etc/hostname")
    write(SERVICE.replace("app.main", "more.main"))
    git("add", ".")
    git("commit", "--quiet", "-m", "second")
    assert services("diff", "HEAD")[0] == 0
    write(SERVICE.replace("app.main", "out.main"))
    git("commit", "--quiet", "-am", "third")
    code, out, _ = services("diff", "HEAD")
    assert (code, out) == (
        1, "HEAD:services.yaml:3:26: functions.a.handler: there is no handlers/out.py\n",
    )  # fmt: skip


def test_problems_of_a_revision_name_it(services: Services, git: Git) -> None:
    write(SERVICE.replace("handler", "handlr"))
    git("commit", "--quiet", "-am", "second")
    write(SERVICE)
    code, out, err = services("diff", "HEAD")
    assert (code, err) == (1, "")
    assert out == (
        "HEAD:services.yaml:3:13: functions.a: 'handler' is missing\n"
        "HEAD:services.yaml:3:17: functions.a.handlr: unknown field, did you mean 'handler'?\n"
    )


def test_a_revision_is_judged_by_the_rules_of_its_day(
    services: Services, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(SERVICE.replace("app.main", "app.main, runtime: python3.8"))
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2020-01-01T00:00:00Z")
    git("commit", "--quiet", "-am", "second")
    write(SERVICE)
    code, out, _ = services("diff", "HEAD")
    assert code == 0
    assert "      runtime: python3.8 -> python3.13\n" in out


@pytest.mark.parametrize("word", ["nowhere", "HEAD~7", "HEAD:services.yaml", "a b", "", "a\nb"])
def test_no_such_revision(services: Services, git: Git, word: str) -> None:
    code, out, err = services("diff", word)
    assert (code, out) == (1, "")
    assert err.endswith(" is neither a plan file nor a git revision\n")
    assert err.startswith("services: ")
    assert err.count("\n") == 1


def test_what_looks_like_an_option_is_none(services: Services, git: Git, tmp_path: Path) -> None:
    code, out, err = services("diff", "--", "--output=stolen")
    assert (code, out) == (1, "")
    assert err == "services: --output=stolen is neither a plan file nor a git revision\n"
    assert not (tmp_path / "stolen").exists()


def test_a_revision_without_the_file(services: Services, git: Git) -> None:
    Path("other.yaml").write_text(SERVICE, "utf-8")
    code, _, err = services("diff", "HEAD", "--file", "other.yaml")
    assert (code, err) == (1, "services: there is no other.yaml in HEAD\n")


def test_a_folder_that_is_not_there(services: Services, git: Git) -> None:
    code, _, err = services("diff", "HEAD", "--file", "gone/services.yaml")
    assert (code, err) == (1, "services: there is no folder gone to look for revisions in\n")


def test_no_repository(services: Services, tmp_path: Path) -> None:
    code, _, err = services("diff", "HEAD")
    assert (code, err) == (
        1, f"services: HEAD is no plan file, and {tmp_path} is in no git repository\n",
    )  # fmt: skip


def test_no_git(services: Services, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    code, _, err = services("diff", "HEAD")
    assert (code, err) == (
        1,
        "services: git is not installed, so only plan files can be compared\n",
    )


def test_a_repository_that_lacks_an_object(services: Services, git: Git) -> None:
    object = git("rev-parse", "HEAD:handlers/app.py").strip()
    Path(".git", "objects", object[:2], object[2:]).unlink()
    code, _, err = services("diff", "HEAD")
    assert (code, err) == (1, "services: git has no content for handlers/app.py\n")


def test_a_repository_that_lacks_a_folder(services: Services, git: Git) -> None:
    object = git("rev-parse", "HEAD:handlers").strip()
    Path(".git", "objects", object[:2], object[2:]).unlink()
    code, _, err = services("diff", "HEAD")
    assert code == 1
    assert err.startswith("services: git ls-tree failed: ")


def test_plan_files_need_no_repository_and_bring_their_target(services: Services) -> None:
    words = ("--stack", "prod", "--account", "123456789012", "--region", "eu-north-1")
    record(services, "deployed.json", *words)
    write(WIDER)
    code, out, err = services("diff", "deployed.json")
    assert (code, err) == (0, "")
    assert out.startswith(
        "deployed.json -> services.yaml, stack prod, account 123456789012, eu-north-1\n\nadded\n"
    )


def test_another_stack_is_said(services: Services) -> None:
    record(services, "dev.json")
    code, out, _ = services("diff", "dev.json", "--stack", "prod", "--region", "us-east-1")
    assert code == 0
    assert out.splitlines()[:2] == [
        "dev.json -> services.yaml, stack prod, account 000000000000, us-east-1",
        "  (the first is for stack dev, account 000000000000, us-east-1: "
        "that alone makes differences)",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is not JSON"),
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "it is no map"),
        ("{}", "its format is none, and this version reads format 1"),
        ('{"format": 2}', "its format is 2, and this version reads format 1"),
    ],
)
def test_a_file_that_is_no_plan(services: Services, text: str, why: str) -> None:
    Path("wrong.json").write_text(text, "utf-8")
    code, out, err = services("diff", "wrong.json")
    assert (code, out) == (1, "")
    assert err == f"services: wrong.json is no plan: {why}\n"


def test_a_file_that_cannot_be_read(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("closed.json").write_text("{}", "utf-8")

    def refuse(*_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    code, _, err = services("diff", "closed.json")
    assert (code, err) == (1, "services: cannot read closed.json: permission denied\n")


def test_control_characters_of_a_plan_file_reach_no_terminal(services: Services) -> None:
    record(services, "one.json")
    text = Path("one.json").read_text("utf-8")
    Path("two.json").write_text(text.replace("functions.a", "functions.\\u001b[31ma"), "utf-8")
    code, out, _ = services("diff", "one.json", "two.json")
    assert code == 0
    assert "\x1b" not in out
    assert "functions.U+001B[31ma" in out


def test_as_json(services: Services) -> None:
    record(services, "old.json")
    write(WIDER.replace("app.main", "app.main, memory: 512"))
    code, out, _ = services("diff", "old.json", "--json", "--fail-on-widening")
    assert code == 1
    found = json.loads(out)
    assert (found["format"], found["old"], found["new"]) == (1, "old.json", "services.yaml")
    assert (found["provider"], found["replaced"], found["removed"]) == ([], [], [])
    assert len(found["added"]) == 6
    assert {
        "key": "functions.a/integration",
        "type": "aws:apigatewayv2/integration:Integration",
        "entry": "functions.a",
    } in found["added"]
    assert found["changed"] == [
        {
            "key": "functions.a",
            "type": "aws:lambda/function:Function",
            "entry": "functions.a",
            "properties": [{"path": "memorySize", "old": 256, "new": 512}],
        }
    ]
    assert found["widens"] == [
        {
            "rule": "open-routes",
            "key": "routes.GET /",
            "entry": "routes.GET /",
            "sentence": "answers everybody: authorization NONE",
        }
    ]


def test_as_json_a_replacement_says_why(services: Services) -> None:
    record(services, "old.json")
    _, out, _ = services("diff", "old.json", "--json", "--region", "eu-west-1")
    replaced = json.loads(out)["replaced"]
    assert replaced[0]["because"] == ["region"]
    assert replaced[0]["properties"][0] == {
        "path": "region",
        "old": "us-east-1",
        "new": "eu-west-1",
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["diff"], "Missing argument 'OLD'"),
        (["diff", "a", "b", "c"], "unexpected extra argument"),
        (["diff", "HEAD", "--account", "1"], "--account takes the twelve digits"),
        (["plan", "--json", "--format", "tree"], "--json is --format json, not --format tree"),
        (["plan", "--format", "toml"], "is not one of 'tree', 'json', 'pulumi-yaml'"),
    ],
)
def test_wrong_words_end_with_2(services: Services, git: Git, words: list[str], said: str) -> None:
    code, out, err = services(*words)
    assert (code, out) == (2, "")
    assert said in err


def test_the_formats_of_a_plan(services: Services) -> None:
    assert services("plan", "--format", "tree") == services("plan")
    assert services("plan", "--format", "json") == services("plan", "--json")
    assert services("plan", "--format", "json", "--json") == services("plan", "--json")


def test_a_plan_as_a_program(services: Services) -> None:
    code, out, err = services("plan", "--format", "pulumi-yaml")
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [
        "# The service x as a Pulumi YAML program, written by  services plan --format pulumi-yaml",
        "# Its functions' packages lie beside it, written by  services package --out dist",
    ]
    assert yaml.safe_load(out)["name"] == "x"


@pytest.mark.parametrize(
    ("settings", "name"), [("name: shop\nruntime: python\n", "shop"), ("[", "x"), ("name: 1", "x")]
)
def test_a_program_has_the_name_of_the_pulumi_project(
    services: Services, settings: str, name: str
) -> None:
    Path("Pulumi.yaml").write_text(settings, "utf-8")
    assert yaml.safe_load(services("plan", "--format", "pulumi-yaml")[1])["name"] == name
