"""Several sinks on one database, each with a writer of its own: who stores what, and who is told."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack

import anyio
import pytest

from icu.alarms.effects import Change, Effects
from icu.alarms.episodes import BedState
from icu.messages import Position
from icu.store.alarms.evaluating import StoredReadings
from icu.store.alarms.watched import LastReading, Watched
from icu.store.engines.table import engine_of
from icu.store.errors import OwnersChangedError, PositionConflictError
from icu.store.heartbeats import Beat
from icu.store.journal.entries import decode
from icu.store.writer import Writer
from icu.store.writing.offsets import Move
from icu.store.writing.requests import WriteRequest
from tests.samples import ANNA, BORIS, delivery, observation
from tests.stores import NOON, desaturation, execute, observed, rows

BEAT = Beat(NOON, 0)


class Recorder:
    """Evaluator that records what it is given."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def begin(self) -> None:
        """Begin."""
        self.calls = []

    def unknown(self, keys: Iterable[int]) -> set[int]:
        """Know those who were restored."""
        return set(keys) - {each[1] for each in self.calls if isinstance(each, tuple)}

    def introduce(self, key: int, bed: BedState, now: int) -> None:
        """Record a new patient."""
        self.calls.append(("new", key))

    def restore(self, found: Watched, readings: Mapping[int, Sequence[LastReading]], now: int) -> None:
        """Record a patient of another sink, with the number of stored readings."""
        self.calls += [("restored", key, len(readings.get(key, ()))) for key in found.beds]

    def take(self, readings: StoredReadings) -> Effects:
        """Record readings."""
        self.calls += [("reading", row[0]) for row in readings.rows]
        return Effects()


@pytest.fixture
async def sinks(url: str) -> AsyncIterator[list[Writer]]:
    """Sinks a and b with partitions 0 and 1."""
    async with AsyncExitStack() as stack:
        found = []
        for number, name in enumerate("ab"):
            engine = engine_of(url)
            stack.push_async_callback(engine.aclose)
            await engine.upgrade()
            found.append(Writer(engine, "icu.test", member=name))
            await begin(found[-1], number)
        yield found


async def begin(writer: Writer, *partitions: int) -> None:
    """Read these partitions from where they are stored."""
    stored = await writer.positions()
    positions = {each: stored.get(each, Position(0, "m")) for each in partitions}
    await writer.begin(positions, other_logs=frozenset())


def batch(partition: int, start: int, *seconds: float, patients: Sequence[object] = (ANNA,)) -> WriteRequest:
    """Make the request to store readings of patients as the next records of a partition."""
    readings = [observation(each, patient=patient) for each in seconds for patient in patients]  # type: ignore[arg-type] - mypy cannot follow the fields
    deliveries = [delivery(each, offset=start + place, partition=partition) for place, each in enumerate(readings)]
    move = Move(partition, start, Position(start + len(readings), "m"))
    return WriteRequest(observed(*readings), deliveries, [], [move])


async def test_a_position_that_another_sink_has_moved_is_not_overwritten(sinks: list[Writer], url: str) -> None:
    """A sink that read the offsets before another one moved them begins nowhere: it would move them back."""
    first, second = sinks
    stale = await second.positions()
    await first.write(batch(0, 0, 0, 5), arrived=NOON)
    with pytest.raises(PositionConflictError):
        await second.begin(stale, other_logs=frozenset())
    assert rows(url, "SELECT next FROM consumer_offsets WHERE partition = 0") == [(2,)]
    await begin(second, 0, 1)
    with pytest.raises(PositionConflictError):
        await first.write(batch(0, 2, 10), arrived=NOON)
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(2,)]


async def test_a_sleeper_that_has_partitions_left(sinks: list[Writer], url: str) -> None:
    """Records fetched before a freeze are not stored behind those that another sink has stored meanwhile."""
    first, second = sinks
    await begin(first, 0, 1)
    fetched = batch(0, 0, 0, 5)
    await begin(second, 0)
    await second.write(batch(0, 0, 0, 5, 10), arrived=NOON)
    with pytest.raises(PositionConflictError):
        await first.write(fetched, arrived=NOON)
    assert rows(url, "SELECT next FROM consumer_offsets WHERE partition = 0") == [(3,)]


async def test_two_sinks_that_introduce_the_same_patients(sinks: list[Writer], url: str) -> None:
    """Both store readings of new patients, in other orders: each has one row and one bed, and is said once."""
    first, second = sinks
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: first.write(batch(0, 0, 0, patients=[ANNA, BORIS]), arrived=NOON))
        group.start_soon(lambda: second.write(batch(1, 0, 5, patients=[BORIS, ANNA]), arrived=NOON))
    assert rows(url, "SELECT count(*) FROM patients") == [(2,)]
    assert sorted(rows(url, "SELECT bed FROM bed_states")) == [("1",), ("2",)]
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(4,)]
    entries = [decode(bytes(payload)) for (payload,) in rows(url, "SELECT payload FROM journal ORDER BY batch")]
    assert sorted(str(news.uuid) for each in entries for news in each.news) == sorted([str(ANNA), str(BORIS)])


async def test_two_sinks_that_begin_at_once(url: str) -> None:
    """On a database that no sink has used both get their partitions, and see each other from then on."""
    async with AsyncExitStack() as stack:
        engines = [engine_of(url) for _ in range(2)]
        for each in engines:
            stack.push_async_callback(each.aclose)
        await engines[0].upgrade()
        first, second = (Writer(each, "icu.test", member=name) for each, name in zip(engines, "ab", strict=True))
        async with anyio.create_task_group() as group:
            group.start_soon(begin, first, 0)
            group.start_soon(begin, second, 1)
        assert sorted(rows(url, "SELECT member, partitions FROM heartbeats")) == [("a", "[0]"), ("b", "[1]")]
        for writer, partition in ((first, 0), (second, 1)):
            await writer.write(batch(partition, 0, 5 * partition), arrived=NOON)
        assert (first.guard.owned, second.guard.owned) == ({1}, {1})
        with pytest.raises(OwnersChangedError):
            await first.write_effects(Effects(changes=[Change(desaturation(), 0, "start")]), BEAT)
        assert first.guard.owned == set()


async def test_a_patient_of_another_sink_is_read_back_before_the_reading_is_stored(sinks: list[Writer]) -> None:
    """The state of a patient comes from the database, without the readings of the batch that takes the patient."""
    (first, second), recorder = sinks, Recorder()
    await first.write(batch(0, 0, 0, 5), arrived=NOON)
    await second.write(batch(1, 0, 10), arrived=NOON + 10_000, evaluator=recorder)
    assert recorder.calls[:2] == [("restored", 1, 2), ("reading", 1)]
    assert (first.guard.owned, second.guard.owned) == ({1}, {1})
    with pytest.raises(OwnersChangedError):
        await first.write_effects(Effects(changes=[Change(desaturation(), 0, "start")]), BEAT)
    assert (first.guard.owned, first.guard.take_lost()) == (set(), {1})
    await first.write(batch(0, 2, 15), arrived=NOON + 15_000, evaluator=recorder)
    assert recorder.calls[:2] == [("restored", 1, 3), ("reading", 1)]


async def test_own_patients_are_not_read_back(sinks: list[Writer]) -> None:
    """Memory holds as long as nobody took the patient."""
    (first, _), recorder = sinks, Recorder()
    await first.write(batch(0, 0, 0), arrived=NOON)
    await first.write(batch(0, 1, 5), arrived=NOON, evaluator=recorder)
    assert ("reading", 1) in recorder.calls
    assert not any(each[0] == "restored" for each in recorder.calls if isinstance(each, tuple))


async def test_partitions_bring_their_patients(sinks: list[Writer], url: str) -> None:
    """Whoever gets a partition has its patients, and a sink that has none left leaves no sign of life."""
    first, second = sinks
    await first.write(batch(0, 0, 0), arrived=NOON, beat=BEAT)
    assert not second.guard.is_first
    await begin(second, 0, 1)
    assert (second.guard.owned, second.guard.is_first) == ({1}, True)
    assert rows(url, "SELECT member, partitions FROM heartbeats") == [("b", "[0,1]")]
    for work in (first.beat(BEAT), first.check(), first.write_effects(Effects(), BEAT)):
        with pytest.raises(PositionConflictError):
            await work


async def test_patients_from_before_there_were_several(sinks: list[Writer], url: str) -> None:
    """Patients whom no sink has heard since belong to the one of the first partition."""
    await sinks[0].write(batch(0, 0, 0), arrived=NOON)
    execute(url, "DELETE FROM alarm_owners")
    await begin(sinks[1], 1)
    assert sinks[1].guard.owned == set()
    await begin(sinks[0], 0)
    assert sinks[0].guard.owned == {1}


async def test_events_that_are_committed_late_are_published(sinks: list[Writer], url: str) -> None:
    """An event with an earlier number than published ones stays until it was published itself."""
    execute(url, "INSERT INTO outbox (sequence, alarm, version, event, payload) VALUES (2, 'x', 1, 'start', '{}')")
    [event] = await sinks[0].take_events(published=(), most=9, beat=BEAT)
    execute(url, "INSERT INTO outbox (sequence, alarm, version, event, payload) VALUES (1, 'y', 1, 'start', '{}')")
    left = await sinks[0].take_events(published=[event.sequence], most=9, beat=BEAT)
    assert [each.sequence for each in left] == [1]


async def test_the_ward_was_blind_where_no_sink_could_read(sinks: list[Writer], url: str) -> None:
    """A sink that was away stores the ward's alarm if the others were, too, from the last time that one could read."""
    first, second = sinks
    await first.beat(Beat(NOON, 0))
    await second.beat(Beat(NOON + 4_000, 0))
    await first.beat(Beat(NOON + 12_000, 0, blind_since=NOON))
    assert rows(url, "SELECT count(*) FROM alarms") == [(0,)]
    await first.beat(Beat(NOON + 12_000, 0))
    await second.beat(Beat(NOON + 40_000, 0, blind_since=NOON + 4_000))
    assert rows(url, "SELECT condition, onset FROM alarms") == [("ward.blind", NOON + 12_000)]
