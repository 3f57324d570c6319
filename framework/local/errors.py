"""The one error of this room that is the user's to mend: a line for the terminal, no traceback."""

from __future__ import annotations


class LocalError(Exception):
    """Local mode cannot run as asked; the text is one clear line that says what to do."""
