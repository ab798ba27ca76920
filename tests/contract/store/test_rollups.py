"""Roll-ups, and the marks of late hours, against a naive oracle."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icu.messages import Observation, Position, Quality, uuid_of_name
from icu.store.engines.sqlite.transaction import SqliteTransaction
from icu.store.engines.table import engine_of
from icu.store.errors import SchemaError
from icu.store.rollups.rolling import DELAY
from icu.store.rollups.step import RolledUp
from icu.store.upkeep import Upkeep, open_upkeep
from icu.store.writer import Writer, open_writer
from tests.histories import QUALITIES, VALUES
from tests.rollups import HOUR, MINUTE, stored
from tests.samples import ANNA, BORIS, observation
from tests.stores import NOON, execute, rows, store

CLARA = uuid_of_name("Clara")


@pytest.fixture
async def upkeep(url: str) -> AsyncIterator[Upkeep]:
    """Upkeep of the database."""
    async with open_upkeep(url) as upkeep:
        yield upkeep


async def roll_up(upkeep: Upkeep, now: int) -> list[RolledUp]:
    """Roll up until there is nothing left to do."""
    steps = [await upkeep.roll_up(now)]
    while not steps[-1].done:
        assert len(steps) < 1_000
        steps.append(await upkeep.roll_up(now))
    return steps


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Statements of transactions from now on."""
    found: list[str] = []

    def noting(original: Callable[..., Any]) -> Callable[..., Any]:
        async def noted(self: SqliteTransaction, statement: object, *values: object) -> object:
            found.append(str(statement))
            return await original(self, statement, *values)

        return noted

    for name in ("rows", "execute"):
        monkeypatch.setattr(SqliteTransaction, name, noting(getattr(SqliteTransaction, name)))
    return found


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
    """What came meanwhile behind its mark is late, and all else is rolled up as if it had been there."""
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
    known = writer._patients
    journal = rows(url, "SELECT * FROM journal_end")
    await roll_up(upkeep, NOON + 2 * HOUR)
    assert rows(url, "SELECT * FROM journal_end") == journal
    await store(writer, [observation(7200)], start=1)
    assert writer._patients is known


async def test_no_database_yet(upkeep: Upkeep) -> None:
    """There is nothing to look after before the first sink."""
    with pytest.raises(SchemaError, match="there is no database"):
        await upkeep.roll_up(NOON)


# Of the property test: patients, and the minutes before now at which their readings were measured.
PATIENTS: Sequence[UUID] = (ANNA, BORIS, CLARA)
FIELDS = st.fixed_dictionaries(
    {**{name: st.sampled_from(choice) for name, choice in VALUES.items()}, "quality": st.sampled_from(QUALITIES)}
)
READINGS = st.lists(
    st.tuples(
        st.sampled_from(PATIENTS), st.one_of(st.integers(-3, 5), st.integers(-1, 300)), st.integers(0, 59), FIELDS
    ),
    min_size=1,
    max_size=8,
)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("store"), READINGS),
        st.tuples(st.just("again"), st.none()),
        st.tuples(st.just("steps"), st.integers(1, 6)),
        st.tuples(st.just("crash"), st.none()),
        st.tuples(st.just("minutes"), st.one_of(st.integers(1, 5), st.integers(20, 1_500))),
    ),
    max_size=25,
)


@pytest.fixture
async def template(tmp_path: Path) -> Path:
    """A database without rows."""
    path = tmp_path / "template.db"
    async with open_writer(f"sqlite:///{path}", topic="icu.test"):
        pass
    return path


class Ward:
    """A sink and an upkeep, which act in turn."""

    def __init__(self, url: str, writer: Writer, size: int) -> None:
        self._url = url
        self._writer = writer
        self._size = size
        self._sent: list[Observation] = []
        self._offset = 0
        self.now = NOON + 30_000
        self.upkeep = self._new()

    def _new(self) -> Upkeep:
        # A clock on which each transaction takes as long as it should: they stay as small as the first.
        return Upkeep(engine_of(self._url), clock=count(0, 0.01).__next__, minutes=self._size)

    async def act(self, action: str, value: Any) -> None:
        """Do one thing."""
        if action == "store":
            await self._store([self._made(*each) for each in value])
        elif action == "again":
            await self._store(self._sent[-5:])
        elif action == "crash":
            await self.crash()
        elif action == "minutes":
            self.now += value * MINUTE
        else:
            for _ in range(value):
                await self.upkeep.roll_up(self.now)
                assert stored(self._url).wrong() == []
        assert stored(self._url).wrong() == []

    async def crash(self) -> None:
        """The upkeep dies, and another one begins."""
        await self.upkeep._engine.aclose()
        self.upkeep = self._new()

    async def _store(self, observations: Sequence[Observation]) -> None:
        self._sent += observations
        result = await store(self._writer, observations, start=self._offset, arrived=self.now)
        self._offset += len(observations)
        assert len(result.refusals) + result.duplicates + result.stored == len(observations)

    def _made(self, patient: UUID, minutes: int, second: int, fields: Mapping[str, Any]) -> Observation:
        seconds = (self.now - NOON) // 1000 // 60 * 60 - 60 * minutes + second
        return observation(seconds, patient=patient, **fields)


@asynccontextmanager
async def ward(template: Path, size: int) -> AsyncIterator[tuple[Ward, str]]:
    """A ward with a database of its own."""
    with tempfile.TemporaryDirectory(dir=template.parent) as folder:
        url = f"sqlite:///{shutil.copy(template, folder)}"
        async with open_writer(url, topic="icu.test") as writer:
            await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
            made = Ward(url, writer, size)
            try:
                yield made, url
            finally:
                await made.crash()


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS, size=st.sampled_from([1, 30, 300]))
async def test_rollups_are_those_of_a_naive_oracle(
    template: Path, actions: Sequence[tuple[str, Any]], size: int
) -> None:
    """Whatever comes late or again, and wherever the upkeep dies: no roll-up lacks a reading without a mark."""
    async with ward(template, size) as (made, url):
        for action, value in actions:
            await made.act(action, value)
        # At the end of the next hour every hour has passed.
        made.now += HOUR + DELAY
        await roll_up(made.upkeep, made.now)
        found = stored(url)
        assert (found.wrong(), found.late) == ([], set())
        assert found.rolled_until == (made.now - DELAY) // MINUTE * MINUTE
