"""What the history keeps, as the page shows it.

In: a `Call` or a `Note`. Out: documents in JSON's types: a short one for lists, a whole one for who
looks closer. Bodies are made readable here, where numbers stay as they were written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from framework.local.console.history import LARGEST_PART, Call, Kept, Note
from framework.local.http_messages import Request
from framework.local.model import without_region

Document = Mapping[str, object]

_OWN = frozenset({"connection", "content-length", "host", "transfer-encoding"})
"""Headers that whoever sends a request makes anew."""

_SIGNATURE = "AWS4-HMAC-SHA256 "
_SIGNED = ("authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token")


def in_short(call: Call) -> Document:
    """A line of the list."""
    request = call.request
    return {
        "number": call.number,
        "changed": call.changed,
        "at": round(call.seconds * 1000),
        "method": request.method if request else "",
        "path": _target(request) if request else "",
        "function": without_region(call.function),
        "status": call.status,
        "failed": call.failed,
        "ended": call.ended,
        "milliseconds": call.milliseconds,
    }


def in_full(call: Call, notes: Iterable[Note]) -> Document:
    """All that is kept of a call; `notes` are those of everything."""
    return {
        **in_short(call),
        "route": call.route,
        "invocation": call.invocation,
        "request": _request(call),
        "event": readable(call.event) if call.event.size else None,
        "headers": list(call.headers),
        "result": readable(call.result) if call.ended else None,
        "log": [text for line in call.lines for text in line.texts],
        "dropped": call.dropped,
        "notes": [note_in_words(note) for note in notes if note.call == call.number],
    }


def note_in_words(note: Note) -> Document:
    """Something denied, a problem, or a change of services.yaml."""
    return {
        "number": note.number,
        "at": round(note.seconds * 1000),
        "kind": note.kind,
        "lines": note.lines,
        "call": note.call,
    }


def readable(part: Kept) -> Document:
    """A body or an event as text, JSON with an indent; of what is no text, the size alone."""
    text, kind = _text(part)
    return {"text": text, "kind": kind, "size": part.size, "cut": part.size > LARGEST_PART}


def _text(part: Kept) -> tuple[str, str]:
    cut = part.size > LARGEST_PART
    try:
        text = part.data.decode(errors="ignore" if cut else "strict")
    except UnicodeDecodeError:
        return "", "binary"
    if cut:
        return text, "text"
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False), "json"
    except (ValueError, RecursionError):
        return text, "text"


def _target(request: Request) -> str:
    return f"{request.path}?{request.query}" if request.query else request.path


def _request(call: Call) -> Document | None:
    """What to send to have the same again; a body that is no text, or cut, cannot be."""
    request = call.request
    if request is None:
        return None
    text, kind = _text(call.body)
    return {
        "method": request.method,
        "path": _target(request),
        "headers": "\n".join(_headers(request)),
        "body": text if kind != "json" else call.body.data.decode(),
        "whole": kind != "binary" and call.body.size <= LARGEST_PART,
        "signed": _is_signed(request),
    }


def _is_signed(request: Request) -> bool:
    return request.joined.get("authorization", "").startswith(_SIGNATURE)


def _headers(request: Request) -> Iterator[str]:
    """Without those that are made anew; a signature is one of them."""
    left_out = _OWN | set(_SIGNED) if _is_signed(request) else _OWN
    return (f"{name}: {value}" for name, value in request.headers if name not in left_out)
