"""`environments`: the same service in several stacks, each with its own differences.

In: the source of services.yaml. Out: for each declared environment the source with its overrides
laid over the rest, every value keeping the place it was written at; and the choice for a stack.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import NamedTuple

from framework.language.messages import suggestion
from framework.language.overlay import overlay
from framework.language.problems import Located, Problem, Rejected
from framework.language.source import Field, Node, Source, fields

SETTINGS = ("account", "protect")
"""What an environment says of itself; everything else in it overrides the document."""

MOST_VALUES = 600_000
"""Keys and values of all environments' documents together, which are held at the same time."""


class Variant(NamedTuple):
    """The document as one environment has it. Without any declared there is one, with no name.

    `source` is the document with the overrides laid over it, `whole` the file as it is written.
    """

    name: str
    source: Source
    whole: Source
    account: str | None = None
    protect: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """Where the environment stands in the file."""
        return ("environments", self.name) if self.name else ()


def variants(source: Source) -> tuple[Variant, ...]:
    """The document once for each declared environment, in the file's order.

    Raises `Rejected` where all of them together are more than `MOST_VALUES` allows.
    """
    declared = _declared(source.root)
    if not declared:
        return (Variant("", source, source),)
    size = source.root.size().values * len(declared)
    if size > MOST_VALUES:
        message = f"for {len(declared):,} environments there are more than {MOST_VALUES:,} values"
        problem = Problem(message, ("environments",), "key", "too-large")
        raise Rejected([source.locate(problem)])
    return tuple(_variant(source, name, field.node) for name, field in declared.items())


def _declared(root: Node) -> Mapping[str, Field]:
    found = fields(root).get("environments")
    return fields(found.node) if found else {}


def _variant(source: Source, name: str, node: Node) -> Variant:
    said = fields(node)
    over = {key: field for key, field in said.items() if key not in SETTINGS}
    base = {key: field for key, field in fields(source.root).items() if key != "environments"}
    merged = overlay(_same_place(source.root, base), _same_place(node, over))
    root = _same_place(source.root, dict(fields(_without_removed(merged, node))))
    account, protect = (said[key].node.value if key in said else None for key in SETTINGS)
    return Variant(
        name,
        Source(source.file, source.text, root),
        source,
        account if isinstance(account, str) else None,
        protect is True,
    )


def _same_place(node: Node, value: dict[str, Field]) -> Node:
    return Node(node.start, node.end, value)


def _without_removed(root: Node, environment: Node) -> Node:
    """The merged document without the entries that the environment sets to null."""
    gone = set(_removed(environment))
    kept: dict[str, Field] = {}
    for section, field in fields(root).items():
        entries = {
            name: entry for name, entry in fields(field.node).items() if (section, name) not in gone
        }
        whole = isinstance(field.node.value, dict)
        node = _same_place(field.node, entries) if whole else field.node
        kept[section] = Field(field.start, field.end, node)
    return _same_place(root, kept)


def _removed(environment: Node) -> Iterator[tuple[str, str]]:
    for section, field in fields(environment).items():
        for name, entry in fields(field.node).items():
            if entry.node.value is None:
                yield section, name


def problems_of_removal(source: Source) -> Iterator[Problem]:
    """Entries that an environment removes and that are not there."""
    for environment, field in _declared(source.root).items():
        for section, name in _removed(field.node):
            there = fields(source.root).get(section)
            known = fields(there.node) if there else {}
            if name not in known:
                near = suggestion(name, known)
                path = ("environments", environment, section, name)
                yield Problem(
                    f"there is no such entry to remove{near}", path, "key", "unknown-entry"
                )


def without_removals(source: Source) -> Source:
    """The source without the nulls that remove entries, so that what is left can be shaped."""
    declared = fields(source.root).get("environments")
    if declared is None or not _declared(source.root):
        return source
    environments = {
        name: Field(field.start, field.end, _without_nulls(field.node))
        for name, field in fields(declared.node).items()
    }
    root = dict(fields(source.root))
    node = _same_place(declared.node, environments)
    root["environments"] = Field(declared.start, declared.end, node)
    return Source(source.file, source.text, _same_place(source.root, root))


def _without_nulls(environment: Node) -> Node:
    if not isinstance(environment.value, dict):
        return environment
    kept: dict[str, Field] = {}
    for section, field in environment.value.items():
        node = field.node
        if isinstance(node.value, dict):
            entries = node.value.items()
            left = {name: each for name, each in entries if each.node.value is not None}
            node = _same_place(node, left)
        kept[section] = Field(field.start, field.end, node)
    return _same_place(environment, kept)


def chosen(names: Iterable[str], stack: str) -> str | None:
    """The environment for a stack: that of its name, else the pattern that says most of it."""
    declared = list(names)
    if stack in declared:
        return stack
    fitting = [name for name in declared if _fits(name, stack)]
    return max(fitting, key=lambda name: (len(name.replace("*", "")), name), default=None)


def _fits(pattern: str, stack: str) -> bool:
    # Names have neither ? nor [ in them; fnmatch takes linear time for any number of stars.
    return "*" in pattern and fnmatchcase(stack, pattern)


def grouped(found: Mapping[str, Iterable[Located]], source: Source) -> list[Located]:
    """The problems of all variants, each once; environments are named where not all have it."""
    owners: dict[tuple[int, int, str], list[str]] = {}
    problems: dict[tuple[int, int, str], Located] = {}
    for name, located in found.items():
        for problem in located:
            key = (problem.line, problem.column, problem.message)
            owners.setdefault(key, []).append(name)
            problems.setdefault(key, _in_its_place(problem, name, source))
    return sorted(_named(problem, owners[key], len(found)) for key, problem in problems.items())


def _in_its_place(problem: Located, environment: str, source: Source) -> Located:
    """With the path it is written at, where that is within the environment."""
    field = _declared(source.root).get(environment)
    if field is None or problem.where.startswith("environments."):
        return problem
    start, end = source.position(field.node.start), source.position(field.node.end)
    if not start <= (problem.line, problem.column) < end:
        return problem
    return replace(problem, where=f"environments.{environment}.{problem.where}")


def _named(problem: Located, owners: list[str], of: int) -> Located:
    names = [name for name in dict.fromkeys(owners) if name]
    if len(names) == of or not names or problem.where.startswith("environments."):
        return problem
    return replace(problem, message=f"{problem.message} (in {', '.join(names)})")
