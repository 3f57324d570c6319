"""YAML text to values: what is read, what is refused, and where exactly."""

from __future__ import annotations

import pytest
import yaml

from framework.language.composer import MOST_DEPTH, compose
from framework.language.problems import MOST_PROBLEMS, Located, Rejected
from framework.language.source import MOST_CHARACTERS, MOST_VALUES, Plain

LOADERS = (yaml.CSafeLoader, yaml.SafeLoader)


@pytest.fixture(params=LOADERS, ids=["libyaml", "pure"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers that PyYAML may bring have to say the same."""
    monkeypatch.setattr("framework.language.composer._LOADER", request.param)


def problems(text: str) -> tuple[Located, ...]:
    with pytest.raises(Rejected) as refused:
        compose(text, "f")
    return refused.value.problems


def lines(text: str) -> list[str]:
    return [str(problem).removeprefix("f:") for problem in problems(text)]


def value(text: str) -> Plain:
    return compose(text, "f").root.plain()


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("# nothing yet\n", {}),
        ("  \n\n", {}),
        ("---\na: 1\n", {"a": 1}),
        ("a: 1\n...\n", {"a": 1}),
        ("%YAML 1.2\n---\na: 1\n", {"a": 1}),
        ("hello", "hello"),
        ("- a\n- [b, c]\n", ["a", ["b", "c"]]),
        ("a: no\nb: 'true'\nc: \"12\"\nd: ~\n", {"a": "no", "b": "true", "c": "12", "d": None}),
        ("a: |\n  x\n  y\nb: >-\n  x\n  y\n", {"a": "x\ny\n", "b": "x y"}),
        ("1: a\ntrue: b\n~: c\n", {"1": "a", "true": "b", "~": "c"}),
        ("? a\n: b\n", {"a": "b"}),
        ('"": 1\n', {"": 1}),
        ("a: ${X} $[Y] <b> =c\n", {"a": "${X} $[Y] <b> =c"}),
        ("a: text {{ x }} in it\n", {"a": "text {{ x }} in it"}),
        ('a: "{{ x }}"\n', {"a": "{{ x }}"}),
        ("a: 1\r\nb:\r\n  c: 2\r\n", {"a": 1, "b": {"c": 2}}),
        ("a: 1\rb:\r  c: 2\r", {"a": 1, "b": {"c": 2}}),
        ("a: !!str 12\nb: ! 12\nc: !!seq [1]\nd: !!map {e: 1}\n",
         {"a": "12", "b": "12", "c": [1], "d": {"e": 1}}),
        ('a: "\\u2028\\N\\t\\n\\x41"\n', {"a": "\u2028\x85\t\nA"}),
    ],
)  # fmt: skip
def test_values(text: str, expected: Plain) -> None:
    assert value(text) == expected


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Tabs.
        ("a:\n\tb: 1\n", "2:1: a tab cannot indent or separate here: use spaces"),
        ("a:\n  b: 1\n\tc: 2\n", "3:1: a tab cannot indent or separate here: use spaces"),
        ("-\ta\n", "1:2: a tab cannot indent or separate here: use spaces"),
        ("a: |\n\tx\n", "2:1: a tab cannot indent or separate here: use spaces"),
        ("\t\n", "1:1: a tab cannot indent or separate here: use spaces"),
        # Templates.
        ("a: {{ x }}\n", "1:4: {{ begins a map here: put the text in quotes"),
        ("a: {{x}}\n", "1:4: {{ begins a map here: put the text in quotes"),
        ("a: {{ x }}-b\n", "1:4: {{ begins a map here: put the text in quotes"),
        ("a: [{{ x }}]\n", "1:5: {{ begins a map here: put the text in quotes"),
        ("{{ x }}: 1\n", "1:1: {{ begins a map here: put the text in quotes"),
        ("a: {{ f('x', 'y') }}\n", "1:4: {{ begins a map here: put the text in quotes"),
        ("a: 1\n{% if x %}\nb: 1\n", "2:1: {% begins a map here: put the text in quotes"),
        ("a: 'b'c {{ x }}\n", "1:9: {{ begins a map here: put the text in quotes"),
        # Characters that YAML keeps to itself.
        ("a: %x\n", "1:4: put text that begins with % in quotes"),
        ("%x\n", "1:1: put text that begins with % in quotes"),
        ("%YAML 2.0\n---\na: 1\n", "1:1: lines that begin with % are not supported: remove it"),
        ("a: @x\n", "1:4: put text that begins with @ in quotes"),
        ("a: `x`\n", "1:4: put text that begins with ` in quotes"),
        ("a: *.py\n", "1:4: put text that begins with * in quotes"),
        ("a: *\n", "1:4: put text that begins with * in quotes"),
        ("a: &\n", "1:4: put text that begins with & in quotes"),
        ("a: ? b\n", "1:4: put text that begins with ? in quotes"),
        ("a: |x\n  b\n", "1:4: text after | or > begins on the next line: otherwise use quotes"),
        ("a: > b\n", "1:4: text after | or > begins on the next line: otherwise use quotes"),
        # Brackets.
        ("a: [1, 2\nb: 3\n", "1:4: a list opened with [ needs a comma or a closing ]"),
        ("a: [1, 2\n", "1:4: a list opened with [ needs a comma or a closing ]"),
        ("a: [1, [2, 3]\nb: 1\n", "1:4: a list opened with [ needs a comma or a closing ]"),
        ("a: {b: 1\nc: 2\n", "1:4: a map opened with { needs a comma or a closing }"),
        ("a: {b: c: d}\n", "1:4: a map opened with { needs a comma or a closing }"),
        ("a: 1\nb: [\n", "2:4: a list opened with [ needs a closing ]"),
        ("b: [1,\n\n", "1:4: a list opened with [ needs a closing ]"),
        ("a: ]\n", "1:4: this ] closes nothing that is open here"),
        ("ä: {öü: \"x😀\", é: [1, }\n", "1:22: this } closes nothing that is open here"),
        ("a: [1,,2]\n", "1:7: a value is missing before the comma"),
        ("a: [x]y\n", "1:7: text goes on after the closing ]: put the whole text in quotes"),
        ("a: {x}/y\n", "1:7: text goes on after the closing }: put the whole text in quotes"),
        # Quotes.
        ('a: "x\nb: 3\n', "1:4: a quote that is opened is not closed"),
        ("a: 'x\nb: 3\n", "1:4: a quote that is opened is not closed"),
        ('a: "x\n---\nb: 1\n', "1:4: a quote that is opened is not closed"),
        ('a: 1\nb: "x\nc: "y"\n', "2:4: a quote that is opened is not closed"),
        ("a: 'it's'\n",
         "1:8: text goes on after the closing ': write '' for a ' within, or use double quotes"),
        ('a: "x" y\n',
         '1:8: text goes on after the closing ": write \\" for a " within, or use single quotes'),
        # Escapes.
        ('a: "\\d"\n', "1:5: an unknown escape: use single quotes, or \\\\ for a backslash"),
        ('a: "\\x1"\n', "1:5: an unknown escape: use single quotes, or \\\\ for a backslash"),
        ('a: "C:\\Users"\n', "1:7: an unknown escape: use single quotes, or \\\\ for a backslash"),
        # Colons.
        ("a: b: c\n", "1:5: a second colon in the line: put the text in quotes"),
        ("a: \"x\": y\n", "1:7: a second colon in the line: put the text in quotes"),
        ("a: 1\nb\nc: 2\n", "2:1: a colon after the key is missing"),
        ("a: 1\nb\n", "2:1: a colon after the key is missing"),
        ("service notes\n\n# x\nfunctions:\n  a: 1\n", "1:1: a colon after the key is missing"),
        ("a:\n  b\n  c: 1\n", "2:3: a colon after the key is missing"),
        ("a: 1\nb:2\n", "2:1: a blank is missing after the colon"),
        ("a:1\nb: 2\n", "1:1: a blank is missing after the colon"),
        (": a\n", "1:1: a key is missing before the colon"),
        ("k" * 1025 + ": 1\n", "1:1: a key has at most 1,024 characters"),
        # Indentation.
        ("a: 1\n  b: 2\n", "2:3: the line is indented unlike its neighbours"),
        ("a:\n    b: 1\n  c: 2\n", "3:3: the line is indented unlike its neighbours"),
        ("a:\n  b: 1\n   c: 2\n", "3:4: the line is indented unlike its neighbours"),
        ("  a: 1\nb: 2\n", "2:1: the line is indented unlike its neighbours"),
        ("a:\n  - 1\n - 2\n", "3:2: the line is indented unlike its neighbours"),
        ("a: 1\n- b\n",
         "2:1: a list item stands among keys: give the list a key, or indent it"),
        ("- a\nb: 1\n",
         "2:1: a key stands among list items: indent it, or begin the line with - "),
        ("a: - b\n", "1:4: a list item begins a line: - stands below the key"),
        ("a: &x &y 1\n", "1:7: this cannot stand here: put the whole text in quotes"),
        # Documents.
        ("a: 1\n---\nb: 1\n", "2:1: a second document begins here: services.yaml holds one"),
        ("a: 1\n---\n", "2:1: a second document begins here: services.yaml holds one"),
        ("---\n---\na: 1\n", "2:1: a second document begins here: services.yaml holds one"),
        ("a: 1\n...\nb: 2\n", "3:1: a second document begins here: services.yaml holds one"),
    ],
)  # fmt: skip
def test_what_is_no_yaml_is_explained_at_its_place(text: str, expected: str) -> None:
    assert lines(text) == [expected]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n", 2),
        ("<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> x\n", 1),
        ("a:\n  b: 1\n<<<<<<<\n  c: 1\n=======\n  c: 2\n>>>>>>>\n", 3),
        # Where the text is YAML all the same.
        ("a: [\n<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> x\n]\n", 2),
        ('a: "\n<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> x\n"\n', 2),
        ("a: |\n  x\r\n<<<<<<< HEAD\r\n  y\r\n", 3),
        # Where the first mark has been removed, and the mistake comes before it.
        ("a: 1\n>>>>>>> x\nb: 2\n", 2),
        ("a: x\n=======\nb: y\n", 2),
        ("a: [\nb: }\n=======\nb: y\n", 3),
    ],
)
def test_a_merge_conflict_is_said_at_its_mark(text: str, line: int) -> None:
    assert lines(text) == [f"{line}:1: a merge conflict is left in the file"]


@pytest.mark.parametrize(
    "text", ["a: '<<<<<<< x'\n", "a: |\n  <<<<<<< x\n  =======\n", "# <<<<<<< x\na: 1\n"]
)
def test_what_only_looks_like_a_merge_conflict_is_text(text: str) -> None:
    assert compose(text, "f")


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", ["3:1: 'a' is already there, in line 1"]),
        ("a: 1\r\n\"a\": 3\r\n", ["2:1: 'a' is already there, in line 1"]),
        ("a: {b: 1, c: 2,\n  b: 3}\n", ["2:3: 'b' is already there, in line 1"]),
        ("a: 1\na: 2\na: 3\n",
         ["2:1: 'a' is already there, in line 1", "3:1: 'a' is already there, in line 1"]),
        ("x: &k a\na: 1\n*k : 2\n", ["3:1: 'a' is already there, in line 2"]),
        (f"{'k' * 70}: 1\n{'k' * 70}: 1\n", [f"2:1: '{'k' * 59}…' is already there, in line 1"]),
    ],
)  # fmt: skip
def test_a_key_that_is_there_twice_is_said_with_both_lines(text: str, expected: list[str]) -> None:
    assert lines(text) == expected
    assert {each.rule for each in problems(text)} == {"duplicate-key"}


def test_the_same_key_in_different_maps_is_fine() -> None:
    assert value("a: {b: 1}\nc: {b: 2}\n") == {"a": {"b": 1}, "c": {"b": 2}}


def test_all_problems_of_a_file_are_found_also_those_before_bad_syntax() -> None:
    assert lines("a: 1\na: 2\nb: 012\nc: !x y\nd: [\n") == [
        "2:1: 'a' is already there, in line 1",
        '3:4: a number does not begin with 0: put "012" in quotes if it is text',
        "4:4: the tag !x is not supported: use quotes if it is text",
        "5:4: a list opened with [ needs a closing ]",
    ]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: !x y\n", "1:4: the tag !x is not supported: use quotes if it is text"),
        ("a: !!int 3\n", "1:4: the tag !!int is not supported: use quotes if it is text"),
        ("a: !!binary aGk=\n", "1:4: the tag !!binary is not supported: use quotes if it is text"),
        ("a: !!python/object/apply:os.system [ls]\n",
         "1:4: the tag !!python/object/apply:os.system is not supported: use quotes if it is text"),
        ("a: !!set {b}\n", "1:4: the tag !!set is not supported: use quotes if it is text"),
        ("!Sub a: 1\n", "1:1: the tag !Sub is not supported: use quotes if it is text"),
        ("a: !e!x y\n", "1:4: tags are not supported: put text that begins with ! in quotes"),
        ("a: !<x y\n", "1:4: tags are not supported: put text that begins with ! in quotes"),
    ],
)  # fmt: skip
def test_tags_are_refused_never_resolved(text: str, expected: str) -> None:
    assert lines(text) == [expected]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x 1\nb: *x\n", {"a": 1, "b": 1}),
        ("a: &x [1, 2]\nb: {c: *x}\n", {"a": [1, 2], "b": {"c": [1, 2]}}),
        ("a: &x 1\nb: &x 2\nc: *x\n", {"a": 1, "b": 2, "c": 2}),
        ("&x a: 1\nb: *x\n", {"a": 1, "b": "a"}),
        ("a: &x k\n*x : 1\n", {"a": "k", "k": 1}),
        ("x-a: &x {m: 1}\nb:\n  <<: *x\n  n: 2\n", {"x-a": {"m": 1}, "b": {"n": 2, "m": 1}}),
        # What stands in the map itself wins, then the first of the merged ones.
        ("x: &x {a: 1}\nb: {a: 2, <<: *x}\n", {"x": {"a": 1}, "b": {"a": 2}}),
        ("x: &x {a: 1}\ny: &y {a: 2, b: 3}\nz:\n  <<: [*x, *y]\n",
         {"x": {"a": 1}, "y": {"a": 2, "b": 3}, "z": {"a": 1, "b": 3}}),
        ("z:\n  <<: {a: 1}\n  <<: {b: 2}\n", {"z": {"a": 1, "b": 2}}),
        ("z: {<<: []}\n", {"z": {}}),
        ('z:\n  "<<": 3\n', {"z": {"<<": 3}}),
        ("z:\n  &a '<<': 3\n", {"z": {"<<": 3}}),
        ("x: &x <<\nz: {*x : 3}\n", {"x": "<<", "z": {"<<": 3}}),
    ],
)  # fmt: skip
def test_anchors_aliases_and_merge_keys(text: str, expected: Plain) -> None:
    assert value(text) == expected


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: *x\nb: &x 1\n",
         "1:4: *x refers to an anchor that is not defined before it: use quotes if it is text"),
        ("a: &x [1, *x]\n", "1:11: *x refers to itself"),
        ("a: &x {b: *x}\n", "1:11: *x refers to itself"),
        ("a: &x\n  <<: *x\n", "2:7: *x refers to itself"),
        ("a: &x [1]\n*x : 1\n", "2:1: a key has to be plain text, not a list or a map"),
        ("[a]: b\n", "1:1: a key has to be plain text, not a list or a map"),
        ("? {a: 1}\n: b\n", "1:3: a key has to be plain text, not a list or a map"),
        ("a:\n  <<: 3\n", "2:7: << merges maps only, such as <<: *name"),
        ("a:\n  <<:\n", "2:6: << merges maps only, such as <<: *name"),
        ("x: &x 3\na:\n  <<: [*x]\n", "3:7: << merges maps only, such as <<: *name"),
    ],
)  # fmt: skip
def test_wrong_aliases_keys_and_merges_are_refused(text: str, expected: str) -> None:
    assert lines(text) == [expected]


def test_merged_values_keep_the_place_they_were_written_at() -> None:
    source = compose("x: &x {memory: 1}\na:\n  <<: *x\n", "f")
    merged = source.root.value
    assert isinstance(merged, dict)
    inner = merged["a"].node.value
    assert isinstance(inner, dict)

    assert source.position(inner["memory"].start) == (1, 8)


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.usefixtures("loader")
def test_lists_and_maps_are_at_most_50_levels_deep() -> None:
    assert value(nested(MOST_DEPTH))
    assert lines(nested(MOST_DEPTH + 1)) == ["1:51: more than 50 levels of lists and maps"]
    assert lines("- " * 51 + "a") == ["1:101: more than 50 levels of lists and maps"]
    assert lines("{a: " * 51 + "}" * 51) == ["1:201: more than 50 levels of lists and maps"]


def test_a_file_of_brackets_alone_is_refused() -> None:
    assert lines("[" * 100_000) == ["1:1001: too many levels of lists and maps"]


@pytest.mark.usefixtures("loader")
def test_levels_count_through_chains_of_aliases() -> None:
    chain = "a0: &a0 []\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 49))

    assert value(chain)
    assert lines(chain + "b: [*a48]\n") == ["50:5: more than 50 levels of lists and maps"]


@pytest.mark.usefixtures("loader")
def test_laughs_are_stopped() -> None:
    text = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )

    assert lines(text) == ["6:8: more than 200,000 keys and values, aliases counted"]


@pytest.mark.usefixtures("loader")
def test_many_aliases_of_one_large_map_are_stopped() -> None:
    keys = ", ".join(f"k{n}: 1" for n in range(1_000))
    text = f"a: &a {{{keys}}}\nb: [" + "{<<: *a}, " * 1_000 + "]\n"

    (problem,) = problems(text)

    assert (problem.line, problem.rule) == (2, "too-large")


def test_aliases_of_one_long_text_are_stopped() -> None:
    text = f"a: &a {'x' * 100_000}\nb: [{'*a, ' * 100}]\n"

    assert lines(text) == [
        "2:333: more than 8,388,608 characters of text, aliases counted"
    ]  # fmt: skip
    assert 83 * 100_000 < MOST_CHARACTERS < 84 * 100_000


def test_too_many_values_are_refused() -> None:
    text = "[" + "1, " * MOST_VALUES + "]"

    assert lines(text) == [
        f"1:{3 * (MOST_VALUES - 1) + 2}: more than 200,000 keys and values, aliases counted"
    ]


def test_nobody_reads_more_than_a_thousand_problems() -> None:
    found = lines("a: 1\n" * 50_000)

    assert len(found) == MOST_PROBLEMS + 1
    assert found[-1] == "1001:1: too many problems: the rest is not read"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: \x07\n", "1:4: the character U+0007 is not allowed"),
        ("a: 1\n# \x1b[31m\n", "2:3: the character U+001B is not allowed"),
        ("a: \x00", "1:4: the character U+0000 is not allowed"),
        ("a: \x7f", "1:4: the character U+007F is not allowed"),
        ("a: \x9b31m", "1:4: the character U+009B is not allowed"),
        ("\ufeffa: 1\n", "1:1: the character U+FEFF is not allowed"),
        ("a: \uffff", "1:4: the character U+FFFF is not allowed"),
        ("a: \ud800", "1:4: the character U+D800 is not allowed"),
        ('a: "\\0"\n', "1:4: the character U+0000 is not allowed"),
        ('a: "\\e[31m"\n', "1:4: the character U+001B is not allowed"),
        ('"\\a": 1\n', "1:1: the character U+0007 is not allowed"),
        # libyaml ends a line, and with it a comment, where editors show it going on.
        ("# a\u2028b: 1\n", "1:4: the character U+2028 ends a line for some readers: remove it"),
        ('a: 1\nb: "\x85"\n', "2:5: the character U+0085 ends a line for some readers: remove it"),
        ("a: \u2029", "1:4: the character U+2029 ends a line for some readers: remove it"),
    ],
)
@pytest.mark.usefixtures("loader")
def test_characters_that_no_editor_shows_are_named(text: str, expected: str) -> None:
    assert lines(text) == [expected]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("text", ['a: "\\ud800"\n', 'a: 1\nb: "\\U00110000"\n'])
def test_escapes_that_are_no_characters_are_refused(text: str) -> None:
    (problem,) = problems(text)

    assert problem.line == text.count("\n")


def test_columns_count_characters() -> None:
    assert lines("ä: é\n😀😀: 012\n") == [
        '2:5: a number does not begin with 0: put "012" in quotes if it is text'
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\rb: 2\ra: 3\r", "3:1: 'a' is already there, in line 1"),
        ("a: 1\r\nb: 2\r\na: 3\r\n", "3:1: 'a' is already there, in line 1"),
        ("a: 1\n\r\na: 3\n", "3:1: 'a' is already there, in line 1"),
    ],
)
def test_every_way_to_end_a_line_counts_once(text: str, expected: str) -> None:
    assert lines(text) == [expected]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("key", ["value", "environment"])
@pytest.mark.parametrize(
    "text",
    ["0123987", "12e39876", "[.inf, 0987123]", "*x987123", "!x987123 a", "{a: {b: 0987123}}"],
)
def test_nothing_below_value_or_environment_is_shown(key: str, text: str) -> None:
    (first, *others) = lines(f"a: {{{key}: {text}}}\n")

    assert not any("987" in line for line in (first, *others))


@pytest.mark.usefixtures("loader")
def test_what_may_be_shown_is_cut() -> None:
    (unknown,) = lines(f"a: *{'x' * 100}\n")

    assert unknown.startswith(f"1:4: *{'x' * 59}… refers")


def test_the_unforeseen_is_still_no_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(text: str, Loader: object) -> object:
        mark = yaml.Mark("", 900, 0, 900, None, 0)
        raise yaml.MarkedYAMLError("while dreaming", None, "found a unicorn", mark)

    monkeypatch.setattr("yaml.parse", parse)

    assert lines("a: 1\n") == ["1:5: this is not YAML"]


def test_a_complaint_without_a_place_is_put_at_the_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def parse(text: str, Loader: object) -> object:
        raise yaml.MarkedYAMLError(None, None, "found a unicorn")

    monkeypatch.setattr("yaml.parse", parse)

    assert lines("a: 1\n") == ["1:1: this is not YAML"]
