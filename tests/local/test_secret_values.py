"""Values of secrets on this machine: a person's own first, made up and kept otherwise."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from framework.language.problems import Rejected
from framework.local.errors import LocalError
from framework.local.secret_values import SecretValues, note_about, values_of
from framework.plan.resource import Secret

KNOWN = {"signing-key": True, "page-title": False}
KEY = Secret(("parameters", "signing-key"))


def write(folder: Path, text: str) -> Path:
    file = folder / "services.local.yaml"
    file.write_text(text, "utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("parameters: {signing-key: hunter2}", {"signing-key": "hunter2"}),
        ("parameters:\n", {}),
        ("# nothing yet\n", {}),
        ("{}", {}),
    ],
)
def test_the_values_of_a_file(tmp_path: Path, text: str, values: dict[str, str]) -> None:
    assert values_of(write(tmp_path, text), KNOWN) == values


def test_no_file_gives_no_values(tmp_path: Path) -> None:
    assert values_of(tmp_path / "services.local.yaml", KNOWN) == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[hunter2]", "1:1: a map is expected:  parameters: {NAME: VALUE}"),
        ("parameter: {a: hunter2}", "1:1: parameter: unknown section, did you mean 'parameters'?"),
        ("parameters: [hunter2]", "1:13: parameters: a map is expected:  {NAME: VALUE}"),
        (
            "parameters:\n  signin-key: hunter2",
            "2:3: parameters.signin-key: services.yaml has no parameter 'signin-key',"
            " did you mean 'signing-key'?",
        ),
        (
            "parameters: {page-title: hunter2}",
            "1:14: parameters.page-title: its value is in services.yaml, for it is no secret",
        ),
        (
            "parameters: {signing-key: 12}",
            "1:27: parameters.signing-key: a text is expected: put it in quotes",
        ),
        (
            'parameters: {signing-key: ""}',
            "1:27: parameters.signing-key: a text of 1 to 4,096 characters is expected",
        ),
    ],
)
def test_mistakes_have_a_place_and_show_no_value(tmp_path: Path, text: str, problem: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(Rejected) as caught:
        values_of(file, KNOWN)

    assert str(caught.value) == f"{file}:{problem}"
    assert "hunter2" not in str(caught.value)


def test_a_persons_own_value_comes_first(tmp_path: Path) -> None:
    assert SecretValues({"signing-key": "mine"}, tmp_path)(KEY) == "mine"
    assert not list(tmp_path.iterdir())


def test_a_made_up_value_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / ".services" / "local"
    first = SecretValues({}, folder)(KEY)
    other = SecretValues({}, folder)(Secret(("parameters", "other")))

    assert SecretValues({}, folder)(KEY) == first
    assert len({first, other}) == 2
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == {"signing-key": first, "other": other}


@pytest.mark.parametrize("text", ["{", "[]", '{"signing-key": 1}'])
def test_a_damaged_file_is_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "made-up-secrets.json"
    file.write_text(text)

    with pytest.raises(LocalError) as caught:
        SecretValues({}, tmp_path)(KEY)

    assert str(caught.value) == f"{file} cannot be read: remove it, and new values are made up"


def test_a_file_that_others_can_read_is_noted(tmp_path: Path) -> None:
    file = write(tmp_path, "{}")
    file.chmod(0o644)
    assert note_about(file) == (
        "services.local.yaml can be read by other users: chmod 600 services.local.yaml",
    )
    file.chmod(0o600)
    assert note_about(file) == ()
    assert note_about(tmp_path / "absent") == ()
