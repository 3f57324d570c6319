"""Laying one part of the document over another: defaults under entries, environments over them.

In: two nodes. Out: a new node, each value of which keeps the place it was written at.
Maps merge, lists and scalars replace.
"""

from __future__ import annotations

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


def with_defaults(root: Node) -> Node:
    """The document with `defaults.SECTION` laid under every entry of the section."""
    defaults = fields(root).get("defaults")
    if defaults is None:
        return root
    sections = dict(fields(root))
    for name, default in fields(defaults.node).items():
        if name in sections and name != "defaults":
            section = sections[name]
            sections[name] = Field(section.start, section.end, _under(default.node, section.node))
    return Node(root.start, root.end, sections)


def _under(default: Node, section: Node) -> Node:
    entries = {
        name: Field(entry.start, entry.end, overlay(default, entry.node))
        for name, entry in fields(section).items()
    }
    return Node(section.start, section.end, entries) if entries else section
