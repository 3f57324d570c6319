from __future__ import annotations

import pickle
from pathlib import Path

from framework.packaging.errors import PackagingError, PackagingErrors, together

ONE = PackagingError(Path("/notes"), "requirements.txt: x is absent", "x")
TWO = PackagingError(Path("/pages"), "the source folder does not exist")


def test_one_error_says_folder_and_problem() -> None:
    assert str(ONE) == "/notes: requirements.txt: x is absent"
    assert (ONE.source, ONE.requirement, TWO.requirement) == (Path("/notes"), "x", None)
    assert ONE.errors == (ONE,)
    assert together([ONE]) is ONE


def test_several_errors_are_caught_as_one() -> None:
    error = together([ONE, TWO])
    assert isinstance(error, PackagingErrors)
    assert error.errors == (ONE, TWO)
    assert str(error) == (
        "/notes: requirements.txt: x is absent\n/pages: the source folder does not exist"
    )


def test_credentials_are_not_shown() -> None:
    error = PackagingError(
        Path("/notes"), "no answer of https://me:secret@host/simple", "x @ http://token@host/x.whl"
    )
    assert str(error) == "/notes: no answer of https://host/simple"
    assert error.requirement == "x @ http://host/x.whl"
    assert "secret" not in repr(error)


def test_errors_survive_pickling() -> None:
    copies = pickle.loads(pickle.dumps((ONE, together([ONE, TWO]))))
    assert [str(copy) for copy in copies] == [str(ONE), str(together([ONE, TWO]))]
