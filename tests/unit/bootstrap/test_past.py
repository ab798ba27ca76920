"""Start of a backfill behind the stored readings, so that each patient has one past."""

from datetime import timedelta
from pathlib import Path

import anyio

from icu.bootstrap.history import after_stored_readings
from icu.config.settings import Database, Settings
from icu.messages import Position
from icu.store.writer import open_writer
from tests.samples import START, observation
from tests.stores import store


def settings(folder: Path) -> Settings:
    """Settings of a ward with a database in the folder."""
    return Settings(database=Database(url=f"sqlite:///{folder}/icu.db"))


def test_a_new_database_has_no_past(tmp_path: Path) -> None:
    """A missing database, or a file that is none, does not change the start."""
    assert after_stored_readings(settings(tmp_path), START) == START
    (tmp_path / "icu.db").touch()
    assert after_stored_readings(settings(tmp_path), START) == START


def test_a_past_that_is_stored_is_not_made_again(tmp_path: Path) -> None:
    """The past goes on one interval behind the newest stored reading, unless the start is later."""
    ward = settings(tmp_path)
    anyio.run(keep, ward.database.url)
    newest = START + timedelta(seconds=60)
    assert after_stored_readings(ward, START - timedelta(days=1)) == newest + timedelta(seconds=5)
    assert after_stored_readings(ward, newest + timedelta(hours=1)) == newest + timedelta(hours=1)


async def keep(url: str) -> None:
    """Store two readings."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(0), observation(60)])
