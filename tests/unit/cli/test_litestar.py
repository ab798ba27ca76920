"""The module that every `litestar` command imports, in foreign projects too."""

import errno
import importlib
import os
from pathlib import Path
from typing import Any

import pytest

from icu.cli import litestar


def test_our_application_is_served_where_there_is_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bare `litestar run` serves our monitor, unless the folder has an application of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LITESTAR_APP", "")
    monkeypatch.delenv("LITESTAR_APP")
    (tmp_path / "app.py").touch()
    importlib.reload(litestar)
    assert "LITESTAR_APP" not in os.environ
    (tmp_path / "app.py").unlink()
    importlib.reload(litestar)
    assert os.environ["LITESTAR_APP"] == litestar.APP


def test_a_folder_that_may_not_be_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without the right to read is no error. The test makes the refusal itself, since the superuser may
    read it."""
    look = os.stat

    def refuse(path: Any, *args: Any, **options: Any) -> os.stat_result:
        if str(path).startswith("app"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return look(path, *args, **options)

    monkeypatch.setenv("LITESTAR_APP", "")
    monkeypatch.setattr("os.stat", refuse)
    importlib.reload(litestar)
