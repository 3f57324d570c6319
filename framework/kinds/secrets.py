"""Literals that look like secrets: they belong into parameters, not into a file that is committed.

In: a function's environment. Out: problems. What is found is never shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from framework.language.problems import Path, Problem

_NAME = re.compile(
    r"(^|_)(SECRET|TOKEN|PASSWORD|PASSWD|PWD|CREDENTIALS?|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY)($|_)",
    re.IGNORECASE,
)
_NO_SECRET_NAME = re.compile(
    r"_(NAME|PARAMETER|ARN|ID|URL|URI|PATH|FILE|HEADER|TTL|SECONDS|LENGTH|ISSUER|BUCKET)$",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"(?:^|[^A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?:[^A-Z0-9]|$)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|gh[pousr]_[A-Za-z0-9]{30}|github_pat_[A-Za-z0-9_]{30}|glpat-[A-Za-z0-9_-]{20}"
    r"|xox[abpr]-[A-Za-z0-9-]{10}|sk_live_[A-Za-z0-9]{10}|rk_live_[A-Za-z0-9]{10}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r"|[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]{3,}@"
)
"""Keys of AWS, GitHub, GitLab, Slack and Stripe, private keys, tokens, URLs with a password."""


def check_secrets(
    path: Path, environment: Mapping[str, JsonValue], not_secret: Mapping[str, str]
) -> Iterator[Problem]:
    """A problem for each variable of the function at `path` that looks like a secret."""
    for name, value in environment.items():
        if name not in not_secret and _looks_secret(name, value):
            message = (
                "looks like a secret: make it a parameter, or say why it is none with  "
                f"not_secret: {{{name}: REASON}}"
            )
            yield Problem(message, (*path, "environment", name), "key", "secret-in-environment")
    for name in not_secret:
        if name not in environment:
            message = "there is no such variable in environment"
            yield Problem(message, (*path, "not_secret", name), "key", "unknown-variable")


def _looks_secret(name: str, value: JsonValue) -> bool:
    named = bool(_NAME.search(name)) and not _NO_SECRET_NAME.search(name)
    if named and not isinstance(value, bool) and isinstance(value, str | int | float) and value:
        return True
    return looks_secret(value)


def looks_secret(value: JsonValue) -> bool:
    """Whether a value has the form of a key, a token, or an address with a password."""
    return any(_VALUE.search(text) for text in _texts(value))


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
