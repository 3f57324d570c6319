"""Which literals look like secrets."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from framework.kinds.secrets import check_secrets


def found(name: str, value: JsonValue, **not_secret: str) -> list[str]:
    problems = list(check_secrets(("functions", "a"), {name: value}, not_secret))
    assert all("hunter2" not in problem.message for problem in problems)
    return [problem.rule for problem in problems]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEY", "hunter2"),
        ("apikey", "hunter2"),
        ("DB_PASSWORD", "hunter2"),
        ("TOKEN", "hunter2"),
        ("CLIENT_SECRET_V2", "hunter2"),
        ("PASSWORD", 123456),
        ("ANY", "AKIAIOSFODNN7EXAMPLE"),
        ("ANY", "-----BEGIN RSA PRIVATE KEY-----\nhunter2"),
        ("ANY", f"ghp_{'a' * 36}"),
        ("ANY", "xoxb-123456789012-hunter2"),
        ("ANY", f"sk_live_{'a' * 20}"),
        ("ANY", f"eyJ{'a' * 12}.eyJ{'b' * 12}.{'c' * 12}"),
        ("ANY", "postgres://me:hunter2@db.example.com/x"),
        ("ANY", {"deep": [1, {"er": "AKIAIOSFODNN7EXAMPLE"}]}),
    ],
)
def test_secrets(name: str, value: JsonValue) -> None:
    assert found(name, value) == ["secret-in-environment"]
    assert found(name, value, **{name: "it is none"}) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEY", ""),
        ("API_KEY", True),
        ("API_KEY", {"map": "of things"}),
        ("API_KEY", None),
        ("API_KEY_PARAMETER", "/notes/dev/key"),
        ("SECRET_NAME", "x"),
        ("TOKEN_URL", "https://login.example.com/token"),
        ("KEYBOARD", "us"),
        ("TOKENS", "100"),
        ("DATABASE", "postgres://db.example.com/x"),
        ("ANY", "AKIA"),
    ],
)
def test_no_secrets(name: str, value: JsonValue) -> None:
    assert found(name, value) == []
