"""What tests of the rooms share."""

import pytest

from icu.store.engines.sqlite import connections


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a lock, so that a test need not either; for the connections that are opened from now on."""
    monkeypatch.setattr(connections, "BUSY_TIMEOUT_MS", 1)
