"""Readings that are older than what is kept: not stored, counted, and told of once an hour and partition."""

from collections.abc import AsyncIterator, Sequence

import pytest

from icu.alarms.effects import Effects
from icu.messages import Observation, Position
from icu.store.alarms.evaluating import StoredReadings
from icu.store.heartbeats import Beat
from icu.store.writer import Writer, open_writer
from icu.store.writing.offsets import Move
from icu.store.writing.requests import WriteRequest, WriteResult
from tests.samples import BORIS, delivery, observation
from tests.stores import NOON, execute, observed, rows

HOUR = 3_600_000
LETTERS = (
    'SELECT partition, "offset", reason, value, size, arrived FROM dead_letters ORDER BY arrived, partition, "offset"'
)


def keep_from(url: str, moment: int) -> None:
    """Move the border of what is stored, as the upkeep does."""
    execute(url, f"UPDATE upkeep_state SET commits = commits + 1, refused_until = {moment}")


def batch(observations: Sequence[Observation], *, start: int, partition: int = 0) -> WriteRequest:
    """Make the request to store observations of one partition."""
    deliveries = [delivery(each, offset=start + place, partition=partition) for place, each in enumerate(observations)]
    move = Move(partition, start, Position(start + len(observations), "m"))
    return WriteRequest(observed(*observations), deliveries, [], [move])


async def take(
    writer: Writer, observations: Sequence[Observation], *, start: int, partition: int = 0, arrived: int = NOON
) -> WriteResult:
    """Store observations of one partition."""
    return await writer.write(batch(observations, start=start, partition=partition), arrived=arrived)


class Listener:
    """Evaluator that notes what it is given."""

    def __init__(self) -> None:
        self.taken: list[StoredReadings] = []

    def begin(self) -> None: ...

    def unknown(self, keys: object) -> set[int]:
        return set()

    def introduce(self, *_: object) -> None: ...

    def take(self, readings: StoredReadings) -> Effects:
        self.taken.append(readings)
        return Effects()


async def test_what_is_older_than_the_horizon_is_not_stored(writer: Writer, url: str) -> None:
    """A reading before the horizon is counted and not stored, one on it is; the offset moves over both."""
    keep_from(url, NOON + 1_000)
    result = await take(writer, [observation(0), observation(1), observation(2)], start=0)
    assert (result.stored, result.duplicates, result.expired) == (2, 0, 1)
    assert rows(url, "SELECT timestamp FROM patient_metrics") == [(NOON + 1_000,), (NOON + 2_000,)]
    assert await writer.positions() == {0: Position(3, "m"), 1: Position(0, "m")}


async def test_a_horizon_counts_from_its_own_transaction_on(writer: Writer, url: str) -> None:
    """A horizon that moves between two batches holds in the second one."""
    assert (await take(writer, [observation(0)], start=0)).stored == 1
    keep_from(url, NOON + HOUR)
    assert (await take(writer, [observation(1)], start=1)).expired == 1


async def test_its_dead_letter_has_all_but_the_value(writer: Writer, url: str) -> None:
    """The letter has the record's place, reason and size; the value was deleted once, and stays so."""
    keep_from(url, NOON + HOUR)
    result = await take(writer, [observation(0)], start=0, arrived=NOON + 5)
    [refusal] = result.refusals
    assert refusal.reason == "expired"
    assert isinstance(refusal.delivery.value, bytes)
    assert rows(url, LETTERS) == [(0, 0, "expired", None, len(refusal.delivery.value), NOON + 5)]
    assert rows(url, "SELECT key FROM dead_letters") == [(refusal.delivery.key,)]


async def test_one_letter_an_hour_and_partition(url: str) -> None:
    """Of the readings of one hour of arrival each partition has one letter, over restarts of the sink as well."""
    begin = NOON - NOON % HOUR
    start = 0
    for arrived in (begin, begin + HOUR - 1, begin + HOUR):
        async with open_writer(url, topic="icu.test") as writer:
            keep_from(url, NOON + 24 * HOUR)
            await writer.begin({each: Position(start, "m") for each in (0, 1)}, other_logs=frozenset())
            for partition in (0, 1):
                for _ in range(2):
                    first = await take(writer, [observation(0)], start=start, partition=partition, arrived=arrived)
                    start += 1
                    assert first.expired == 1
                start -= 2
            start += 2
    assert [(row[0], row[1], row[5] - begin) for row in rows(url, LETTERS)] == [
        *((0, 0, 0), (1, 0, 0)),
        *((0, 4, HOUR), (1, 4, HOUR)),
    ]


async def test_nobody_is_introduced_by_it(writer: Writer, url: str) -> None:
    """A patient of whom all is older gets neither row nor bed."""
    keep_from(url, NOON + HOUR)
    await take(writer, [observation(0, patient=BORIS)], start=0)
    assert rows(url, "SELECT count(*) FROM patients UNION ALL SELECT count(*) FROM bed_states") == [(0,), (0,)]


async def test_no_alarm_is_evaluated_for_it(writer: Writer, url: str) -> None:
    """The engine of alarms is given the stored readings alone, each with its own source."""
    keep_from(url, NOON + 1_000)
    listener = Listener()
    request = batch([observation(0), observation(1)], start=0)
    await writer.write(request, arrived=NOON, beat=Beat(NOON, 0), evaluator=listener)
    [taken] = listener.taken
    assert [row[1] for row in taken.rows] == [NOON + 1_000]
    assert [each.offset for each in taken.deliveries] == [1]
    await writer.write(batch([observation(0)], start=2), arrived=NOON, evaluator=listener)
    assert len(listener.taken) == 1


async def test_a_topic_read_anew_brings_nothing_back(writer: Writer, url: str) -> None:
    """After a deletion a replay from offset 0 leaves the rows as they are, and adds one letter of a partition."""
    seen = [observation(3_600 * hour) for hour in range(48)]
    await take(writer, seen, start=0)
    horizon = NOON - NOON % HOUR + 24 * HOUR
    keep_from(url, horizon)
    execute(url, f"DELETE FROM patient_metrics WHERE timestamp < {horizon}")
    before = rows(url, "SELECT * FROM patient_metrics")
    await writer.begin({0: Position(0, "m"), 1: Position(0, "m")}, other_logs=frozenset({0, 1}))
    stored = expired = 0
    for place, each in enumerate(seen):
        result = await take(writer, [each], start=place, arrived=NOON + 1_000)
        stored, expired = stored + result.stored, expired + result.expired
    assert (stored, expired) == (0, 24)
    assert rows(url, "SELECT * FROM patient_metrics") == before
    assert rows(url, "SELECT reason, count(*) FROM dead_letters GROUP BY reason") == [("expired", 1)]


@pytest.fixture
async def writer(url: str) -> AsyncIterator[Writer]:
    """A writer of two partitions."""
    async with open_writer(url, topic="icu.test") as opened:
        await opened.begin({0: Position(0, "m"), 1: Position(0, "m")}, other_logs=frozenset())
        yield opened
