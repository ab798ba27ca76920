"""Writes of other programs while a sink has the database open: restored copies, and harmless ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import aiosqlite
import pytest

from icu.messages import Position
from icu.store.engines.sqlite.transaction import SqliteTransaction
from icu.store.errors import PositionConflictError, StoreError
from icu.store.writer import Writer
from icu.store.writing.foreign_writes import ForeignWrites
from tests.samples import ANNA, BORIS, observation
from tests.stores import EXCHANGED, connected, execute, restored, rows, store


async def test_readings_are_of_the_patients_of_a_restored_database(writer: Writer, url: str) -> None:
    """A restored database may have the same offsets, as after two sinks of one topic, and other patient keys."""
    await store(writer, [observation(1), observation(1, patient=BORIS)])
    restored(url, EXCHANGED)
    await store(writer, [observation(2)], start=2)
    [(uuid, count)] = rows(
        url,
        "SELECT uuid, count(*) FROM patients JOIN patient_metrics ON patient_id = id"
        " WHERE timestamp > (SELECT min(timestamp) FROM patient_metrics) GROUP BY 1",
    )
    assert (uuid, count) == (str(ANNA), 1)


@pytest.mark.parametrize(
    "script",
    [
        "PRAGMA user_version = 7",
        "UPDATE consumer_offsets SET next = 1 WHERE partition = 1",
        "UPDATE consumer_offsets SET mark = 'other'",
        "DELETE FROM consumer_offsets WHERE partition = 1",
    ],
)
async def test_a_restored_database_is_begun_anew(writer: Writer, url: str, script: str) -> None:
    """Another generation or other positions begin anew, even in a partition without new records."""
    await writer.begin({0: Position(0, "m"), 1: Position(5, "m")}, other_logs=frozenset())
    restored(url, script)
    with pytest.raises(PositionConflictError):
        await writer.check()
    with pytest.raises(PositionConflictError):
        await store(writer, [observation(1)])
    await writer.begin(await writer.positions() | {0: Position(0, "m")}, other_logs=frozenset())
    await writer.check()
    assert (await store(writer, [observation(1)])).stored == 1


async def test_a_sink_that_begins_anew_asks_for_the_patients_anew(writer: Writer, url: str) -> None:
    """The patients of a restored database have other keys, so a sink that begins anew reads them again."""
    await store(writer, [observation(1), observation(1, patient=BORIS)])
    restored(url, EXCHANGED + "UPDATE consumer_offsets SET next = 1;")
    with pytest.raises(PositionConflictError):
        await writer.check()
    await writer.begin(await writer.positions(), other_logs=frozenset())
    await store(writer, [observation(2)], start=1)
    counts = "SELECT uuid, count(*) FROM patients JOIN patient_metrics ON patient_id = id GROUP BY uuid"
    assert dict(rows(url, counts)) == {str(ANNA): 2, str(BORIS): 1}


async def test_a_restored_database_that_was_begun_is_no_copy(writer: Writer, url: str) -> None:
    """After the sink has begun with a restored database, its checkpoint into the file is no damage."""
    await store(writer, [observation(0)])
    execute(url, "PRAGMA wal_checkpoint")
    await store(writer, [observation(1)], start=1)
    restored(url, "PRAGMA user_version = 7")
    with pytest.raises(PositionConflictError):
        await writer.check()
    await writer.begin(await writer.positions(), other_logs=frozenset())
    execute(url, "PRAGMA wal_checkpoint")
    assert (await store(writer, [observation(2)], start=2)).stored == 1


async def test_what_another_program_writes_beside_it_is_no_conflict(writer: Writer, url: str) -> None:
    """Tables of another program are no conflict, however often it writes: the sink would never get on."""
    await writer.begin({0: Position(0, "m"), 1: Position(5, "m")}, other_logs=frozenset())
    for number in range(3):
        with closing(connected(url)) as other:
            other.execute(f"CREATE TABLE notes_{number} (text)")
        await writer.check()
        await store(writer, [observation(number)], start=number)


async def test_known_patients_are_not_written_again(writer: Writer, url: str) -> None:
    """Known patients cost no write to their table: the trigger would refuse it."""
    with closing(connected(url)) as other:
        other.execute("CREATE TRIGGER refused BEFORE UPDATE ON patients BEGIN SELECT raise(ABORT, 'refused'); END")
    await store(writer, [observation(0)])
    assert (await store(writer, [observation(1), observation(2, interval=None)], start=1)).stored == 2
    with pytest.raises(StoreError, match="refused"):
        await store(writer, [observation(3, patient_name="Anna A.")], start=3)


@asynccontextmanager
async def driver_on(url: str) -> AsyncIterator[aiosqlite.Connection]:
    """Open a connection of the driver."""
    async with aiosqlite.connect(url.removeprefix("sqlite:///")) as driver:
        yield driver


async def test_foreign_writes_are_noticed_on_a_new_connection(writer: Writer, url: str) -> None:
    """SQLite counts foreign commits per connection, so an equal count on a new one does not hide them."""
    writes = ForeignWrites("icu.test")
    async with driver_on(url) as driver:
        await writes.begin(SqliteTransaction(driver), [0])
        [before] = await driver.execute_fetchall("PRAGMA data_version")
    with closing(connected(url)) as other:
        other.execute("UPDATE consumer_offsets SET next = 3")
    async with driver_on(url) as driver:
        assert await driver.execute_fetchall("PRAGMA data_version") == [before]
        with pytest.raises(PositionConflictError):
            await writes.check(SqliteTransaction(driver))


async def test_commands_of_people_do_not_make_patients_stale(writer: Writer, url: str) -> None:
    """A commit that raises the counter of commands is no reason to read the patients anew; the next one may be."""
    await store(writer, [observation(0)])
    known = writer.guard.patients
    for number in range(1, 3):
        execute(url, "UPDATE command_count SET count = count + 1")
        await store(writer, [observation(number)], start=number)
        assert writer.guard.patients is known
    execute(url, "UPDATE patients SET name = 'other'")
    await writer.check()
    assert writer.guard.patients is not known


async def test_a_restored_database_is_no_command(writer: Writer, url: str) -> None:
    """A copy that has fewer commands, or as many, is another program's write: its patients have other keys."""
    await store(writer, [observation(1), observation(1, patient=BORIS)])
    execute(url, "UPDATE command_count SET count = 7")
    await writer.check()
    for count in (7, 3):
        restored(url, EXCHANGED + f"UPDATE command_count SET count = {count};")
        known = writer.guard.patients
        await writer.check()
        assert writer.guard.patients is not known
        await store(writer, [observation(10 - count)], start={7: 2, 3: 3}[count])
