"""The sink's one transaction: readings, dead letters, offsets and journal together, each reading once."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import anyio
import pytest
from msgspec import UNSET

from icu.alarms.effects import Change
from icu.messages import Delivery, Position, Quality, Refusal
from icu.store.alarms.episodes import save
from icu.store.commands.door import Author, Desk, Door
from icu.store.dead_letters.inserting import MAX_DETAIL, MAX_KEPT_BYTES
from icu.store.errors import PositionConflictError, StoreInUseError
from icu.store.journal import entries as journal
from icu.store.reader import Reader
from icu.store.writer import Writer, open_writer
from icu.store.writing.offsets import Move
from icu.store.writing.requests import WriteRequest
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import NOON, SQLITE_ALONE, desaturation, execute, readings_of, rows, store


async def test_rows_and_offset_move_together(writer: Writer, url: str) -> None:
    """One transaction stores the readings and the next position."""
    result = await store(writer, [observation(n) for n in range(3)])
    assert (result.stored, result.duplicates) == (3, 0)
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(3,)]
    assert await writer.positions() == {0: Position(3, "m")}


async def test_values_are_kept_as_integers(writer: Writer, url: str) -> None:
    """Milliseconds and hundredths are stored: the values that were sent are read again exactly."""
    await store(writer, [observation(pulse=89.5, bp="119.25/-", temperature=37.06, spo2=None)], arrived=NOON + 40)
    sql = "SELECT patient_id, timestamp, pulse, resp_rate, systolic, diastolic, spo2, temperature, lag"
    [row] = rows(url, f"{sql} FROM patient_metrics")
    assert row == (1, NOON, 8950, 1600, 11925, None, None, 3706, 40)


async def test_what_is_said_of_a_pressure_and_of_doubt_is_kept(writer: Writer, url: str) -> None:
    """The mean is kept in hundredths, its time in milliseconds, flags as compact JSON; 0 is not NULL."""
    pressure = {"map": 93.25, "bp_measured_at": START - timedelta(minutes=5, microseconds=1_500)}
    nothing = {"map": 0, "bp_measured_at": datetime(1970, 1, 1, tzinfo=UTC)}
    doubt = Quality(spo2="motion", bp="damped", map="implausible")
    await store(writer, [observation(quality=doubt, **pressure), observation(1, **nothing)])
    assert rows(url, "SELECT map, bp_measured_at, quality FROM patient_metrics") == [
        (9325, NOON - 300_002, '{"bp":"damped","spo2":"motion","map":"implausible"}'),
        (0, 0, None),
    ]


async def test_redelivery_is_swallowed(writer: Writer, url: str) -> None:
    """Only new readings are stored from a batch with readings that were stored before."""
    await store(writer, [observation(n) for n in range(3)])
    result = await store(writer, [observation(n) for n in range(5)], start=3)
    assert (result.stored, result.duplicates, list(result.refusals)) == (2, 3, [])
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(5,)]


async def test_a_reading_twice_in_one_batch_is_stored_once(writer: Writer) -> None:
    """Duplicates in one batch are stored once."""
    result = await store(writer, [observation(1), observation(1)])
    assert (result.stored, result.duplicates) == (1, 1)


async def test_other_values_for_the_same_time_are_a_conflict(writer: Writer, url: str) -> None:
    """The first values stand; the others become a dead letter with their bytes."""
    await store(writer, [observation(1, pulse=70)])
    result = await store(writer, [observation(1, pulse=71), observation(2)], start=1)
    assert (result.stored, result.duplicates, len(result.refusals)) == (1, 0, 1)
    assert rows(url, "SELECT pulse FROM patient_metrics ORDER BY timestamp") == [(7000,), (7200,)]
    [(offset, reason, value)] = rows(url, 'SELECT "offset", reason, value FROM dead_letters')
    assert (offset, reason) == (1, "conflict")
    assert b'"pulse":71' in value


DIFFERENCES: dict[str, dict[str, Any]] = {
    "another mean": {"map": 94},
    "no mean": {"map": None},
    "measured at another time": {"bp_measured_at": START - timedelta(minutes=10)},
    "no doubt": {"quality": None},
    "another doubt": {"quality": Quality(bp="motion")},
}


@pytest.mark.parametrize("difference", DIFFERENCES.values(), ids=DIFFERENCES)
async def test_what_is_said_beside_the_signs_is_compared_too(writer: Writer, difference: dict[str, Any]) -> None:
    """Equal readings are duplicates; another mean pressure, pressure time or flag is a conflict."""
    fields = {"map": 93, "bp_measured_at": START - timedelta(minutes=5), "quality": Quality(bp="damped")}
    await store(writer, [observation(0, **fields)], arrived=NOON)
    again = await store(writer, [observation(0, **fields)], start=1, arrived=NOON + 60_000)
    assert (again.duplicates, list(again.refusals)) == (1, [])
    other = await store(writer, [observation(0, **{**fields, **difference})], start=2)
    assert [each.reason for each in other.refusals] == ["conflict"]


async def test_a_dead_letter_keeps_reason_bytes_and_headers(writer: Writer, url: str) -> None:
    """A dead letter keeps the first 64 KiB and the full size of its value, and a bounded explanation."""
    refusal = Refusal(Delivery(0, 0, b"bed", b"x" * 70_000, (("origin", b"test"),)), "malformed", "no JSON" + "!" * 999)
    await store(writer, [], refusals=[refusal])
    columns = 'topic, log, partition, "offset", reason, detail, key, length(value), size, headers, arrived'
    [row] = rows(url, f"SELECT {columns} FROM dead_letters")
    detail = "no JSON" + "!" * (MAX_DETAIL - 7)
    assert row[:9] == ("icu.test", 1, 0, 0, "malformed", detail, b"bed", MAX_KEPT_BYTES, 70_000)
    assert row[9:] == (b"\x91\x92\xa6origin\xc4\x04test", NOON)


async def test_a_dead_letter_without_a_value_has_none(writer: Writer, url: str) -> None:
    """A tombstone's dead letter has NULL for value and headers, not empty ones."""
    await store(writer, [], refusals=[Refusal(Delivery(0, 0, None, None), "tombstone", "the record has no value")])
    assert rows(url, "SELECT key, value, size, headers FROM dead_letters") == [(None, None, 0, None)]


async def test_a_moved_offset_stores_nothing(writer: Writer, url: str) -> None:
    """Compare-and-set on the offset: a sink that was overtaken, stalled or doubled cannot write."""
    await store(writer, [observation(0)])
    with pytest.raises(PositionConflictError):
        await store(writer, [observation(9)], start=0)
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]
    assert (await store(writer, [observation(9)], start=1)).stored == 1


async def test_patients_are_introduced_once_and_renamed(writer: Writer, url: str) -> None:
    """The first reading inserts the patient; the last name sent stands, a missing one changes nothing."""
    await store(writer, [observation(0), observation(0, patient=BORIS)])
    await store(
        writer, [observation(1, patient_name="Anna K.", interval=10), observation(2, patient_name=None)], start=2
    )
    await store(writer, [observation(3, patient_name=None, interval=None)], start=4)
    assert rows(url, "SELECT uuid, name, interval FROM patients ORDER BY id") == [
        (str(ANNA), "Anna K.", 10.0),
        (str(BORIS), "Boris", 5.0),
    ]


async def test_a_clock_that_is_ahead_is_flagged(writer: Writer, reader: Reader, url: str) -> None:
    """A reading over five minutes ahead of arrival is stored, and says so when served. A late one is normal."""
    await store(writer, [observation(0), observation(300), observation(301), observation(-86_400 * 365)])
    assert rows(url, "SELECT lag FROM patient_metrics ORDER BY timestamp") == [
        (86_400 * 365_000,),
        (0,),
        (-300_000,),
        (-301_000,),
    ]
    page = await reader.page(ANNA, limit=10, order="asc")
    assert [each.clock_ahead_seconds for each in readings_of(page)] == [UNSET, UNSET, UNSET, 301]


async def test_another_log_raises_the_log_number(writer: Writer, url: str) -> None:
    """Dead letters of two logs with the same offset are both kept."""
    refusal = Refusal(Delivery(0, 0, None, b"?"), "malformed", "no JSON")
    await store(writer, [], refusals=[refusal])
    await writer.begin({0: Position(0, "another")}, other_logs=frozenset({0}))
    await writer.write(WriteRequest([], [], [refusal], [Move(0, 0, Position(1, "another"))]), arrived=NOON)
    assert rows(url, 'SELECT log, "offset" FROM dead_letters ORDER BY log') == [(1, 0), (2, 0)]
    assert await writer.positions() == {0: Position(1, "another")}


async def test_the_journal_holds_what_was_new_under_rising_numbers(writer: Writer, url: str) -> None:
    """Each transaction with new readings is one entry, behind the one of its new patients; duplicates are in none."""
    await store(writer, [observation(n) for n in range(2)])
    await store(writer, [observation(n) for n in range(2)], start=2)
    await store(writer, [observation(1), observation(2)], start=4)
    entries = rows(url, "SELECT batch, payload FROM journal ORDER BY batch")
    assert [batch for batch, _ in entries] == [NOON + 1, NOON + 3, NOON + 4]
    assert [[row[1] for row in journal.decode(payload).rows] for _, payload in entries] == [
        [],
        [NOON, NOON + 1000],
        [NOON + 2000],
    ]


@SQLITE_ALONE
async def test_numbers_go_on_though_the_journal_is_empty(writer: Writer, url: str) -> None:
    """Numbers of entries that were dropped are not used again: a follower may have seen them."""
    await store(writer, [observation(n) for n in range(3)])
    execute(url, "DELETE FROM journal")
    await store(writer, [observation(3)], start=3, arrived=NOON - 5_000)
    assert rows(url, "SELECT batch FROM journal") == [(NOON + 5,), (NOON + 6,)]


@SQLITE_ALONE
async def test_an_entry_of_nobody_where_others_may_have_written(writer: Writer, url: str) -> None:
    """Before the first batch of a sink that begins, and behind changes of other programs; at no other time."""
    await store(writer, [observation(0)])
    await store(writer, [observation(1)], start=1)
    await writer.begin({0: Position(2, "m")}, other_logs=frozenset())
    await store(writer, [observation(2)], start=2)
    execute(url, "UPDATE patients SET name = 'Nobody'")
    await store(writer, [observation(3, patient_name=None)], start=3)
    entries = [journal.decode(payload) for (payload,) in rows(url, "SELECT payload FROM journal ORDER BY batch")]
    assert [(len(each.news), len(each.rows), each.anew) for each in entries] == [
        *((1, 0, True), (0, 1, False), (0, 1, False)),
        *((0, 0, True), (0, 1, False)),
        *((0, 0, True), (0, 1, False)),
    ]


async def test_a_transaction_that_fails_takes_no_number(writer: Writer, url: str) -> None:
    """A failed transaction leaves no gap in the numbers, which count the readings of the journal."""
    await store(writer, [observation(0)])
    await store(writer, [observation(0), observation(1)], start=1)
    assert rows(url, "SELECT batch FROM journal ORDER BY batch") == [(NOON + 1,), (NOON + 2,), (NOON + 3,)]
    assert rows(url, "SELECT id, batch FROM journal_end") == [(1, NOON + 3)]


@pytest.mark.parametrize(("keep", "batches"), [(10, 3), (8, 2)])
async def test_the_journal_is_bounded(url: str, keep: int, batches: int) -> None:
    """The journal keeps the newest batches that hold so many readings together, and drops older ones."""
    async with open_writer(url, topic="icu.test", journal=keep) as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        for start in range(0, 40, 4):
            await store(writer, [observation(start + n) for n in range(4)], start=start)
        assert rows(url, "SELECT count(*) FROM journal") == [(batches,)]


async def test_a_large_journal_is_cut_now_and_then(url: str) -> None:
    """It never holds less than it has to, nor much more, and most batches do not cut it."""
    counts = []
    async with open_writer(url, topic="icu.test", journal=160) as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        for start in range(0, 240, 4):
            await store(writer, [observation(start + n) for n in range(4)], start=start)
            counts += [count for (count,) in rows(url, "SELECT count(*) FROM journal")] if start >= 200 else []
    assert 160 // 4 <= min(counts) < max(counts) <= (160 + 10) // 4 + 1
    assert sum(after <= before for before, after in pairwise(counts)) < len(counts) // 2


async def _raise_alarm(desk: Desk) -> None:
    desk.alarms += await save(desk.transaction, [Change(desaturation(), 0, "start")], at=desk.now)


async def test_a_command_leaves_the_journal_to_the_sink(url: str) -> None:
    """A command does not cut a journal that is set to hold more than a monitor knows of."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(0)])
    execute(url, "UPDATE journal_end SET batch = batch + 10000000")
    await Door(url).carry_out("test", Author("anna", "test"), _raise_alarm)
    [(oldest, newest)] = rows(url, "SELECT min(batch), max(batch) FROM journal")
    assert newest - oldest > 10_000_000


async def test_a_cancelled_transaction_is_finished(writer: Writer, url: str) -> None:
    """Cancellation waits for the commit: a cut transaction would hang the exit, and its outcome be unknown."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        await store(writer, [observation(0)])
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]


async def test_the_next_sink_takes_over(url: str) -> None:
    """A closed writer releases the file; the next one knows patients and offsets."""
    async with open_writer(url, topic="icu.test") as first:
        await first.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(first, [observation(0)])
    async with open_writer(url, topic="icu.test") as second:
        assert await second.positions() == {0: Position(1, "m")}
        await second.begin(await second.positions(), other_logs=frozenset())
        assert (await store(second, [observation(1)], start=1)).stored == 1
    assert rows(url, "SELECT count(*) FROM patients") == [(1,)]


async def test_a_second_sink_is_refused(writer: Writer, url: str) -> None:
    """While one sink has the database, a second one names it and is refused, and the first goes on."""
    with pytest.raises(StoreInUseError, match="another sink writes to") as refusal:
        async with open_writer(url, topic="icu.other"):
            pass
    assert refusal.value.exit_code == 78
    assert (await store(writer, [observation(0)])).stored == 1
