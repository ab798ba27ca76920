"""Fixtures of all rooms."""

import pytest

from icu.store.engines.sqlite import connections


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for locks of the database, on connections opened from now on."""
    monkeypatch.setattr(connections, "BUSY_TIMEOUT_MS", 1)
