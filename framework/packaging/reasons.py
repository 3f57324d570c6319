"""What uv says when it fails, as one sentence.

In: uv's error output, of any version this project allows (they frame their causes differently).
Out: the first cause with what follows from it left out, and uv's hint.
"""

from __future__ import annotations

import re

# The frame of older versions: a cross, lines, an arrow before each cause. The carets under a line
# of requirements.txt.
_ARROW = re.compile("[\u251c\u2570]\u2500\u25b6")
_FRAME = re.compile(r"[\u00d7\u2500-\u257f\u25b6^]+")
_START = re.compile(r"^error: ", re.MULTILINE)
_CAUSE = re.compile(r"\s*(?:cause:|Caused by:)\s*")
_HINT = re.compile(r"\s+hint:\s*")
# The framing of every failed resolution, and the conclusions drawn from its first cause.
_NOISE = (
    re.compile(r"^.*?No solution found when resolving dependencies:?\s*"),
    re.compile(r"^Because "),
    re.compile(r"(?: And because [^.]*)?,? we can conclude that .*"),
    re.compile(r" and you require [^,]*$"),
)
_LONGEST = 500


def reason(output: str) -> str:
    """The reason in `output`, what uv wrote to stderr; at most some 500 characters."""
    told = _START.split(output, maxsplit=1)[-1]
    text = " ".join(_FRAME.sub(" ", _ARROW.sub("cause:", told)).split())
    message, *hints = _HINT.split(text)
    # The first says what failed, the last why; those between say how the library was built.
    causes = [cause for cause in map(_plain, _CAUSE.split(message)) if cause]
    why = ": ".join(dict.fromkeys((*causes[:1], *causes[-1:])))
    sentence = "; ".join(filter(None, (why, *map(_lowered, hints))))
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST]}..."


def _plain(cause: str) -> str:
    for noise in _NOISE:
        cause = noise.sub("", cause)
    return cause.strip()


def _lowered(hint: str) -> str:
    return hint[:1].lower() + hint[1:]
