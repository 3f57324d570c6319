"""Line and column of every sort of mistake: missing and wrong keys, alternatives, overrides."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from framework.compiler import check
from framework.language.composer import compose
from framework.language.document import Section, Sections, shape, shape_environments
from framework.language.environments import variants
from framework.language.fields import Entry
from framework.language.problems import Rejected
from tests.support.projects import TODAY, project


class Inner(Entry):
    kind: Literal["inner"]
    inner: int = 1
    size: int


class Other(Entry):
    kind: Literal["other"]


class Queue(Entry):
    kind: Literal["queue"]
    name: str
    queue: Annotated[int, Field(ge=1)] = 1
    deep: Annotated[Inner | Other, Field(discriminator="kind")] | None = None


class Topic(Entry):
    kind: Literal["topic"]
    arn: str
    queue: dict[str, int] = Field(default_factory=dict)


class Sink(Entry):
    to: Annotated[Queue | Topic, Field(discriminator="kind")]
    many: tuple[Annotated[Queue | Topic, Field(discriminator="kind")], ...] = ()
    named: dict[str, Annotated[Queue | Topic, Field(discriminator="kind")]] = Field(
        default_factory=dict
    )


SECTIONS: Sections = (Section("sinks", Sink, "Sinks.", defaults=True),)


def shaped(text: str) -> list[str]:
    """The problems of a text's shape, without the file's name; in it « stands before the place."""
    source = compose(textwrap.dedent(text).replace("«", ""), "f")
    return [str(each).removeprefix("f:") for each in shape(source, SECTIONS).problems]


def marked(text: str) -> str:
    """The place before which « stands."""
    before = textwrap.dedent(text).partition("«")[0]
    return f"{before.count(chr(10)) + 1}:{len(before.rpartition(chr(10))[2]) + 1}"


@pytest.mark.parametrize(
    ("to", "said"),
    [
        # A missing key is missing from the map that the nearest key leads to.
        ("  «to: {kind: queue}", "to: 'name' is missing"),
        ("  «to:\n      kind: queue\n      queue: 5", "to: 'name' is missing"),
        # A wrong key.
        ("  to:\n      kind: queue\n      name: x\n      «nme: y", "to.nme: unknown field"),
        # The tag and a field have the same name.
        ("  to:\n      kind: queue\n      queue: 5\n      name: «7", "to.name: expected text"),
        ("  to:\n      kind: queue\n      name: x\n      queue: «x", "to.queue: expected a whole"),
        ("  to:\n      kind: queue\n      name: x\n      queue: «0", "to.queue: 0 is less"),
        ("  to:\n      kind: queue\n      name: x\n      queue: {queue: 1}\n      «nme: y",
         "to.nme: unknown"),
        ("  to: {kind: topic, arn: x, queue: {queue: «x}}", "to.queue.queue: expected a whole"),
        # An alternative in an alternative.
        ("  to: {kind: queue, name: x, «deep: {kind: inner, inner: 1}}",
         "to.deep: 'size' is missing"),
        ("  to: {kind: queue, name: x, deep: {kind: inner, inner: «x, size: 1}}",
         "to.deep.inner: expected"),
        # The tag itself.
        ("  to: {name: x, kind: «quue}",
         "to.kind: expected one of queue, topic, not 'quue', did you mean 'queue'?"),
        ("  to: {name: x, kind: «7}", "to.kind: expected one of queue, topic, not 7"),
        ("  «to: {name: x}", "to: 'kind' is missing"),
        ("  to: «text", "to: expected a map, not text: 'text'"),
        # In lists and maps.
        ("  to: {kind: topic, arn: x}\n    many:\n      - {kind: topic, arn: x}\n"
         "      - {kind: queue, queue: 1, name: «7}", "many[1].name: expected"),
        ("  to: {kind: topic, arn: x}\n    named: {queue: {kind: queue, queue: 1, name: «7}}",
         "named.queue.name: expected"),
    ],
)  # fmt: skip
def test_alternatives(to: str, said: str) -> None:
    text = f"service: x\nsinks:\n  a:\n  {to}\n"
    found = shaped(text)
    assert any(line.startswith(f"{marked(text)}: sinks.a.{said}") for line in found), found


def test_defaults_are_blamed_where_they_are_written() -> None:
    text = "service: x\ndefaults: {sinks: {to: {kind: queue, queue: «x, name: y}}}\nsinks: {a: {}}"
    assert shaped(text)[0].startswith(f"{marked(text)}: ")


def test_alternatives_within_an_environment() -> None:
    text = (
        "service: x\nsinks: {a: {to: {kind: queue, queue: 1, name: x}}}\n"
        "environments:\n  prod:\n    sinks: {a: {to: {kind: queue, queue: 2, name: «7}}}\n"
    )
    source = compose(text.replace("«", ""), "f")
    alone = [str(each) for each in shape_environments(source, SECTIONS)]
    assert alone == [
        "f:5:51: environments.prod.sinks.a.to.name: expected text, not 7: put it in quotes"
    ]
    merged = shape(variants(source)[0].source, SECTIONS)
    assert marked(text) == "5:51"
    assert [(each.line, each.column) for each in merged.problems] == [(5, 51)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # Missing keys: of an entry, of a map in it, of the file.
        ("functions: {«a: {memory: 128}}", "functions.a: 'handler' is missing"),
        ("functions:\n  «a:\n    memory: 128", "functions.a: 'handler' is missing"),
        ("api:\n  «throttle: {rate: 1}", "api.throttle: 'burst' is missing"),
        # Wrong keys.
        ("functions: {a: {handler: app.main, «memry: 1}}", "functions.a.memry: unknown field"),
        ("«function: {}", "function: unknown field"),
        ("functions:\n  «\"bad name\": {handler: app.main}", 'functions["bad name"]: '),
        ("functions: {a: {handler: app.main, uses: {«buckets.x: read}}}",
         'functions.a.uses["buckets.x"]: there is no'),
        # Overrides: where the value stands, or the key that lacks one.
        ("functions: {a: {handler: app.main}}\n"
         "environments: {prod: {functions: {a: {memory: «1}}}}",
         "environments.prod.functions.a.memory: 1 is less"),
        ("functions: {a: {handler: app.main}}\n"
         "environments: {prod: {functions: {«b: {memory: 128}}}}",
         "environments.prod.functions.b: 'handler' is missing"),
        ("functions: {a: {handler: app.main}}\n"
         "environments: {prod: {functions: {a: {«memry: 1}}}}",
         "environments.prod.functions.a.memry: unknown field"),
        ("functions: {a: {handler: app.main}}\n"
         "environments: {prod: {functions: {a: {handler: «app.mian}}}}",
         "environments.prod.functions.a.handler: handlers/app.py has no function mian"),
        ("functions: {a: {handler: app.main}}\n"
         "environments: {prod: {buckets: {«b: null}}}",
         "environments.prod.buckets.b: there is no such entry to remove"),
        ("functions: {a: {handler: «app.mian}}\n"
         "environments: {prod: {functions: {a: {memory: 128}}}}",
         "functions.a.handler: handlers/app.py has no function mian"),
        ("environments: {prod: {«acount: '1'}}", "environments.prod.acount: unknown field"),
        # Aliases and merges are blamed where what they stand for is written.
        ("x-a: &a {handler: app.main, memory: «1}\nfunctions: {a: *a}",
         "functions.a.memory: 1 is less"),
        ("x-a: &a {memory: «1}\nfunctions: {a: {<<: *a, handler: app.main}}",
         "functions.a.memory: 1 is less"),
    ],
)  # fmt: skip
def test_places_in_services_yaml(text: str, said: str, tmp_path: Path) -> None:
    text = f"service: x\n{text}\n"
    found = problems(tmp_path, text)
    assert any(line.startswith(f"{marked(text)}: {said}") for line in found), found


def problems(folder: Path, text: str) -> list[str]:
    file = project(folder, text.replace("«", ""))
    with pytest.raises(Rejected) as rejected:
        check(file, TODAY)
    return [str(each).removeprefix(f"{file.as_posix()}:") for each in rejected.value.problems]
