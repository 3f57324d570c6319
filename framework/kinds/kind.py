"""What a kind of entry is, and what it is given.

In: the checked `Document` and, for building, a `Target`. Out: for each kind the problems of its
entries' meaning, its resources, its outputs, and what users of its entries are granted.
A kind is one file that ends in one `Kind` value, and one line in `kinds/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path as Folder
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from framework.language.document import Document, Section
from framework.language.fields import Entry
from framework.language.problems import Path, Problem
from framework.plan.iam import Statement
from framework.plan.names import Names
from framework.plan.resource import Resource, Value
from framework.plan.target import Target, partition_of

EntryT = TypeVar("EntryT", bound=Entry)

Kinds: TypeAlias = "tuple[Kind[Any], ...]"
"""All kinds there are. Any: each has entries of a model of its own."""


@dataclass(frozen=True)
class Link:
    """What checking has: the document, the project's folder, the day, and the other kinds."""

    document: Document
    project: Folder
    today: date
    kinds: Kinds

    @cached_property
    def by_section(self) -> Mapping[str, Kind[Any]]:
        """The kinds by the names of their sections."""
        return {kind.section.name: kind for kind in self.kinds}


@dataclass(frozen=True)
class Context:
    """What building has: the document, and the target with the one region being built.

    `known` is False while the region is a stand-in, good for measuring alone.
    """

    document: Document
    target: Target
    region: str
    kinds: Kinds
    known: bool = True

    @cached_property
    def names(self) -> Names:
        """The names and ARNs of this service in this region."""
        return Names(self.document.service, self.target, self.region)

    @cached_property
    def by_section(self) -> Mapping[str, Kind[Any]]:
        """The kinds by the names of their sections."""
        return {kind.section.name: kind for kind in self.kinds}

    def key(self, address: str, part: str = "") -> str:
        """The key of an entry's resource: `address[/part]`, with `@region` away from home."""
        whole = f"{address}/{part}" if part else address
        return whole if self.region == self.target.home else f"{whole}@{self.region}"


def _no_problems(link: Link) -> Iterable[Problem]:
    return ()


def _nothing_amiss(context: Context) -> Iterable[Problem]:
    return ()


def _no_outputs(context: Context) -> Mapping[str, Value]:
    return {}


def elsewhere(context: Context, arn: str, path: Path) -> Iterator[Problem]:
    """A problem where an ARN is of another region or partition than the service is."""
    _, partition, _, region, *_ = arn.split(":")
    if context.known and (region, partition) != (context.region, partition_of(context.region)):
        there = region if partition == partition_of(region) else f"{region} ({partition})"
        message = f"is in {there}, and cannot be used in {context.region}"
        yield Problem(message, path, rule="other-region")


Grant: TypeAlias = Callable[[Context, str, str], Iterable[Statement]]
"""(context, the entry's name, a prefix or "") -> the statements that a verb stands for."""


class Relaxation(NamedTuple):
    """A control that an entry has turned down: where it is said, what it means, and why.

    Where `explicit`, the words themselves say it ("auth: none"); elsewhere a reason is asked for.
    """

    path: Path
    what: str
    reason: str | None
    explicit: bool = False


def reasons_missing(relaxations: Iterable[Relaxation]) -> Iterator[Problem]:
    """A problem for each relaxation that has to say why and does not."""
    for each in relaxations:
        if not each.explicit and each.reason is None:
            message = f"{each.what}: say why, with  reason: ...  beside it"
            yield Problem(message, each.path, "key", "no-reason")


def _nothing_relaxed(document: Document) -> Iterable[Relaxation]:
    return ()


class Variable(NamedTuple):
    """The environment variable that a function using an entry receives: NOTES_BUCKET.

    `value` is what the entry is called on AWS, never what it holds.
    """

    suffix: str
    value: Callable[[Context, str], str]

    def name(self, entry: str) -> str:
        """The variable's name for an entry: "notes" -> "NOTES_BUCKET"."""
        return f"{entry.upper().replace('-', '_')}_{self.suffix}"


@dataclass(frozen=True)
class Kind(Generic[EntryT]):
    """A kind of entry.

    `check` finds what is wrong whatever the target, `fits` what a target makes wrong: sizes that
    depend on names, ARNs of other regions. `build` turns the section into resources without I/O,
    clock or randomness. `grants` are the verbs that functions may use on an entry, `variable` what
    such a function's environment receives, `prefixes` whether a use may be narrowed to a prefix.
    `relaxed` names the controls that entries have turned down.
    """

    section: Section[EntryT]
    build: Callable[[Context], Iterator[Resource]]
    check: Callable[[Link], Iterable[Problem]] = _no_problems
    fits: Callable[[Context], Iterable[Problem]] = _nothing_amiss
    outputs: Callable[[Context], Mapping[str, Value]] = _no_outputs
    grants: Mapping[str, Grant] = field(default_factory=lambda: MappingProxyType({}))
    relaxed: Callable[[Document], Iterable[Relaxation]] = _nothing_relaxed
    variable: Variable | None = None
    prefixes: bool = False
