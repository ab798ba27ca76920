"""Engines that every test of the store runs on."""

from pathlib import Path

import pytest

from tests.stores import Offsets, copy_tables, is_file


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, sqlite_tables: Path) -> str:
    """URL of a new database with tables, on one engine after the other."""
    if request.param == "sqlite":
        return copy_tables(sqlite_tables, f"sqlite:///{tmp_path / 'icu.db'}")
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def no_file(url: str, tmp_path: Path) -> None:
    """There is no file at the URL, which is SQLite's."""
    assert is_file(url)
    (tmp_path / "icu.db").unlink()


@pytest.fixture
def offsets() -> Offsets:
    """Those of all examples of a test."""
    return Offsets()
