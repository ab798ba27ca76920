"""A real SQLite file for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from icu.messages import Position
from icu.store import database
from icu.store.reader import Reader
from icu.store.writer import Writer, open_writer


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a lock, so that a test need not either; for the connections that are opened from now on."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 1)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The database's URL."""
    return f"sqlite:///{tmp_path / 'icu.db'}"


@pytest.fixture
async def writer(url: str) -> AsyncIterator[Writer]:
    """A writer whose topic has one partition, at offset 0 of the log `m`."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        yield writer


@pytest.fixture
async def reader(url: str, writer: Writer) -> AsyncIterator[Reader]:
    """A reader of what the writer stores."""
    reader = Reader(url)
    yield reader
    await reader.aclose()
