"""Deleting of what is old: horizons, small steps, and what is never deleted."""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from anyio import to_thread
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from icu.alarms.effects import Change, Effects
from icu.config.retention import Retention
from icu.messages import Delivery, Observation, Position, Refusal
from icu.store.commands.beds import pause
from icu.store.commands.door import Author, Door
from icu.store.engines.table import engine_of
from icu.store.errors import StoreUnavailableError
from icu.store.heartbeats import Beat
from icu.store.retention.deleting import Deleted
from icu.store.rollups.rolling import DELAY
from icu.store.upkeep import Upkeep, only_upkeep, open_upkeep
from icu.store.writer import Writer, open_writer
from tests.rollups import HOUR, MINUTE, naive, stored
from tests.samples import ANNA, BORIS, observation
from tests.stores import NOON, desaturation, execute, rows, store

DAY = 24 * HOUR
# Ten minutes past an hour: horizons are whole ones.
NOW = NOON + 72 * HOUR + 10 * MINUTE


async def roll_up(upkeep: Upkeep, now: int = NOW) -> None:
    """Roll up until there is nothing left to do."""
    while not (await upkeep.roll_up(now)).done:
        pass


async def delete(upkeep: Upkeep, now: int = NOW) -> list[Deleted]:
    """Delete until there is nothing left to do."""
    steps = [await upkeep.delete(now)]
    while not steps[-1].done:
        assert len(steps) < 1_000
        steps.append(await upkeep.delete(now))
    return steps


async def store_hours(writer: Writer, hours: int, *, start: int = 0) -> None:
    """Store a reading of Anna and Boris each ten minutes of the first hours since noon."""
    patients = (ANNA, BORIS)
    sent = [observation(600 * n, patient=each) for n in range(6 * hours) for each in patients]
    await store(writer, sent, start=start)


def dump(url: str, table: str) -> list[tuple[Any, ...]]:
    """Read a table as a whole."""
    return rows(url, f"SELECT * FROM {table} ORDER BY 1, 2")


async def test_readings_before_the_horizon(writer: Writer, url: str) -> None:
    """Readings older than a day are gone, from whole hours on, and their roll-ups stay as they were."""
    await store_hours(writer, 72)
    async with open_upkeep(url, Retention(raw="1d")) as upkeep:
        await roll_up(upkeep)
        rolled = dump(url, "minute_rollups"), dump(url, "hour_rollups")
        steps = await delete(upkeep)
        state = await upkeep.state()
    horizon = NOON + 48 * HOUR
    assert (state.raw_horizon, state.minute_horizon, state.hour_horizon) == (horizon, None, None)
    assert rows(url, "SELECT min(timestamp), count(*) FROM patient_metrics") == [(horizon, 24 * 6 * 2)]
    assert (dump(url, "minute_rollups"), dump(url, "hour_rollups")) == rolled
    assert sum(each.rows for each in steps) == 48 * 6 * 2
    assert {each.kind for each in steps[:-1] if each.rows} == {"raw"}


async def test_each_step_is_small(writer: Writer, url: str) -> None:
    """A step deletes a bounded number of rows, across patients and within one, and says how far it has come."""
    await store_hours(writer, 72)
    async with open_upkeep(url) as rolling:
        await roll_up(rolling)
    clock = count(0, 0.01)  # on which each transaction takes as long as it should
    upkeep = Upkeep(engine_of(url), Retention(raw="1d"), clock=clock.__next__)
    steps = await delete(upkeep)
    await upkeep._engine.aclose()
    rows_of_steps = [each.rows for each in steps if each.rows]
    assert (sum(rows_of_steps), max(rows_of_steps)) == (576, 100)
    assert [each.share for each in steps if each.rows] == [0.5, 0.5, 1, 1, 1, 1]


async def test_nothing_is_deleted_by_default(writer: Writer, url: str) -> None:
    """Readings, their roll-ups, alarms and commands are kept for ever unless a setting says otherwise."""
    await store_hours(writer, 3)
    await writer.write_effects(Effects(changes=[Change(desaturation(ended=NOON), 0, None)]), Beat(NOON, 0))
    await pause(Door(url), ANNA, Author("Ann", "here"), seconds=60)
    await pause(Door(url), ANNA, Author("Ann", "here"), seconds=90)
    tables = ("patient_metrics", "minute_rollups", "hour_rollups", "alarms", "audit")
    async with open_upkeep(url) as upkeep:
        await roll_up(upkeep)
        before = {each: dump(url, each) for each in tables}
        steps = await delete(upkeep, NOON + 100 * 365 * DAY)
    assert {each: dump(url, each) for each in tables} == before
    assert sum(each.rows for each in steps) == 0


async def test_what_is_not_rolled_up_stays(writer: Writer, url: str) -> None:
    """The horizon does not pass the end of what is rolled up."""
    await store_hours(writer, 72)
    async with open_upkeep(url, Retention(raw="1d")) as upkeep:
        assert (await delete(upkeep))[-1].done
        assert (await upkeep.state()).raw_horizon is None
        await roll_up(upkeep, NOON + 24 * HOUR + DELAY)
        await delete(upkeep)
        assert (await upkeep.state()).raw_horizon is None
        await delete(upkeep, NOON + 30 * HOUR)
        assert (await upkeep.state()).raw_horizon == NOON + 6 * HOUR
    assert len(rows(url, "SELECT 1 FROM patient_metrics")) == 66 * 6 * 2


async def test_late_hours_are_rolled_up_first(writer: Writer, url: str) -> None:
    """An hour with late readings is not deleted before they are in its roll-ups."""
    await store_hours(writer, 72)
    async with open_upkeep(url, Retention(raw="1d")) as upkeep:
        await roll_up(upkeep)
        await store(writer, [observation(30)], start=72 * 12)
        await delete(upkeep)
        assert (await upkeep.state()).raw_horizon is None
        await roll_up(upkeep)
        await delete(upkeep)
        assert (await upkeep.state()).raw_horizon == NOON + 48 * HOUR
    [(number,)] = rows(url, f"SELECT pulse_count FROM minute_rollups WHERE patient_id = 1 AND bucket = {NOON}")
    assert number == 2


async def test_a_reading_that_comes_late_at_the_last_moment(
    writer: Writer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that comes just before the sink refuses such keeps its hour until it is rolled up."""
    await store_hours(writer, 72)
    transact = Upkeep.transact

    async def between(self: Upkeep, work: Callable[..., Any]) -> Any:
        monkeypatch.undo()
        await store(writer, [observation(30)], start=72 * 12)
        return await transact(self, work)

    async with open_upkeep(url, Retention(raw="1d")) as upkeep:
        await roll_up(upkeep)
        monkeypatch.setattr(Upkeep, "transact", between)
        await delete(upkeep)
        assert (await upkeep.state()).raw_horizon is None
        assert len(stored(url).readings) == 72 * 12 + 1
        assert (await store(writer, [observation(31)], start=72 * 12 + 1)).expired == 1
        await roll_up(upkeep)
        await delete(upkeep)
    assert len(stored(url).readings) == 24 * 12
    [(number,)] = rows(url, f"SELECT pulse_count FROM minute_rollups WHERE patient_id = 1 AND bucket = {NOON}")
    assert number == 2


async def test_hours_that_turn_late_before_the_deletion(
    writer: Writer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction that moves the horizon looks itself whether all is rolled up."""
    await store_hours(writer, 72)
    transact = Upkeep.transact

    async def between(self: Upkeep, work: Callable[..., Any]) -> Any:
        monkeypatch.undo()
        await to_thread.run_sync(execute, url, f"INSERT INTO late_hours VALUES (1, {NOON})")
        return await transact(self, work)

    async with open_upkeep(url, Retention(raw="1d")) as upkeep:
        await roll_up(upkeep)
        await upkeep.delete(NOW)
        monkeypatch.setattr(Upkeep, "transact", between)
        step = await upkeep.delete(NOW)
        assert (step.done, step.rows, (await upkeep.state()).raw_horizon) == (False, 0, None)
        await delete(upkeep)
        assert (await upkeep.state()).raw_horizon is None


async def test_senders_that_are_always_late(writer: Writer, url: str) -> None:
    """A sender whose clock is days behind does not keep the upkeep from deleting."""
    await store_hours(writer, 72)
    expired = 0
    async with open_upkeep(url, Retention(raw="1d")) as upkeep:
        await roll_up(upkeep)
        for place in range(20):
            await upkeep.roll_up(NOW)
            expired += (await store(writer, [observation(place)], start=72 * 12 + place)).expired
            await upkeep.delete(NOW)
        assert (await upkeep.state()).raw_horizon == NOON + 48 * HOUR
    assert expired >= 18
    assert stored(url).wrong() == []


async def test_each_horizon_follows_the_one_before(writer: Writer, url: str) -> None:
    """Minutes and hours are deleted by their own settings, and never beyond what they are made of."""
    await store_hours(writer, 72)
    async with open_upkeep(url, Retention(raw="1d", minute="36h", hour="2d")) as upkeep:
        await roll_up(upkeep, NOON + 62 * HOUR + DELAY)
        await delete(upkeep, NOON + 90 * HOUR)  # not all is rolled up that is old
        state = await upkeep.state()
        assert (state.raw_horizon, state.minute_horizon, state.hour_horizon) == (None, None, None)
        await roll_up(upkeep)
        await delete(upkeep)
        state = await upkeep.state()
    horizons = [NOON + each * HOUR for each in (48, 36, 24)]
    assert [state.raw_horizon, state.minute_horizon, state.hour_horizon] == horizons
    oldest = "SELECT (SELECT min(bucket) FROM minute_rollups), (SELECT min(bucket) FROM hour_rollups)"
    assert rows(url, oldest) == [(horizons[1], horizons[2])]


async def test_a_horizon_never_moves_back(writer: Writer, url: str) -> None:
    """A longer span brings nothing back; what was about to be deleted is deleted to the end."""
    await store_hours(writer, 72)
    async with open_upkeep(url, Retention(raw="1d")) as upkeep:
        await roll_up(upkeep)
        while not (await upkeep.delete(NOW)).rows:
            pass  # and is killed behind the first rows
    for longer in ("2d", ""):
        async with open_upkeep(url, Retention(raw=longer)) as upkeep:
            await delete(upkeep)
            assert (await upkeep.state()).raw_horizon == NOON + 48 * HOUR
    assert rows(url, "SELECT min(timestamp) FROM patient_metrics") == [(NOON + 48 * HOUR,)]
    async with open_upkeep(url, Retention(raw="1d")) as upkeep:
        await delete(upkeep, NOON)  # the clock was set back
        assert (await upkeep.state()).raw_horizon == NOON + 48 * HOUR


async def test_a_horizon_that_another_upkeep_moves_meanwhile(
    writer: Writer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A horizon that is farther by the time of the deletion stays there."""
    await store_hours(writer, 72)
    transact = Upkeep.transact

    async def between(self: Upkeep, work: Callable[..., Any]) -> Any:
        monkeypatch.undo()
        async with open_upkeep(url, Retention(raw="1d")) as other:
            await delete(other)
        return await transact(self, work)

    async with open_upkeep(url, Retention(raw="2d")) as upkeep:
        await roll_up(upkeep)
        await upkeep.delete(NOW)
        monkeypatch.setattr(Upkeep, "transact", between)
        await upkeep.delete(NOW)
        assert (await upkeep.state()).raw_horizon == NOON + 48 * HOUR


async def test_a_shorter_span_deletes_more(writer: Writer, url: str) -> None:
    """A shorter span moves the horizon at once."""
    await store_hours(writer, 72)
    for span, hours in (("2d", 24), ("1d", 48)):
        async with open_upkeep(url, Retention(raw=span)) as upkeep:
            await roll_up(upkeep)
            await delete(upkeep)
            assert (await upkeep.state()).raw_horizon == NOON + hours * HOUR


async def test_dead_letters_by_their_arrival(writer: Writer, url: str) -> None:
    """Dead letters go 90 days after their arrival; one that is to be replayed stays until it is."""
    for place, arrived in enumerate((NOON, NOON + 1, NOON + HOUR)):
        refusal = Refusal(Delivery(0, place, None, b"?"), "malformed", "no JSON")
        await store(writer, [], start=place, refusals=[refusal], arrived=arrived)
    execute(url, "UPDATE dead_letters SET asked = 1, asked_by = 'Ann' WHERE \"offset\" = 1")
    async with open_upkeep(url) as upkeep:
        await delete(upkeep, NOON + HOUR - 1 + 90 * DAY)
        assert rows(url, 'SELECT "offset" FROM dead_letters ORDER BY 1') == [(0,), (1,), (2,)]
        await delete(upkeep, NOON + HOUR + 90 * DAY)
        assert rows(url, 'SELECT "offset" FROM dead_letters ORDER BY 1') == [(1,), (2,)]
        execute(url, "UPDATE dead_letters SET replayed = 2")
        await delete(upkeep, NOON + 2 * HOUR + 90 * DAY)
        assert rows(url, 'SELECT "offset" FROM dead_letters ORDER BY 1') == []


async def test_alarms_that_have_ended(writer: Writer, url: str) -> None:
    """Alarms go by their end; open ones stay, and one whose event waits to be published."""
    await store(writer, [observation(0), observation(0, patient=BORIS)])
    old = desaturation(ended=NOON)
    some = {
        "pulse.low": desaturation(),
        "pulse.high": old,
        "resp_rate.low": replace(old, ended=NOON + DAY),
        "resp_rate.high": old,
    }
    for number, (name, episode) in enumerate(some.items()):
        changed = replace(episode, id=UUID(int=number + 1), condition=name)
        event = "end" if name == "resp_rate.high" else None
        await writer.write_effects(Effects(changes=[Change(changed, 0, event)]), Beat(NOON, 0))
    async with open_upkeep(url, Retention(alarms="1d", outbox="")) as upkeep:
        await delete(upkeep, NOON + DAY + HOUR)
        assert set(rows(url, "SELECT condition FROM alarms")) == {
            ("pulse.low",),
            ("resp_rate.low",),
            ("resp_rate.high",),
        }
        execute(url, "DELETE FROM outbox")
        await delete(upkeep, NOON + DAY + 2 * HOUR)
    assert set(rows(url, "SELECT condition FROM alarms")) == {("pulse.low",), ("resp_rate.low",)}


async def test_times_of_the_statistics(writer: Writer, url: str) -> None:
    """Counts of an hour go with the alarms. Where they begin is then known: times before are absent, not 0."""
    await store(writer, [observation(0), observation(0, patient=BORIS)])
    for hour, kind, amount in ((0, "counted", 5), (NOON, "monitored", 7), (NOON + DAY, "monitored", 9)):
        execute(url, f"INSERT INTO alarm_counts VALUES (1, {hour}, '{kind}', '', {amount})")
    execute(url, "INSERT INTO alarm_counts VALUES (2, 0, 'counted', '', 5)")
    async with open_upkeep(url, Retention(alarms="1d")) as upkeep:
        await delete(upkeep, NOON + DAY + HOUR)
        await delete(upkeep, NOON + DAY + HOUR)
    assert dump(url, "alarm_counts") == [
        (1, 0, "counted", "", 5),
        (1, 0, "counted_from", "", NOON + HOUR),
        (1, NOON + DAY, "monitored", "", 9),
        (2, 0, "counted", "", 5),
    ]


async def test_the_last_command_stays(writer: Writer, url: str) -> None:
    """The audit keeps its last line: else the next one would have its number, and the sink would not see it."""
    await store(writer, [observation(0)])
    door = Door(url, wall=lambda: NOON / 1000)
    for seconds in (60, 90):
        await pause(door, ANNA, Author("Ann", "here"), seconds=seconds)
    async with open_upkeep(url, Retention(audit="1d")) as upkeep:
        await delete(upkeep, NOON + 3 * DAY)
    assert rows(url, "SELECT id FROM audit") == [(2,)]
    known = await writer.watched()
    await pause(door, ANNA, Author("Ann", "here"), seconds=120)
    assert rows(url, "SELECT id FROM audit") == [(2,), (3,)]
    found = await writer.commanded(known.mark)
    assert found is not None and list(found.beds) == [1]


async def test_events_that_nobody_takes(writer: Writer, url: str) -> None:
    """Events go a week after they were written; those of an older program go with the first one behind them."""
    for version, at in enumerate((NOON, NOON + 1, NOON + DAY), start=1):
        change = Change(desaturation(version=version), version - 1, "update")
        await writer.write_effects(Effects(changes=[change]), Beat(at, 0))
    execute(url, "UPDATE outbox SET written = NULL WHERE version = 1")
    async with open_upkeep(url) as upkeep:
        await delete(upkeep, NOON + 7 * DAY)
        assert rows(url, "SELECT version FROM outbox ORDER BY 1") == [(1,), (2,), (3,)]
        steps = await delete(upkeep, NOON + 7 * DAY + HOUR)
        assert rows(url, "SELECT version FROM outbox ORDER BY 1") == [(3,)]
        assert [(each.kind, each.rows) for each in steps if each.rows] == [("outbox", 2)]
        execute(url, "UPDATE outbox SET written = NULL")
        await delete(upkeep, NOON + 70 * DAY)
    assert rows(url, "SELECT version FROM outbox ORDER BY 1") == [(3,)]


async def test_the_sink_goes_on_beside_it(writer: Writer, url: str) -> None:
    """The sink knows deletions for the upkeep's: it keeps its patients, and refuses what is older than the horizon."""
    await store_hours(writer, 72)
    async with open_upkeep(url, Retention(raw="1d")) as upkeep:
        await roll_up(upkeep)
        known = writer.guard.patients
        start = 72 * 12
        await upkeep.delete(NOW)
        result = await store(writer, [observation(60), observation(72 * 3_600)], start=start)
        assert (result.stored, result.expired) == (1, 1)
        await delete(upkeep)
    assert writer.guard.patients is known
    assert stored(url).wrong() == []


async def test_a_topic_read_anew(writer: Writer, url: str) -> None:
    """After a deletion the topic from offset 0 changes neither rows nor roll-ups, and marks nothing as late."""
    await store_hours(writer, 72)
    async with open_upkeep(url, Retention(raw="1d", minute="30h", hour="2d")) as upkeep:
        await roll_up(upkeep)
        await delete(upkeep)
        before = stored(url)
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset({0}))
        await store_hours(writer, 72)
        await roll_up(upkeep)
        await delete(upkeep)
    assert stored(url) == before
    assert rows(url, "SELECT reason, count(*) FROM dead_letters GROUP BY reason") == [("expired", 1)]


async def test_one_upkeep_a_database(url: str) -> None:
    """A second upkeep is told of the first one, and takes over once that has ended."""
    async with open_writer(url, topic="icu.test"):
        pass

    async def attempt() -> None:
        async with only_upkeep(url):
            pass

    async with only_upkeep(url):
        with pytest.raises(StoreUnavailableError, match=r"another upkeep looks after .*: one is enough"):
            await attempt()
    await attempt()


# Of the property test: hours before now at which readings were measured, by Anna (0) or Boris (1).
READINGS = st.lists(
    st.tuples(st.sampled_from((ANNA, BORIS)), st.integers(0, 40), st.integers(0, 3)), min_size=1, max_size=6
)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("store"), READINGS),
        st.tuples(st.just("again"), st.none()),
        st.tuples(st.just("roll"), st.integers(1, 8)),
        st.tuples(st.just("delete"), st.integers(1, 3)),
        st.tuples(st.just("crash"), st.none()),
        st.tuples(st.just("hours"), st.integers(1, 20)),
        st.tuples(st.just("keep"), st.sampled_from(("1d", "30h", ""))),
    ),
    min_size=5,
    max_size=30,
)


class Ward:
    """A sink and an upkeep, which act in turn, and what was ever stored."""

    def __init__(self, url: str, writer: Writer) -> None:
        self._url = url
        self._writer = writer
        self._sent: list[Observation] = []
        self._offset = 0
        self._keep = "1d"
        # Readings that were stored, by patient and time, as another program finds them.
        self._ever: dict[tuple[int, int], Mapping[str, Any]] = {}
        self.now = NOON + 40 * HOUR
        self.upkeep = self._new()

    def _new(self) -> Upkeep:
        return Upkeep(engine_of(self._url), Retention(raw=self._keep), clock=count(0, 0.02).__next__, minutes=20)

    async def act(self, action: str, value: Any) -> None:
        """Do one thing."""
        match action:
            case "store":
                await self._store([self._made(*each) for each in value])
            case "again":
                await self._store(self._sent)
            case "hours":
                self.now += value * HOUR
            case "keep":
                self._keep = value
                await self.crash()
            case "crash":
                await self.crash()
            case _:
                for _ in range(value):
                    await (self.upkeep.roll_up if action == "roll" else self.upkeep.delete)(self.now)
                    self.check()

    def check(self) -> None:
        """Check what must hold at any time."""
        found = stored(self._url)
        self._ever |= {(each["patient_id"], each["timestamp"]): each for each in found.readings}
        assert found.wrong() == []
        # Of deleted hours, too, the roll-ups have all that was ever stored, but for late ones.
        for every, rolled in ((MINUTE, found.minutes), (HOUR, found.hours)):
            deleted = {key for key in naive(self._ever.values(), every) if key[1] + every <= found.raw_horizon}
            expected = naive(self._ever.values(), every)
            assert {key: rolled.get(key) for key in deleted} == {key: expected[key] for key in deleted}

    async def crash(self) -> None:
        """The upkeep dies, and another one begins."""
        await self.upkeep._engine.aclose()
        self.upkeep = self._new()

    async def _store(self, sent: Sequence[Observation]) -> None:
        [(border,)] = rows(self._url, "SELECT coalesce(refused_until, 0) FROM upkeep_state")
        before = len(stored(self._url).readings)
        result = await store(self._writer, sent, start=self._offset, arrived=self.now)
        self._offset += len(sent)
        self._sent += [each for each in sent if each not in self._sent]
        old = [each for each in sent if round(each.timestamp.timestamp() * 1000) < border]
        assert (result.expired, len(stored(self._url).readings) - before) == (len(old), result.stored)
        self.check()

    def _made(self, patient: UUID, hours: int, minutes: int) -> Observation:
        seconds = (self.now - NOON) // 1000 - hours * 3_600 - minutes * 60
        return observation(seconds, patient=patient, pulse=60 + hours)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
async def test_nothing_is_lost_that_is_not_rolled_up(template: Path, actions: list[tuple[str, Any]]) -> None:
    """Whatever comes late, twice or again, roll-ups have all readings that were stored, deleted ones too."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "icu.db"
        shutil.copyfile(template, path)
        url = f"sqlite:///{path}"
        async with open_writer(url, topic="icu.test") as writer:
            await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
            ward = Ward(url, writer)
            for action, value in actions:
                await ward.act(action, value)
            await roll_up(ward.upkeep, ward.now)
            await delete(ward.upkeep, ward.now)
            ward.check()
            await ward.crash()


@pytest.fixture
async def template(tmp_path: Path) -> Path:
    """A database without rows."""
    path = tmp_path / "template.db"
    async with open_writer(f"sqlite:///{path}", topic="icu.test"):
        pass
    return path
