"""The engine of alarms in memory: the state of the last commit, and the evaluation of a transaction on it.

Everything that is watched is loaded at the start, and again where the database may have changed otherwise than by
commands of people.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from icu.alarms.changing import change_limits, take_command
from icu.alarms.conditions import DATA_STALE
from icu.alarms.effects import Effects
from icu.alarms.episodes import BedState, Episode
from icu.alarms.jumps import shift
from icu.alarms.sample import NUMBER
from icu.alarms.starting import new_watch, restore
from icu.alarms.ward import Evaluation, Ward
from icu.sink.limits import LimitsInForce
from icu.sink.unread import Unread
from icu.store.evaluating import StoredReadings
from icu.store.readings import LAG, TIMESTAMP
from icu.store.watched import LEAST, PATIENTS_AT_ONCE, LastReading, Mark, Watched
from icu.store.writer import Writer


class Watching:
    """Evaluator of the store's writer: see icu.store.evaluating.Evaluator. Times are milliseconds since 1970 UTC."""

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
                    change_limits(self._evaluation.watch(key), rules, now, self.effects, by=by)

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

    def excuse_silence(self, now: int) -> None:
        """Miss readings from now on: while the topic could not be read, nobody was silent."""
        self.begin()
        for key in self._ward.watches:
            watch = self._evaluation.watch(key)
            if DATA_STALE.name not in watch.episodes:
                watch.live_at = max(watch.live_at, now)
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


async def load(writer: Writer, unread: Unread, now: int) -> tuple[Watching, Effects]:
    """Read back all that is watched.

    Args:
        writer: Of the open database.
        unread: Partitions with unread readings.
        now: Server's time.

    Returns:
        The engine, to be used once these effects are stored: patients who were not heard for a day are discharged.
    """
    found = await writer.watched()
    limits = LimitsInForce(found.ward, found.limits)
    ward, effects = Ward(), Effects()
    keys = sorted(found.beds)
    for begin in range(0, len(keys), PATIENTS_AT_ONCE):
        some = keys[begin : begin + PATIENTS_AT_ONCE]
        readings = await writer.last_readings(some[0] - 1, some[-1], now)
        for key in some:
            bed = found.beds[key]
            episodes = found.episodes.get(bed.patient, ())
            counted = found.counted.get(key)
            last = _telling(bed, readings.get(key, ()), now, counted)
            watch = restore(bed, limits.rules_of(bed.patient), episodes, last, now, effects, counted=counted)
            ward.put(key, watch)
    return Watching(ward, limits, found.mark, unread), effects
