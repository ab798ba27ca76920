"""Evaluation in the writer's transaction: what it is given, and what is stored of it."""

from collections.abc import Iterable

import pytest

from icu.alarms.effects import Change, Effects, Suppressed
from icu.alarms.episodes import BedState
from icu.store.alarms.evaluating import StoredReadings
from icu.store.errors import VersionConflictError
from icu.store.writer import Writer
from tests.samples import ANNA, BORIS, observation
from tests.stores import NOON, desaturation, request, rows, store


class Recorder:
    """Evaluator that records what it is given, and returns these effects."""

    def __init__(self, effects: Effects | None = None) -> None:
        self.effects = effects or Effects()
        self.known: set[int] = set()
        self.calls: list[object] = []

    def begin(self) -> None:
        """Begin."""
        self.calls = ["begin"]

    def unknown(self, keys: Iterable[int]) -> set[int]:
        """Return keys that were not introduced."""
        return set(keys) - self.known

    def introduce(self, key: int, bed: BedState, now: int) -> None:
        """Record a patient."""
        self.calls.append((key, bed.patient, bed.bed, now))

    def take(self, readings: StoredReadings) -> Effects:
        """Record readings."""
        found = zip(readings.rows, readings.intervals, readings.partitions, strict=True)
        self.calls += [(row[0], row[1], interval, partition) for row, interval, partition in found]
        self.calls += [list(readings.runs())]
        return self.effects


async def test_only_new_readings_are_evaluated(writer: Writer, url: str) -> None:
    """Duplicates and conflicts are left out; patients who are new are introduced, with their beds."""
    await store(writer, [observation(0)])
    recorder = Recorder()
    recorder.known = {1}
    observations = [observation(0), observation(5, interval=7), observation(0, pulse=1), observation(5, patient=BORIS)]
    result = await writer.write(request(observations, start=1), arrived=NOON + 6, evaluator=recorder)
    assert (result.stored, result.duplicates, len(result.refusals)) == (2, 1, 1)
    [(boris,)] = rows(url, f"SELECT id FROM patients WHERE uuid = '{BORIS}'")
    assert recorder.calls == [
        "begin",
        (boris, BORIS, "2", NOON + 6),
        (1, NOON + 5_000, 7, 0),
        (boris, NOON + 5_000, 5, 0),
        [(False, slice(None))],
    ]


async def test_effects_stand_beside_their_readings_or_nowhere(writer: Writer, url: str) -> None:
    """Alarm, count, outbox and journal are of one transaction with the reading; a stale version undoes it all."""
    effects = Effects(changes=[Change(desaturation(), 0, "start")], suppressed=[Suppressed(ANNA, "pulse.low", NOON)])
    result = await writer.write(request([observation(0)]), arrived=NOON, evaluator=Recorder(effects))
    assert result.events == 1
    assert rows(url, "SELECT event FROM outbox") == [("start",)]
    assert rows(url, "SELECT kind, subject, amount FROM alarm_counts") == [("suppressed_by_delay", "pulse.low", 1)]
    stale = Effects(changes=[Change(desaturation(version=7), 6, "end")], suppressed=effects.suppressed)
    with pytest.raises(VersionConflictError):
        await writer.write(request([observation(1)], start=1), arrived=NOON, evaluator=Recorder(stale))
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]
    assert rows(url, "SELECT amount FROM alarm_counts") == [(1,)]
    assert rows(url, "SELECT next FROM consumer_offsets") == [(1,)]


def test_readings_of_a_backlog() -> None:
    """Readings are parted by partition: some have more to read, others have not."""
    sources = [request([observation(0)]).deliveries[0]] * 2
    whole = StoredReadings([()] * 2, [None] * 2, sources, NOON, frozenset({0}))
    assert list(whole.runs()) == [(True, slice(0, 2))]
