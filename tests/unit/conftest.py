"""What tests of the rooms share."""

import pytest

from icu.store import database


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a lock, so that a test need not either; for the connections that are opened from now on."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 1)
