from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from framework.packaging.errors import PackagingError
from framework.packaging.tree import SourceFile, check_names, installed_files, source_files
from tests.support.wheels import make_folder


def names(source: Path) -> list[str]:
    return [file.name for file in source_files(source)]


def problem(source: Path) -> str:
    with pytest.raises(PackagingError) as caught:
        source_files(source)
    assert caught.value.source == source
    return caught.value.problem


def test_files_are_sorted_by_name_with_their_sizes(tmp_path: Path) -> None:
    make_folder(tmp_path, {"b.py": "bb", "a/z.py": "", "a.py": "a", "B/c.py": "c"})
    assert source_files(tmp_path) == (
        SourceFile("B/c.py", tmp_path / "B/c.py", 1),
        SourceFile("a.py", tmp_path / "a.py", 1),
        SourceFile("a/z.py", tmp_path / "a/z.py", 0),
        SourceFile("b.py", tmp_path / "b.py", 2),
    )


def test_missing_folder(tmp_path: Path) -> None:
    assert problem(tmp_path / "absent") == "the source folder does not exist"


def test_links_inside_the_folder_are_followed(tmp_path: Path) -> None:
    make_folder(tmp_path, {"real/a.py": "a"})
    (tmp_path / "file.py").symlink_to("real/a.py")
    (tmp_path / "folder").symlink_to("real")
    assert names(tmp_path) == ["file.py", "folder/a.py", "real/a.py"]


@pytest.mark.parametrize("target", ["secret.txt", "elsewhere", "/etc"])
def test_link_out_of_the_folder(tmp_path: Path, target: str) -> None:
    make_folder(tmp_path, {"secret.txt": "s", "elsewhere/a.py": "a", "source/a.py": "a"})
    (tmp_path / "source/out").symlink_to(tmp_path / target)
    assert problem(tmp_path / "source") == "the link out leads out of the folder"


def test_link_that_leads_nowhere(tmp_path: Path) -> None:
    make_folder(tmp_path, {"a/b.py": ""})
    (tmp_path / "a/gone").symlink_to("absent")
    assert problem(tmp_path) == "the link a/gone leads nowhere"


def test_link_that_leads_round_in_a_circle(tmp_path: Path) -> None:
    make_folder(tmp_path, {"a/b.py": ""})
    (tmp_path / "a/again").symlink_to(tmp_path)
    assert problem(tmp_path) == "the link a/again leads round in a circle"


def test_ignored_links_are_not_followed(tmp_path: Path) -> None:
    make_folder(tmp_path, {"a.py": ""})
    (tmp_path / ".venv").symlink_to("/usr")
    (tmp_path / "old~").symlink_to("absent")
    assert names(tmp_path) == ["a.py"]


def test_source_folder_that_is_a_link_itself(tmp_path: Path) -> None:
    make_folder(tmp_path / "real", {"a.py": ""})
    (tmp_path / "source").symlink_to("real")
    assert names(tmp_path / "source") == ["a.py"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_special_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert problem(tmp_path) == "pipe is neither a file nor a folder"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a\nb.py", r"'a\nb.py'"), ("a\\b.py", r"'a\\b.py'"), (b"\xff.py", r"'\udcff.py'")],
)
def test_name_that_other_systems_cannot_write(
    tmp_path: Path, name: str | bytes, shown: str
) -> None:
    (tmp_path / os.fsdecode(name)).touch()
    assert problem(tmp_path) == f"the name {shown} cannot be written on every file system"


def test_names_are_written_in_one_form_of_unicode(tmp_path: Path) -> None:
    (tmp_path / unicodedata.normalize("NFD", "é.txt")).touch()
    assert names(tmp_path) == [unicodedata.normalize("NFC", "é.txt")]


def test_installed_files_leave_out_what_the_installer_wrote(tmp_path: Path) -> None:
    records = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json")
    make_folder(
        tmp_path,
        {
            **{f"tiny-1.0.dist-info/{name}": "" for name in records},
            **{"bin/tiny": "", "Scripts/tiny.exe": "", ".lock": "", "a/__pycache__/x.pyc": ""},
            **{"tiny-1.0.dist-info/METADATA": "", "tiny-1.0.dist-info/licenses/RECORD": ""},
            **{"tiny/bin/x": "", "tiny/tests/test_x.py": "", "tiny/.env": ""},
        },
    )
    assert [file.name for file in installed_files(tmp_path, tmp_path)] == [
        "tiny-1.0.dist-info/METADATA",
        "tiny-1.0.dist-info/licenses/RECORD",
        "tiny/.env",
        "tiny/bin/x",
        "tiny/tests/test_x.py",
    ]


@pytest.mark.parametrize(
    ("own", "installed", "message"),
    [
        (["a.py", "A.py"], [], "a.py and A.py differ only in case: rename one of them"),
        (["a/x.py", "A/y.py"], [], "a and A differ only in case: rename one of them"),
        (["tiny/x.py"], ["Tiny/y.py"], "tiny and Tiny differ only in case: rename one of them"),
        (["straße"], ["STRASSE"], "straße and STRASSE differ only in case: rename one of them"),
        (["t/a.py"], ["t/a.py"], "t/a.py is in the folder and in its requirements: rename yours"),
        (
            ["tiny"],
            ["tiny/a.py"],
            "tiny is a file in the folder or its requirements, and a folder in the other",
        ),
        (["é", "é"], [], "é is there twice, in two spellings of Unicode"),
    ],
)
def test_names_that_cannot_lie_beside_each_other(
    tmp_path: Path, own: list[str], installed: list[str], message: str
) -> None:
    with pytest.raises(PackagingError) as caught:
        check_names(tmp_path, own, installed)
    assert caught.value.problem == message


def test_names_that_share_folders_are_fine(tmp_path: Path) -> None:
    check_names(tmp_path, ["space/own.py", "a.py"], ["space/theirs.py", "b/a.py"])
