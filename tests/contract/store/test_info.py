"""Figures of a database: counted where it is small, estimated where it is large, and absent where they are unknown."""

from datetime import UTC, datetime, timedelta

import pytest
from anyio import to_thread

from icu.store.database import info
from icu.store.database.existing import connected
from icu.store.database.info import DatabaseInfo, describe
from icu.store.engines.base import Storage
from icu.store.engines.table import engine_of
from icu.store.heartbeats import Beat
from icu.store.writer import Writer
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import NOON, SQLITE_ALONE, execute, rows, store

STORAGE = Storage(size=1_100_000, log=50_000, content=1_050_000, unused=50_000, disk=10_000_000)


async def described(url: str, *, now: datetime = START, storage: Storage = STORAGE) -> DatabaseInfo:
    """Describe the database at a time."""
    engine = engine_of(url)
    async with connected(engine) as connection:
        return await describe(engine, connection, storage, round(now.timestamp() * 1000))


async def test_a_new_database(url: str) -> None:
    """A new database has no readings, and nothing is made up about it."""
    await engine_of(url).upgrade()
    found = await described(url)
    assert (found.readings, found.estimated, found.oldest, found.newest) == (0, False, None, None)
    assert (found.bytes_per_reading, found.growth, found.days_left, found.backed_up) == (None, None, None, None)


async def test_growth(writer: Writer, url: str) -> None:
    """Growth is told from the readings of the last 24 hours, or of at least one, and days from the disk's room."""
    every = 10
    await store(writer, [observation(second) for second in range(0, 20_000, every)])
    hour = await described(url, now=START + timedelta(seconds=3_600))
    assert hour.bytes_per_reading == 500  # a million bytes, without log and unused pages
    assert hour.growth == pytest.approx(86_400 / every * 500)
    assert hour.days_left == pytest.approx(10_050_000 / hour.growth)
    assert (await described(url, now=START + timedelta(seconds=3_599))).growth is None
    later = await described(url, now=START + timedelta(hours=28))
    assert later.growth == pytest.approx((20_000 - 4 * 3_600) / every * 500)
    assert (await described(url, now=START + timedelta(days=3))).growth is None
    unknown = Storage(size=1_100_000, log=50_000, content=1_050_000, unused=50_000, disk=None)
    assert (await described(url, now=START + timedelta(hours=1), storage=unknown)).days_left is None


@SQLITE_ALONE
async def test_what_is_in_the_log_alone_counts(writer: Writer, url: str) -> None:
    """The content is the same before and after it comes into the file: readings cost no more then."""
    await store(writer, [observation(second) for second in range(2_000)])
    before = await to_thread.run_sync(engine_of(url).storage)
    await to_thread.run_sync(rows, url, "PRAGMA wal_checkpoint(TRUNCATE)")
    after = await to_thread.run_sync(engine_of(url).storage)
    assert before.size - before.log < before.content == after.content
    assert after.log == 0


@pytest.mark.parametrize("sampled", [1, 100])
async def test_estimates(writer: Writer, url: str, monkeypatch: pytest.MonkeyPatch, sampled: int) -> None:
    """The readings of a large database are estimated to a few per cent, also from one of its patients."""
    monkeypatch.setattr(info, "SAMPLED", sampled)
    times = range(0, 5 * 86_400, 60)
    for patient, start in ((ANNA, 0), (BORIS, len(times))):
        await store(writer, [observation(second, patient=patient) for second in times], start=start)
    large = Storage(size=info.COUNTED + 1, log=0, content=info.COUNTED, unused=0, disk=None)
    counted, estimated = await described(url), await described(url, storage=large)
    assert (counted.estimated, estimated.estimated) == (False, True)
    assert counted.readings == 2 * len(times)
    assert estimated.readings == pytest.approx(counted.readings, rel=0.05)
    assert (estimated.oldest, estimated.newest) == (START, START + timedelta(seconds=times[-1]))


async def test_states(writer: Writer, url: str) -> None:
    """Upkeep, sink, backup and journal are told with their times."""
    await store(writer, [observation(0), observation(1)])
    await writer.beat(Beat(NOON + 1_000, 0))
    execute(url, f"UPDATE upkeep_state SET rolled_until = {NOON}, looked = {NOON}, backed_up = {NOON}, raw_horizon = 0")
    execute(url, f"INSERT INTO late_hours SELECT id, {NOON} FROM patients")
    found = await described(url)
    assert found.rolled_until == found.upkeep_seen == found.backed_up == START
    assert (found.raw_horizon, found.minute_horizon) == (datetime(1970, 1, 1, tzinfo=UTC), None)
    assert found.sink_seen == START + timedelta(seconds=1)
    assert (found.late_hours, found.dead_letters, found.patients) == (1, 0, 1)
    assert (found.journal_entries, found.journal_readings) == (2, 2)
