from __future__ import annotations

from pathlib import Path

import pytest

from framework.packaging.errors import PackagingError
from framework.packaging.reading import read_requirements
from framework.packaging.requirements import Requirements
from tests.support.wheels import make_folder, make_wheel


def read(source: Path, **files: str) -> Requirements:
    names = {"requirements": "requirements.txt"}
    make_folder(source, {names.get(name, f"{name}.txt"): text for name, text in files.items()})
    requirements = read_requirements(source)
    assert requirements is not None
    return requirements


def problem(source: Path, project: Path | None = None) -> str:
    with pytest.raises(PackagingError) as caught:
        read_requirements(source, project)
    assert caught.value.source == source
    return caught.value.problem


@pytest.mark.parametrize("text", ["", "\n\n", "# only\n  # comments\n", "--no-index\n", "-c c.txt"])
def test_nothing_is_required(tmp_path: Path, text: str) -> None:
    make_folder(tmp_path, {"requirements.txt": text, "c.txt": "idna<4\n"})
    assert read_requirements(tmp_path) is None


def test_no_file_requires_nothing(tmp_path: Path) -> None:
    assert read_requirements(tmp_path) is None


def test_comments_spaces_and_line_ends_do_not_count(tmp_path: Path) -> None:
    plain = read(tmp_path / "a", requirements="idna==3.10\nsix\n")
    noisy = read(
        tmp_path / "b",
        requirements="\ufeff# why \\\r\nidna==3.10   # pinned\r\n\r\n   six  \r\n#x",
    )
    assert plain.lines == noisy.lines == ("idna==3.10", "six")


def test_hashes_on_continued_lines(tmp_path: Path) -> None:
    requirements = read(tmp_path, requirements="idna==3.10 \\\n    --hash=sha256:00 \\\n  # end\n")
    assert requirements.lines == ("idna==3.10 --hash=sha256:00",)
    assert requirements.hashed
    assert requirements.named_in("idna is absent") == "idna==3.10"
    assert not read(tmp_path / "other", requirements="idna==3.10").hashed


def test_places_are_the_lines_that_requirements_begin_on(tmp_path: Path) -> None:
    text = "# why\n\nidna==3.10 \\\n    --hash=sha256:00\n-r more.txt\nsix \\\n   ==1 \\"
    make_folder(tmp_path, {"more.txt": "\n\nrich\n"})
    requirements = read(tmp_path, requirements=text)
    assert dict(requirements.places) == {
        "idna==3.10": "requirements.txt:3",
        "rich": "more.txt:3",
        "six ==1": "requirements.txt:6",
    }
    assert requirements.place_of("absent") == requirements.place_of(None) == "requirements.txt"


def test_included_files_stand_in_place_of_their_line(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "a\n-r more/b.txt\n--constraint=c.txt\n",
        "more/b.txt": "b\n-r ../c.txt\n",
        "c.txt": "c==1\n",
    }
    requirements = read_requirements(make_folder(tmp_path, files))
    assert requirements is not None
    assert requirements.lines == ("a", "b", "c==1", "c==1")
    assert dict(requirements.wanted) == {"a": "a", "b": "b", "c": "c==1"}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("Foo.Bar_baz>=2", "because foo-bar-baz is absent"),
        ("foo[extra,more]==1 ; python_version > '3'", "foo==1 has no wheels"),
        ("foo @ https://host/foo-1.0-py3-none-any.whl", "Failed to download `foo @ https`"),
        ("https://host/foo-1.0-py3-none-any.whl", "Failed to download foo"),
        ("wheels/foo-1.0-py3-none-any.whl", "Failed to read foo"),
        ("./foo", "attempted to build `foo`"),
    ],
)
def test_the_requirement_that_a_text_names(tmp_path: Path, line: str, text: str) -> None:
    requirements = read(tmp_path, requirements=f"other\n{line}\n")
    assert requirements.named_in(text) == line
    assert requirements.named_in("food and a foot") is None


def test_wheels_named_by_path_count_with_their_content(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "wheels", "tiny")
    lines = (
        *("wheels/tiny-1.0-py3-none-any.whl", f"tiny @ {wheel.as_uri()}"),
        *("--no-index\n-f wheels\ntiny", f"--find-links={wheel.parent.as_uri()}\ntiny"),
    )
    before = [read(tmp_path, requirements=line).files for line in lines]
    assert [len(files) for files in before] == [1, 1, 1, 1]
    make_wheel(tmp_path / "wheels", "tiny", files={"tiny.py": "changed"})
    after = [read(tmp_path, requirements=line).files for line in lines]
    assert all(old != new for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("line", ["-f https://host/[", "x @ https://[host/x.whl", "x" * 300])
def test_what_is_no_path_is_not_taken_for_one(tmp_path: Path, line: str) -> None:
    assert read(tmp_path, requirements=f"{line}\nsix\n").files == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-r absent.txt", "requirements.txt includes absent.txt, which does not exist"),
        (
            "-r https://host/r.txt",
            "requirements.txt includes https://host/r.txt: only files can be included",
        ),
        ("-r requirements.txt", "requirements.txt includes itself"),
        ("-r a.txt", "a.txt includes itself"),
        ("-r latin.txt", "latin.txt is not UTF-8 text"),
        ("six\0", "requirements.txt is not text"),
        ("-ra.txt", "requirements.txt:1: -ra.txt: put a blank behind -r"),
        ("six\n-e.", "requirements.txt:2: -e.: put a blank behind -e"),
        ("-e .", "requirements.txt:1: -e .: packages are made from wheels only"),
        (
            "--editable=./x",
            "requirements.txt:1: --editable=./x: packages are made from wheels only",
        ),
        (
            "--no-binary :all:",
            "requirements.txt:1: --no-binary :all:: packages are made from wheels only",
        ),
        (
            "--only-binary=:none:",
            "requirements.txt:1: --only-binary=:none:: packages are made from wheels only",
        ),
        (
            "-r sources.txt",
            "sources.txt:1: --no-binary six: packages are made from wheels only",
        ),
    ],
)
def test_refused(tmp_path: Path, text: str, message: str) -> None:
    make_folder(
        tmp_path,
        {"requirements.txt": text, "a.txt": "-r b.txt", "b.txt": "-r a.txt"},
    )
    (tmp_path / "latin.txt").write_bytes(b"\xe9")
    (tmp_path / "sources.txt").write_text("--no-binary six")
    assert problem(tmp_path) == message


def test_only_wheels_may_be_said_twice(tmp_path: Path) -> None:
    assert read(tmp_path, requirements="--only-binary :all:\nsix").wanted == (("six", "six"),)


def test_file_outside_the_folder_is_shown_whole(tmp_path: Path) -> None:
    make_folder(
        tmp_path, {"outside.txt": "-r absent.txt", "in/requirements.txt": "-r ../outside.txt"}
    )
    outside = (tmp_path / "outside.txt").resolve()
    said = f"{outside} includes absent.txt, which does not exist"
    assert problem(tmp_path / "in", tmp_path) == said


@pytest.mark.parametrize("line", ["-r ../../outside.txt", "-c=../../outside.txt", "-r link.txt"])
def test_files_outside_of_the_project_are_not_included(tmp_path: Path, line: str) -> None:
    project, source = tmp_path / "project", tmp_path / "project" / "in"
    make_folder(source, {"requirements.txt": f"six\n{line}\n"})
    make_folder(tmp_path, {"outside.txt": "idna\n"})
    (source / "link.txt").symlink_to(tmp_path / "outside.txt")
    expected = f"requirements.txt:2: {line} leads out of the project"
    assert problem(source, project) == problem(source) == expected


def test_files_elsewhere_in_the_project_are(tmp_path: Path) -> None:
    source = make_folder(tmp_path / "in", {"requirements.txt": "six\n-r ../shared.txt\n"})
    make_folder(tmp_path, {"shared.txt": "idna\n"})
    found = read_requirements(source, tmp_path)
    assert found is not None
    assert found.lines == ("six", "idna")
    assert problem(source) == "requirements.txt:2: -r ../shared.txt leads out of the project"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("../r.txt", "the link requirements.txt leads out of the folder"),
        ("absent", "requirements.txt is no file, or a link that leads nowhere"),
        ("requirements.txt", "requirements.txt is no file, or a link that leads nowhere"),
        (".", "requirements.txt is no file, or a link that leads nowhere"),
    ],
)
def test_linked_requirements(tmp_path: Path, target: str, message: str) -> None:
    make_folder(tmp_path, {"r.txt": "six", "in/a.py": ""})
    (tmp_path / "in/requirements.txt").symlink_to(target)
    assert problem(tmp_path / "in") == message
