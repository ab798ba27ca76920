"""Roll-ups and the marks of late hours, case by case, against a naive oracle."""

from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

import pytest

from icu.messages import Quality, uuid_of_name
from icu.store.engines.table import engine_of
from icu.store.errors import SchemaError
from icu.store.rollups.rolling import DELAY
from icu.store.rollups.step import RolledUp
from icu.store.upkeep import Upkeep, open_upkeep
from icu.store.writer import Writer
from tests.rollups import HOUR, MINUTE, roll_up, stored
from tests.samples import ANNA, BORIS, observation
from tests.stores import NOON, SQLITE_ALONE, execute, note_statements, rows, store

T = TypeVar("T")

CLARA = uuid_of_name("Clara")
PATIENTS: Sequence[UUID] = (ANNA, BORIS, CLARA)


@pytest.fixture
async def upkeep(url: str) -> AsyncIterator[Upkeep]:
    """Upkeep of the database."""
    async with open_upkeep(url) as upkeep:
        yield upkeep


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Statements of transactions from now on."""
    return note_statements(monkeypatch, ["rows", "execute"])


async def test_minutes_and_hours(writer: Writer, upkeep: Upkeep, url: str) -> None:
    """All minutes but the last two are rolled up, and whole hours; doubtful and missing values are told apart."""
    said = [None, Quality(bp="damped"), Quality(bp="implausible"), Quality(map="implausible", spo2="motion")]
    sent = [
        observation(60 * n, map=93 + n, spo2=None if n == 5 else 90 + n % 9, quality=said[n % 4]) for n in range(100)
    ]
    await store(writer, sent)
    now = NOON + 100 * MINUTE + 59_999
    steps = await roll_up(upkeep, now)
    found = stored(url)
    assert found.rolled_until == NOON + 98 * MINUTE
    assert (len(found.minutes), len(found.hours), found.wrong()) == (98, 1, [])
    assert sum(each.readings for each in steps) == 98
    assert steps[-1] == RolledUp(done=True, readings=0, hours=0, behind=DELAY + MINUTE - 1)
    assert found.hours[1, NOON]["map_flagged"] == 30


async def test_a_ward_that_begins_late_in_an_hour(writer: Writer, upkeep: Upkeep, url: str) -> None:
    """Nothing is behind before it, also for a moment, and its hour is rolled up with what it has."""
    begin = 34 * MINUTE
    await store(writer, [observation(begin // 1000 + 5 * n) for n in range(12)])
    steps = await roll_up(upkeep, NOON + begin + MINUTE)
    assert max(each.behind for each in steps) <= DELAY + MINUTE
    await roll_up(upkeep, NOON + 2 * HOUR)
    found = stored(url)
    assert (found.wrong(), len(found.minutes), len(found.hours)) == ([], 1, 1)


async def test_a_ward_that_does_not_fit_into_a_transaction(writer: Writer, url: str) -> None:
    """Each window goes through all patients, also the first ones of the next."""
    sent = [observation(1_800 * n, patient=each) for n in range(5) for each in PATIENTS]
    await store(writer, sent)
    engine = engine_of(url)
    try:
        await roll_up(Upkeep(engine, clock=count(0, 0.01).__next__, minutes=1), NOON + 3 * HOUR)
    finally:
        await engine.aclose()
    found = stored(url)
    assert (found.wrong(), len(found.minutes), len(found.hours)) == ([], 15, 6)


async def test_a_steady_batch_has_no_statement_more(
    writer: Writer, upkeep: Upkeep, statements: list[str], url: str
) -> None:
    """Marks cost statements only where readings are late."""
    await store(writer, [observation(0)])
    statements.clear()
    await store(writer, [observation(1)], start=1)
    before = list(statements)
    await roll_up(upkeep, NOON + HOUR)
    await store(writer, [observation(3600)], start=2)  # which finds that the upkeep was at work
    statements.clear()
    await store(writer, [observation(3605)], start=3)
    assert statements == before
    await store(writer, [observation(5)], start=4)
    assert len([each for each in statements if "late_hours" in each]) == 1
    assert rows(url, "SELECT patient_id, hour FROM late_hours") == [(1, NOON)]


async def test_the_first_readings_behind_a_mark(writer: Writer, upkeep: Upkeep, url: str) -> None:
    """The transaction that follows the mark marks what is before it, and nothing else; duplicates are not late."""
    await store(writer, [observation(0), observation(0, patient=BORIS)])
    assert (await upkeep.roll_up(NOON + HOUR + DELAY)).done is False
    border = 3600.0
    sent = [observation(border), observation(border - 0.001), observation(0), observation(0, patient=BORIS)]
    assert (await store(writer, sent, start=2)).stored == 2
    assert rows(url, "SELECT patient_id, hour FROM late_hours") == [(1, NOON)]


async def test_a_sink_that_starts_behind_the_upkeep(writer: Writer, upkeep: Upkeep, url: str) -> None:
    """The first batch of a new sink is marked as any other."""
    await store(writer, [observation(0)])
    await roll_up(upkeep, NOON + HOUR)
    await writer.begin(await writer.positions(), other_logs=frozenset())
    await store(writer, [observation(1)], start=1)
    assert rows(url, "SELECT patient_id, hour FROM late_hours") == [(1, NOON)]


async def test_late_hours_wait_until_they_have_passed(writer: Writer, upkeep: Upkeep, url: str) -> None:
    """An hour in which readings are late gets more of them; it is rolled up anew once, when it is over."""
    await store(writer, [observation(0), observation(60)])
    await roll_up(upkeep, NOON + 30 * MINUTE)
    await store(writer, [observation(1)], start=2)
    steps = await roll_up(upkeep, NOON + 40 * MINUTE)
    assert sum(each.hours for each in steps) == 0
    assert len(rows(url, "SELECT * FROM late_hours")) == 1
    steps = await roll_up(upkeep, NOON + HOUR + DELAY)
    assert (sum(each.hours for each in steps), rows(url, "SELECT * FROM late_hours")) == (1, [])
    assert stored(url).wrong() == []


async def test_readings_of_an_hour_whose_end_is_silent(writer: Writer, upkeep: Upkeep, url: str) -> None:
    """An hour is rolled up for a patient who was heard in its beginning alone."""
    await store(writer, [observation(0), observation(0, patient=BORIS)])
    await roll_up(upkeep, NOON + 30 * MINUTE)
    await store(writer, [observation(3000)], start=2)
    await roll_up(upkeep, NOON + 2 * HOUR)
    assert stored(url).hours.keys() == {(1, NOON), (2, NOON)}
    assert stored(url).wrong() == []


async def test_a_clock_that_once_was_years_behind(writer: Writer, upkeep: Upkeep, url: str) -> None:
    """Empty years are gone over at once."""
    await store(writer, [observation(-40 * 365 * 86_400), observation(0)])
    steps = await roll_up(upkeep, NOON + HOUR + DELAY)
    assert len(steps) < 10
    assert (len(stored(url).minutes), len(stored(url).hours), stored(url).wrong()) == (2, 2, [])


async def test_a_clock_that_once_was_years_ahead(writer: Writer, upkeep: Upkeep, url: str) -> None:
    """The upkeep goes back: else all readings would be late for years."""
    await store(writer, [observation(0)])
    await roll_up(upkeep, NOON + 3 * 365 * 24 * HOUR)
    await roll_up(upkeep, NOON + HOUR)
    assert stored(url).rolled_until == NOON + HOUR - DELAY
    await store(writer, [observation(3600)], start=1)
    assert rows(url, "SELECT * FROM late_hours") == []
    await roll_up(upkeep, NOON + 2 * HOUR + DELAY)
    assert (stored(url).wrong(), len(stored(url).hours)) == ([], 2)


async def test_a_clock_that_was_ahead_in_the_middle_of_an_hour(writer: Writer, upkeep: Upkeep, url: str) -> None:
    """The hour is rolled up anew at its end, with what came in it."""
    await store(writer, [observation(0), observation(1_200, patient=BORIS)])
    await roll_up(upkeep, NOON + 50 * HOUR)
    await store(writer, [observation(60)], start=2)
    await roll_up(upkeep, NOON + 30 * MINUTE)
    assert stored(url).rolled_until == NOON + 28 * MINUTE
    await store(writer, [observation(3_000)], start=3)
    await roll_up(upkeep, NOON + HOUR + DELAY)
    assert (stored(url).wrong(), len(stored(url).hours)) == ([], 2)


async def test_a_clock_that_goes_back_a_little(writer: Writer, upkeep: Upkeep, url: str) -> None:
    """Nothing happens until it is as late again."""
    await store(writer, [observation(0)])
    await roll_up(upkeep, NOON + HOUR)
    assert await upkeep.roll_up(NOON + 10 * MINUTE) == RolledUp(done=True, readings=0, hours=0, behind=0)
    assert stored(url).rolled_until == NOON + HOUR - DELAY


async def test_hours_behind_the_horizon_stay_as_they_are(writer: Writer, upkeep: Upkeep, url: str) -> None:
    """Their readings are deleted: a roll-up of what is left would be wrong. Their marks go."""
    await store(writer, [observation(0), observation(1), observation(3600)])
    await roll_up(upkeep, NOON + 3 * HOUR)
    before = stored(url)
    execute(url, f"INSERT INTO late_hours VALUES (1, {NOON}), (1, {NOON + HOUR})")
    execute(url, f"DELETE FROM patient_metrics WHERE timestamp = {NOON}")
    execute(url, f"UPDATE upkeep_state SET raw_horizon = {NOON + HOUR}")
    steps = await roll_up(upkeep, NOON + 3 * HOUR)
    after = stored(url)
    assert sum(each.hours for each in steps) == 1
    assert (after.minutes, after.hours, after.late) == (before.minutes, before.hours, set())


async def test_a_reading_that_comes_while_its_hour_is_rolled_up(
    writer: Writer, upkeep: Upkeep, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark stays where a reading was stored between the reading and the writing of a late hour."""
    await store(writer, [observation(0), observation(0, patient=BORIS)])
    await roll_up(upkeep, NOON + 3 * HOUR)
    await store(writer, [observation(1), observation(1, patient=BORIS)], start=2)
    transact = Upkeep.transact

    async def between(self: Upkeep, work: Callable[..., Any]) -> Any:
        monkeypatch.undo()
        await store(writer, [observation(2)], start=4)
        return await transact(self, work)

    monkeypatch.setattr(Upkeep, "transact", between)
    assert (await upkeep.roll_up(NOON + 3 * HOUR)).hours == 1
    assert (stored(url).late, stored(url).wrong()) == ({(1, NOON)}, [])
    assert (await upkeep.roll_up(NOON + 3 * HOUR)).hours == 1
    assert (stored(url).late, stored(url).wrong()) == (set(), [])


async def test_an_upkeep_that_was_down_for_a_day(writer: Writer, upkeep: Upkeep, url: str) -> None:
    """Readings that came meanwhile behind its mark are late, and all else is rolled up as if it had been there."""
    await store(writer, [observation(60 * n) for n in range(0, 120, 2)])
    await roll_up(upkeep, NOON + HOUR)
    sent = [observation(60 * n) for n in range(1, 1_560, 2)]
    await store(writer, sent[::-1], start=60, arrived=NOON + 26 * HOUR)
    assert rows(url, "SELECT patient_id, hour FROM late_hours") == [(1, NOON)]
    async with open_upkeep(url) as another:
        await roll_up(another, NOON + 26 * HOUR + DELAY)
    found = stored(url)
    assert (len(found.minutes), len(found.hours), found.late, found.wrong()) == (60 + 780, 26, set(), [])


async def test_two_upkeeps(writer: Writer, upkeep: Upkeep, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has read before another one wrote writes nothing, and begins anew."""
    await store(writer, [observation(0)])
    await roll_up(upkeep, NOON + 30 * MINUTE)
    await store(writer, [observation(3000)], start=1)
    await upkeep.roll_up(NOON + 2 * HOUR)
    transact = Upkeep.transact

    async def between(self: Upkeep, work: Callable[..., Any]) -> Any:
        monkeypatch.undo()
        async with open_upkeep(url) as other:
            await roll_up(other, NOON + 2 * HOUR)
            await store(writer, [observation(3001)], start=2)
            await roll_up(other, NOON + 2 * HOUR)
        return await transact(self, work)

    monkeypatch.setattr(Upkeep, "transact", between)
    [(commits,)] = rows(url, "SELECT commits FROM upkeep_state")
    assert (await upkeep.roll_up(NOON + 2 * HOUR)).readings == 0
    assert stored(url).wrong() == []
    assert rows(url, "SELECT commits FROM upkeep_state") > [(commits,)]
    await roll_up(upkeep, NOON + 2 * HOUR)
    assert stored(url).wrong() == []


async def test_commits_are_known_to_the_sink(writer: Writer, upkeep: Upkeep, url: str) -> None:
    """The sink keeps what it knows of the patients beside the upkeep, which leaves the journal alone."""
    await store(writer, [observation(0)])
    known = writer.guard.patients
    journal = rows(url, "SELECT * FROM journal_end")
    await roll_up(upkeep, NOON + 2 * HOUR)
    assert rows(url, "SELECT * FROM journal_end") == journal
    await store(writer, [observation(7200)], start=1)
    assert writer.guard.patients is known


@SQLITE_ALONE
@pytest.mark.usefixtures("no_file")
async def test_no_database_yet(upkeep: Upkeep) -> None:
    """There is nothing to look after before the first sink."""
    with pytest.raises(SchemaError, match="there is no database"):
        await upkeep.roll_up(NOON)
