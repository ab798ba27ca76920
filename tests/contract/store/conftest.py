"""Engines that every test of the store runs on."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.stores import Offsets

# By name, how each calls a database of the test's own, in a folder of its own.
ENGINES: Final[dict[str, Callable[[Path], str]]] = {
    "sqlite": lambda folder: f"sqlite:///{folder / 'icu.db'}",
}


@pytest.fixture(params=ENGINES.values(), ids=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of the database, on one engine after the other."""
    name: str = request.param(tmp_path)
    return name


@pytest.fixture
def offsets() -> Offsets:
    """Those of all examples of a test."""
    return Offsets()
