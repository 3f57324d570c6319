"""Laying one part of the document over another: defaults under entries, environments over them.

In: two nodes. Out: a new node, each value of which keeps the place it was written at.
Maps merge, lists and scalars replace.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from framework.language.problems import Problem
from framework.language.source import Field, Node, fields


def overlay(base: Node, top: Node) -> Node:
    """`top` over `base`: fields of both maps merged, anything else is `top`."""
    if not (isinstance(base.value, dict) and isinstance(top.value, dict)):
        return top
    merged = dict(base.value)
    for name, field in top.value.items():
        below = base.value.get(name)
        node = overlay(below.node, field.node) if below else field.node
        merged[name] = Field(field.start, field.end, node)
    return Node(top.start, top.end, merged)


def with_defaults(root: Node, sections: Collection[str]) -> Node:
    """The document with `defaults.SECTION` laid under every entry of these sections."""
    written = dict(fields(root))
    for name, default in _defaults(root, sections):
        section = written[name]
        written[name] = Field(section.start, section.end, _under(default.node, section.node))
    return Node(root.start, root.end, written) if written else root


def too_much(root: Node, sections: Collection[str]) -> Iterator[Problem]:
    """Defaults that make the document too large when they are laid under every entry."""
    for name, default in _defaults(root, sections):
        entries = len(fields(fields(root)[name].node))
        if excess := default.node.size().times(entries).excess():
            message = f"with these defaults under {entries:,} entries there are {excess}"
            yield Problem(message, ("defaults", name), "key", "too-large")


def _defaults(root: Node, sections: Collection[str]) -> Iterator[tuple[str, Field]]:
    """The defaults of sections that may have some and are there."""
    defaults = fields(root).get("defaults")
    for name, default in fields(defaults.node).items() if defaults else ():
        if name in sections and name in fields(root):
            yield name, default


def _under(default: Node, section: Node) -> Node:
    entries = {
        name: Field(entry.start, entry.end, overlay(default, entry.node))
        for name, entry in fields(section).items()
    }
    return Node(section.start, section.end, entries) if entries else section
