"""Places: lines and columns of what an author wrote, and reading the file itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from framework.language.composer import compose
from framework.language.problems import Located, Problem, Rejected, printable, written
from framework.language.problems import Path as DocumentPath
from framework.language.source import MOST_BYTES, Node, Size, Source, decode, fields, load

TEXT = """\
service: notes
functions:
  list-notes:
    handler: notes.list
    layers: [one, "two",
             three]
    description: |
      long
      text
"""


@pytest.fixture
def source() -> Source:
    return compose(TEXT, "services.yaml")


def place(located: Located) -> tuple[int, int, int, int]:
    return located.line, located.column, located.end_line, located.end_column


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ((), True),
        (("service",), True),
        (("functions", "list-notes", "layers", 2), True),
        (("functions", "list-notes", "layers", 3), False),
        (("functions", "list-notes", "layers", "0"), False),
        (("functions", 0), False),
        (("functions", "other"), False),
        (("service", "notes"), False),
    ],
)
def test_has_says_whether_something_stands_there(
    source: Source, path: DocumentPath, there: bool
) -> None:
    assert source.has(path) is there


@pytest.mark.parametrize(
    ("line", "column", "path"),
    [
        (1, 1, ("service",)),
        (1, 14, ("service",)),
        (2, 1, ("functions",)),
        (3, 3, ("functions", "list-notes")),
        (4, 14, ("functions", "list-notes", "handler")),
        (6, 15, ("functions", "list-notes", "layers")),
        (8, 9, ("functions", "list-notes", "description")),
        (99, 1, ()),
    ],
)
def test_what_encloses_a_place_is_found(
    source: Source, line: int, column: int, path: DocumentPath
) -> None:
    assert source.enclosing(line, column) == path


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("ab\ncd", {0: (1, 1), 1: (1, 2), 2: (1, 3), 3: (2, 1), 4: (2, 2), 5: (2, 3)}),
        ("a\r\nb\rc\n", {0: (1, 1), 3: (2, 1), 5: (3, 1), 7: (4, 1)}),
        ("\n\n", {0: (1, 1), 1: (2, 1), 2: (3, 1)}),
        ("a\x85b\u2028c\u2029d\x0be\x0cf\ng", {10: (1, 11), 12: (2, 1)}),
        ("ä😀é\nx", {2: (1, 3), 4: (2, 1)}),
        ("", {0: (1, 1)}),
    ],
)
def test_positions_count_lines_as_editors_do(text: str, places: dict[int, tuple[int, int]]) -> None:
    source = Source("f", text, Node(0, 0, None))

    assert {index: source.position(index) for index in places} == places


def test_lines_are_given_without_their_ends() -> None:
    source = Source("f", "one\r\ntwo\rthree\u2028still\nfour", Node(0, 0, None))

    assert [source.line(number) for number in range(1, 5)] == [
        "one", "two", "three\u2028still", "four"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (Problem("x", ("service",)), (1, 10, 1, 15)),
        (Problem("x", ("service",), "key"), (1, 1, 1, 8)),
        (Problem("x", ("functions", "list-notes"), "key"), (3, 3, 3, 13)),
        (Problem("x", ("functions", "list-notes", "layers", 1)), (5, 19, 5, 24)),
        # A value over several lines is marked in its first.
        (Problem("x", ("functions", "list-notes", "layers")), (5, 13, 5, 25)),
        (Problem("x", ("functions", "list-notes", "description")), (7, 18, 7, 19)),
        (Problem("x", ("functions",)), (3, 3, 3, 14)),
        # What is not there: the nearest part that is, by its key.
        (Problem("x", ("functions", "list-notes", "memory")), (3, 3, 3, 13)),
        (Problem("x", ("functions", "other", "memory")), (2, 1, 2, 10)),
        (Problem("x", ("nothing", "at", "all")), (1, 1, 1, 2)),
        (Problem("x", ("functions", "list-notes", "layers", 9)), (5, 5, 5, 11)),
        (Problem("x", ()), (1, 1, 1, 2)),
        (Problem("x", span=(9, 14)), (1, 10, 1, 15)),
        (Problem("x", span=(9, 9)), (1, 10, 1, 11)),
        # At the end of a line, and of the file, there is only the end to point at.
        (Problem("x", span=(14, 15)), (1, 15, 1, 16)),
        (Problem("x", span=(len(TEXT), len(TEXT) + 1)), (10, 1, 10, 2)),
    ],
)
def test_problems_get_a_place(
    source: Source, problem: Problem, expected: tuple[int, int, int, int]
) -> None:
    assert place(source.locate(problem)) == expected


def test_a_problem_reads_as_one_line(source: Source) -> None:
    error = Problem("is wrong", ("functions", "list-notes", "layers", 1))
    warning = Problem("is odd", ("service",), severity="warning")

    assert str(source.locate(error)) == (
        "services.yaml:5:19: functions.list-notes.layers[1]: is wrong"
    )
    assert str(source.locate(warning)) == "services.yaml:1:10: warning: service: is odd"
    assert str(source.locate(Problem("is bad"))) == "services.yaml:1:1: is bad"


def test_problems_come_in_file_order_and_each_once(source: Source) -> None:
    problems = [
        Problem("b", ("functions", "list-notes", "handler")),
        Problem("d", ("service",)),
        Problem("b", ("functions", "list-notes", "handler")),
        Problem("a", ("functions", "list-notes", "handler")),
        Problem("c", ("functions", "list-notes"), "key"),
    ]

    found = source.located(problems)

    assert [(each.line, each.message) for each in found] == [
        (1, "d"), (3, "c"), (4, "a"), (4, "b")
    ]  # fmt: skip


def test_the_same_sentence_about_the_same_place_is_said_once_whatever_its_path(
    source: Source,
) -> None:
    problems = [Problem("a", ("x", "y"), span=(0, 3)), Problem("a", ("z",), span=(0, 3))]

    assert [each.where for each in source.located(problems)] == ["x.y"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("functions", "list-notes", "memory"), "functions.list-notes.memory"),
        (("routes", "GET /notes/{id}", "auth"), 'routes["GET /notes/{id}"].auth'),
        (("functions", "a", "uses", "buckets.b", 0), 'functions.a.uses["buckets.b"][0]'),
        (("$default",), "$default"),
        (("a\x1b[31m\n",), '["aU+001B[31mU+000A"]'),
        (("k" * 100, "x"), '["' + "k" * 59 + '…"].x'),
    ],
)
def test_paths_are_written_as_an_author_reads_them(path: DocumentPath, text: str) -> None:
    assert written(path) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        ("\x1b]0;gotcha\x07", "U+001B]0;gotchaU+0007"),
        ("a\u202eb\u200bc\x85\ufeff", "aU+202EbU+200BcU+0085U+FEFF"),
        ("ä😀", "ä😀"),
    ],
)
def test_text_is_shown_without_what_a_terminal_would_obey(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_sizes_count_keys_values_and_characters(source: Source) -> None:
    root = source.root

    assert fields(root)["service"].node.size() == Size(1, 5)
    assert fields(fields(root)["functions"].node)["list-notes"].node.size().values == 10
    assert Size(2, 3) + Size(1, 1) == Size(3, 4)
    assert Size(2, 3).times(3) == Size(6, 9)
    assert [Size(200_000, 8_388_608).excess(), Size(200_001).excess()] == [
        "", "more than 200,000 keys and values"
    ]  # fmt: skip
    assert Size(1, 8_388_609).excess() == "more than 8,388,608 characters of text"


def test_only_maps_have_fields(source: Source) -> None:
    assert fields(fields(source.root)["service"].node) == {}


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"a: 1\n", "a: 1\n"), (b"\xef\xbb\xbfa: 1\n", "a: 1\n"), ("ä: 😀".encode(), "ä: 😀")],
)
def test_utf8_is_decoded_without_its_mark(data: bytes, text: str) -> None:
    assert decode(data, "services.yaml") == text


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"a: \xff\n", "f:1:4: the file is not UTF-8 text"),
        (b"a: 1\r\nb: \xc3\n", "f:2:4: the file is not UTF-8 text"),
        ("ä: 😀".encode() + b"\x80", "f:1:5: the file is not UTF-8 text"),
        (b"\xef\xbb\xbfa: \xe4\n", "f:1:4: the file is not UTF-8 text"),
        (b"a: \xed\xa0\x80", "f:1:4: the file is not UTF-8 text"),
        ("a: 1\n".encode("utf-16"), "f:1:1: the file is UTF-16 text: save it as UTF-8"),
        (b"\xfe\xff" + "ä: 1\n".encode("utf-16-be"),
         "f:1:1: the file is UTF-16 text: save it as UTF-8"),
        ("service: café\n".encode("latin-1"), "f:1:13: the file is not UTF-8 text"),
    ],
)  # fmt: skip
def test_other_encodings_are_refused_at_their_first_byte(data: bytes, line: str) -> None:
    with pytest.raises(Rejected) as refused:
        decode(data, "f")

    assert [str(problem) for problem in refused.value.problems] == [line]


def refusal(path: Path) -> str:
    with pytest.raises(Rejected) as refused:
        load(path, "services.yaml")
    return str(refused.value)


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "services.yaml"
    file.write_bytes(b"service: notes\r\n")

    assert load(file, "services.yaml") == "service: notes\r\n"


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    assert refusal(tmp_path / "services.yaml") == (
        "services.yaml:1:1: does not exist: 'services init' makes a first one, --file names another"
    )


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert refusal(tmp_path) == "services.yaml:1:1: is not a regular file"
    assert refusal(tmp_path / "pipe") == "services.yaml:1:1: is not a regular file"
    assert refusal(Path("/dev/zero")) == "services.yaml:1:1: is not a regular file"


def test_large_files_are_not_read(tmp_path: Path) -> None:
    file = tmp_path / "services.yaml"
    with file.open("wb") as opened:
        opened.truncate(MOST_BYTES + 1)

    assert refusal(file) == "services.yaml:1:1: is larger than 8 MiB"


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert refusal(tmp_path / "file" / "services.yaml") == (
        "services.yaml:1:1: cannot be read: not a directory"
    )
