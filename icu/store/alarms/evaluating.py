"""Evaluation of what a transaction stores: the part of the engine of alarms that the writer knows.

The engine's state in memory is that of the last commit. Each transaction begins an evaluation on it, and stores its
effects. The engine takes the evaluation over after the commit alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final, Protocol

from msgspec import Struct, structs
from sqlalchemy import text

from icu.alarms.blind import ended_at, ward_blind
from icu.alarms.effects import Change, Count, Effects
from icu.alarms.episodes import BedState
from icu.alarms.tally import HOUR
from icu.messages import Delivery
from icu.store.alarms.episodes import episode, save
from icu.store.alarms.watched import LastReading, Watched
from icu.store.decisions.beds import beds_by_key, save_beds
from icu.store.engines.base import Transaction, Values
from icu.store.journal.entries import AlarmNews
from icu.store.readings import ReadingRow

_COUNT: Final = text(
    "INSERT INTO alarm_counts (patient_id, hour, kind, subject, amount)"
    " SELECT id, :hour, :kind, :subject, :amount FROM patients WHERE uuid = :patient"
    " ON CONFLICT (patient_id, hour, kind, subject) DO UPDATE SET amount = alarm_counts.amount + excluded.amount"
)


class StoredReadings(Struct, frozen=True, gc=False):
    """New readings of one transaction, in the order of their arrival."""

    rows: Sequence[ReadingRow]
    # Interval that each of them states, in seconds.
    intervals: Sequence[float | None]
    # Source of each of them.
    deliveries: Sequence[Delivery]
    # Time of their arrival, in milliseconds since 1970 UTC.
    arrived: int
    # Partitions that had more to read when they were fetched.
    backlog: frozenset[int] = frozenset()

    @property
    def partitions(self) -> Sequence[int]:
        """Partition that each of them came from."""
        return [each.partition for each in self.deliveries]

    def runs(self) -> Iterable[tuple[bool, slice]]:
        """Part the readings into runs of those from a backlog, True, and of all others."""
        if not self.backlog:
            yield False, slice(None)
            return
        begin = 0
        for is_history, run in groupby(self.partitions, self.backlog.__contains__):
            end = begin + len(list(run))
            yield is_history, slice(begin, end)
            begin = end


class Evaluator(Protocol):
    """Engine of alarms. `begin` drops an evaluation that was not taken over."""

    def begin(self) -> None:
        """Begin an evaluation on the state of the last commit."""
        ...

    def unknown(self, keys: Iterable[int]) -> set[int]:
        """Return the patients among these who are not watched yet, by their keys in the store."""
        ...

    def introduce(self, key: int, bed: BedState, now: int) -> None:
        """Watch a patient who is new."""
        ...

    def restore(self, found: Watched, readings: Mapping[int, Sequence[LastReading]], now: int) -> None:
        """Watch patients whom another sink has watched, as the store has them."""
        ...

    def take(self, readings: StoredReadings) -> Effects:
        """Evaluate readings of watched patients."""
        ...


async def evaluate(
    transaction: Transaction, evaluator: Evaluator, readings: StoredReadings, *, new: Iterable[int]
) -> list[AlarmNews]:
    """Evaluate the readings that a transaction has stored, and store the effects.

    Args:
        transaction: Open transaction.
        evaluator: Engine of alarms, in an evaluation that was begun.
        readings: New readings.
        new: Keys of the patients who may not be watched yet.

    Returns:
        Events of alarms, for the journal.

    Raises:
        VersionConflictError: A command has changed an alarm or a bed that the engine does not know yet.
    """
    unknown = evaluator.unknown(new)
    if unknown:
        for key, bed in (await beds_by_key(transaction)).items():
            if key in unknown:
                evaluator.introduce(key, bed, readings.arrived)
    return await save_effects(transaction, evaluator.take(readings), at=readings.arrived)


async def save_effects(transaction: Transaction, effects: Effects, *, at: int) -> list[AlarmNews]:
    """Store the effects of an evaluation at a time of the server. Where there are none, there is no statement.

    Returns:
        Events of alarms, for the journal.

    Raises:
        VersionConflictError: A command has changed an alarm or a bed that the engine does not know yet.
    """
    await save_beds(transaction, effects.bed_rows)
    news = await save(transaction, effects.changes, at=at) if effects.changes else []
    counts = _counts(effects)
    if counts:
        await transaction.execute(_COUNT, counts)
    return news


async def end_blind(transaction: Transaction, since: int, ended: int) -> list[AlarmNews]:
    """Store the alarm of a ward that was blind, with the acknowledgement that is stored under its identity.

    Args:
        transaction: Open transaction.
        since: Last time at which the ward saw.
        ended: Time at which it sees again.

    Returns:
        Events of the alarm, for the journal.
    """
    begun = ward_blind(since)
    stored = await episode(transaction, begun.id)
    if stored is not None and not stored.is_open:
        return []
    changes = [Change(begun, 0, "start")] if stored is None else []
    before = begun if stored is None else stored
    changes.append(Change(ended_at(before, ended), before.version, "end"))
    return await save(transaction, changes, at=ended)


def _counts(effects: Effects) -> list[Values]:
    suppressed = [
        Count(each.patient, each.at - each.at % HOUR, "suppressed_by_delay", each.condition, 1)
        for each in effects.suppressed
    ]
    return [{**structs.asdict(each), "patient": str(each.patient)} for each in (*suppressed, *effects.counts)]
