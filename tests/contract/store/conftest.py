"""Engines that every test of the store runs on."""

from pathlib import Path

import pytest

from tests.stores import Offsets


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a new database, on one engine after the other; PostgreSQL's has tables already."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'icu.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def offsets() -> Offsets:
    """Those of all examples of a test."""
    return Offsets()
