"""Golden files: what was recorded once and read by a person is what has to come out again."""

from __future__ import annotations

from pathlib import Path


def matches(text: str, recorded: Path, update: bool) -> None:
    """Fails where the text is not the recorded one; records it with `update`."""
    if update:
        recorded.write_text(text, "utf-8")
    assert recorded.is_file(), f"{recorded} is missing: record it with --update and read it"
    assert text == recorded.read_text("utf-8")
