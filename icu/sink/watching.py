"""The engine of alarms in memory: the state of the last commit, and the evaluation of a transaction on it.

Everything that is watched is loaded at the start, and again where the database may have changed otherwise than by
commands of people.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec import structs

from icu.alarms.changing import change_limits, take_command
from icu.alarms.effects import Effects
from icu.alarms.episodes import BedState, Episode
from icu.alarms.jumps import shift
from icu.alarms.sample import NUMBER
from icu.alarms.starting import new_watch, restore
from icu.alarms.ward import Evaluation, Ward
from icu.alarms.watch import Watch
from icu.sink.limits import LimitsInForce
from icu.sink.unread import Unread
from icu.store.alarms.evaluating import StoredReadings
from icu.store.alarms.watched import LEAST, PATIENTS_AT_ONCE, LastReading, Mark, Watched
from icu.store.readings import LAG, TIMESTAMP
from icu.store.writer import Writer


class Watching:
    """Evaluator of the store's writer: see icu.store.alarms.evaluating.Evaluator.

    Times are milliseconds since 1970 UTC.
    """

    def __init__(self, ward: Ward, limits: LimitsInForce, mark: Mark, unread: Unread) -> None:
        self._ward = ward
        self._limits = limits
        # Commands that are in force.
        self.mark = mark
        self._unread = unread
        self._evaluation = Evaluation(ward)
        # Outcome of commands, to be taken over with the evaluation.
        self._commanded: tuple[LimitsInForce, Mark] | None = None

    @property
    def due(self) -> int | None:
        """Time before which nothing happens by itself. None: nothing will."""
        return self._ward.due

    @property
    def patients(self) -> int:
        """Number of patients, those who are not watched included."""
        return len(self._ward.watches)

    @property
    def episodes(self) -> Iterator[Episode]:
        """Open alarms."""
        return (each for watch in self._ward.watches.values() for each in watch.episodes.values())

    @property
    def effects(self) -> Effects:
        """Effects of the evaluation that was begun last."""
        return self._evaluation.effects

    def begin(self) -> None:
        self._evaluation = Evaluation(self._ward)
        self._commanded = None

    def unknown(self, keys: Iterable[int]) -> set[int]:
        return {key for key in keys if not self._evaluation.knows(key)}

    def introduce(self, key: int, bed: BedState, now: int) -> None:
        watch = new_watch(bed.patient, self._limits.rules_of(bed.patient), now)
        watch.bed = bed
        self._evaluation.add(key, watch)

    def restore(self, found: Watched, readings: Mapping[int, Sequence[LastReading]], now: int) -> None:
        for key, watch in _restored(found, readings, self._limits, now, self._unread.since(now), self.effects):
            self._evaluation.add(key, watch)

    def take(self, readings: StoredReadings) -> Effects:
        for is_history, run in readings.runs():
            self._evaluation.take(readings.rows[run], readings.intervals[run], readings.arrived, backlog=is_history)
        if len(readings.rows) > self.patients:
            self._evaluation.store_long_times()
        self._unread.learn(readings, self.patients)
        return self.effects

    def command(self, found: Watched, now: int) -> None:
        """Take what commands of people have changed into the evaluation: beds, alarms and limits."""
        limits = self._limits.changed(found.ward, found.limits)
        self._commanded = limits, found.mark
        for key, bed in found.beds.items():
            if self._evaluation.knows(key):
                take_command(self._evaluation.watch(key), bed, found.episodes[bed.patient], now, self.effects)
        if limits is not self._limits:
            for key, watch in self._ward.watches.items():
                rules = limits.rules_of(watch.patient)
                if (rules.ward_limits, rules.patient_limits) != (watch.rules.ward_limits, watch.rules.patient_limits):
                    by = limits.author_of(watch.patient, own=rules.patient_limits != watch.rules.patient_limits)
                    changed = self._evaluation.watch(key)
                    # As a deadline: a reading that was not read yet may lie before the present.
                    at = max(changed.arrived, min(now, self._unread.read_until(key)))
                    change_limits(changed, rules, int(at), self.effects, by=by)

    def tick(self, now: int) -> Effects:
        """Pass the deadlines up to now, or to the time up to which the patient's partition is read."""
        self._evaluation.tick(now, read_until=self._unread.read_until)
        return self.effects

    def store_times(self) -> None:
        """Add the times for the statistics that are due to the effects."""
        self._evaluation.store_times()

    def shift(self, by: int, now: int) -> None:
        """Move all times of the server, whose clock was set forward by `by`."""
        for key in self._ward.watches:
            shift(self._evaluation.watch(key), by, now, self.effects)

    def forget(self, keys: Iterable[int]) -> None:
        """Watch these patients no more: other sinks do."""
        for key in keys:
            self._ward.remove(key)

    def adopt(self, watches: Mapping[int, Watch]) -> None:
        """Watch further patients, read back, by their keys in the store."""
        for key, watch in watches.items():
            self._ward.put(key, watch)

    @property
    def watches(self) -> Mapping[int, Watch]:
        """Watches of the patients, those who are not watched included, by their keys in the store."""
        return self._ward.watches

    def hold_silence(self, since: float, now: int) -> None:
        """Leave out a time, from `since` on, in which the topic could not be read: nobody was silent then."""
        self.begin()
        for key in self._ward.watches:
            self._evaluation.watch(key).hold_silence(since, now)
        self.install()

    def install(self) -> None:
        """Take the evaluation over, after the commit of its effects."""
        self._evaluation.install()
        if self._commanded is not None:
            self._limits, self.mark = self._commanded
        self.begin()


def _telling(bed: BedState, readings: Sequence[LastReading], now: int, counted: int | None) -> Sequence[LastReading]:
    """Leave out older readings of a patient of whom all signs were seen: there is no blind time that they tell of.

    Those from `counted` on stay, for their times are not in the statistics yet.
    """
    had = [LAG + 1 + NUMBER[name] for name in bed.had]
    if all(not row[-1] and all(row[place] for place in had) for row, _ in readings):
        ordered = sorted(readings, key=_time_of)
        past = bisect_right(ordered, now, key=_time_of)
        first = max(0, past - LEAST)
        if counted is not None:
            first = min(first, bisect_left(ordered, counted, key=_time_of))
        return [*ordered[first:past], *ordered[past:][-LEAST:]]
    return readings


def _time_of(reading: LastReading) -> int:
    return int(reading[0][TIMESTAMP])


def _restored(
    found: Watched,
    readings: Mapping[int, Sequence[LastReading]],
    limits: LimitsInForce,
    now: int,
    read_since: int,
    effects: Effects,
) -> Iterator[tuple[int, Watch]]:
    """Make the watches of the patients whose last readings were read."""
    for key, bed in found.beds.items():
        episodes = found.episodes.get(bed.patient, ())
        counted = found.counted.get(key)
        last = _telling(bed, readings.get(key, ()), now, counted)
        rules = limits.rules_of(bed.patient)
        yield key, restore(bed, rules, episodes, last, now, effects, read_since=read_since, counted=counted)


async def load(
    writer: Writer, unread: Unread, now: int, *, known: AbstractSet[int] = frozenset()
) -> tuple[Watching, Effects]:
    """Read back all that this sink watches.

    Args:
        writer: Of the open database.
        unread: Partitions with unread readings.
        now: Server's time.
        known: Keys of the patients who are not needed.

    Returns:
        The engine, to be used once these effects are stored: patients who were not heard for a day are discharged.
    """
    found = await writer.watched()
    limits = LimitsInForce(found.ward, found.limits)
    ward, effects = Ward(), Effects()
    owned = writer.guard.owned
    keys = sorted(key for key in found.beds if key not in known and (owned is None or key in owned))
    for begin in range(0, len(keys), PATIENTS_AT_ONCE):
        some = keys[begin : begin + PATIENTS_AT_ONCE]
        readings = await writer.last_readings(some[0] - 1, some[-1], now)
        part = structs.replace(found, beds={key: found.beds[key] for key in some})
        for key, watch in _restored(part, readings, limits, now, unread.since(now), effects):
            ward.put(key, watch)
    return Watching(ward, limits, found.mark, unread), effects
