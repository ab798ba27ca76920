"""All patients that are watched, and the evaluation of a batch, which is installed only after its commit.

The sink makes an `Evaluation`, gives it the readings of a batch, writes its effects in the batch's transaction, and
installs it after the commit. One that is not installed has changed nothing: a failed transaction throws it away, or
evaluates again. One evaluation at a time.

The server's time is the wall clock at the start of the program, and the monotonic time that has passed since: a clock
that is set back lengthens no silence, and one that is set forward ends none.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Final

from icu.alarms.bands import INFINITE
from icu.alarms.deadlines import Deadlines
from icu.alarms.effects import Effects
from icu.alarms.passing import due, tick
from icu.alarms.sample import Row
from icu.alarms.steady import note_age, steady_of
from icu.alarms.taking import take
from icu.alarms.tally import Tally
from icu.alarms.watch import Watch


class Ward:
    """Watches by the patient's key in the store, and their deadlines."""

    def __init__(self) -> None:
        self.watches: Final[dict[int, Watch]] = {}
        self._deadlines: Final = Deadlines()

    @property
    def due(self) -> int | None:
        """Server's time before which no tick is needed. None: none is."""
        return self._deadlines.next

    def put(self, key: int, watch: Watch) -> None:
        """Put a patient's watch in the place of the one before."""
        if watch.steady is None:
            settle(watch)
        if watch.due is None:
            watch.due = due(watch)
        self.watches[key] = watch
        self._deadlines.put(key, self.due_of(key))

    def remove(self, key: int) -> None:
        """Forget a patient."""
        self.watches.pop(key, None)
        self._deadlines.remove(key)

    def all_due(self, now: int) -> list[int]:
        """Return the patients whose next tick is due. They stay due until an evaluation of them is installed."""
        return self._deadlines.passed(now, self.due_of)

    def due_of(self, key: int) -> int:
        """Return the server's time of a patient's next tick."""
        watch = self.watches[key]
        fixed, silence, own = watch.due or due(watch)
        return min(fixed, watch.heard_at + silence, own + watch.age if own < INFINITE else INFINITE)


class Evaluation:
    """Evaluation of a batch on the state of a ward, which it does not change before it is installed."""

    def __init__(self, ward: Ward) -> None:
        self.effects: Final = Effects()
        self._ward: Final = ward
        # Copies of the watches that something happened to.
        self._changed: Final[dict[int, Watch]] = {}
        # Newest ordinary reading of each patient.
        self._moved: Final[dict[int, Row]] = {}
        # Times for the statistics that are stored now.
        self._tallies: Final[dict[int, Tally]] = {}

    def watch(self, key: int) -> Watch:
        """Return a patient's watch to change in place. It is a copy."""
        watch = self._copy(key)
        watch.newest = self._moved.pop(key, watch.newest)
        settle(watch)
        watch.steady = watch.due = None
        return watch

    def add(self, key: int, watch: Watch) -> None:
        """Watch a patient who is new, or was loaded again."""
        self._moved.pop(key, None)
        self._changed[key] = watch

    def knows(self, key: int) -> bool:
        """Tell if a patient is watched."""
        return key in self._changed or key in self._ward.watches

    def take(
        self, rows: Sequence[Row], intervals: Sequence[float | None], arrived: int, *, backlog: bool = False
    ) -> None:
        """Take readings in their order. Each patient must be known.

        Args:
            rows: Readings, as for the table.
            intervals: Interval that each of them states, in seconds.
            arrived: Time of their arrival, from which the rows' lag was made.
            backlog: True if the partition had more to read than this when it was fetched.
        """
        changed, moved, watches = self._changed, self._moved, self._ward.watches
        for row, interval in zip(rows, intervals, strict=True):
            key, time, age, pulse, breaths, systolic, diastolic, spo2, temperature, mean, measured, quality = row
            watch = changed.get(key) or watches[key]
            steady = watch.steady
            if steady is not None:
                low, high, late_low, late_high, look, gap_low, gap_high, until, stated, standing, doubts, band = steady
                before = moved.get(key) or watch.newest
                seen = before[1] if before else watch.seen
                # Inline, by name: this decides for nearly all readings, and a call would double its time.
                p0, p1, b0, b1, s0, s1, d0, d1, o0, o1, t0, t1, m0, m1 = band
                if (
                    gap_low <= time - seen <= gap_high
                    and time < until
                    and interval == stated
                    and measured == standing
                    and quality == doubts
                    and p0 <= (-1 if pulse is None else pulse) <= p1
                    and b0 <= (-1 if breaths is None else breaths) <= b1
                    and s0 <= (-1 if systolic is None else systolic) <= s1
                    and d0 <= (-1 if diastolic is None else diastolic) <= d1
                    and o0 <= (-1 if spo2 is None else spo2) <= o1
                    and t0 <= (-1 if temperature is None else temperature) <= t1
                    and m0 <= (-1 if mean is None else mean) <= m1
                    and (
                        late_low <= age <= late_high
                        if backlog
                        else (low <= age <= high and arrived < look) or note_age(self._copy(key), age, arrived)
                    )
                ):
                    moved[key] = row
                    continue
            self._evaluate(key, row, interval, arrived, backlog=backlog)

    def tick(self, now: int, *, read_until: Callable[[int], float] = lambda _: inf) -> None:
        """Pass the deadlines up to a time of the server.

        Args:
            now: Server's time.
            read_until: Server's time, by a patient's key, up to which the patient's partition is read. Later deadlines
                wait for its readings.
        """
        for key in self._ward.all_due(now):
            at = min(now, read_until(key))
            if self._ward.due_of(key) <= at:
                has_band = self._has_band(key)
                watch = self.watch(key)
                tick(watch, int(at), self.effects)
                if has_band:
                    watch.steady = steady_of(watch)

    def store_times(self) -> None:
        """Add the times for the statistics that are due to the effects. After the readings."""
        for key, watch in (self._ward.watches | self._changed).items():
            at = self._last_time(key, watch)
            if watch.tally.is_due(key, at):
                self._store_times(key, watch, at)

    def store_long_times(self) -> None:
        """Add those of this batch's patients that must not wait. After the readings."""
        for key in self._changed.keys() | self._moved.keys():
            watch = self._changed.get(key) or self._ward.watches[key]
            at = self._last_time(key, watch)
            if watch.tally.is_long_due(at):
                self._store_times(key, watch, at)

    def install(self) -> None:
        """Take the outcome over, after the commit."""
        for key, row in self._moved.items():
            if key not in self._changed:
                watch = self._ward.watches[key]
                watch.newest = row
                if watch.due is None or watch.due.own < INFINITE:
                    # Its age may bring the deadline forward.
                    self._ward.put(key, watch)
        for key, watch in self._changed.items():
            watch.newest = self._moved.get(key, watch.newest)
            self._ward.put(key, watch)
        for key, tally in self._tallies.items():
            self._ward.watches[key].tally = tally

    def _last_time(self, key: int, watch: Watch) -> int:
        newest = self._moved.get(key) or watch.newest
        return watch.event_at if newest is None else newest[1]

    def _store_times(self, key: int, watch: Watch, at: int) -> None:
        # The values of ordinary readings are there, or not, as those of the reading before them.
        self._tallies[key] = watch.count(at, at).store(watch.patient, self.effects)

    def _copy(self, key: int) -> Watch:
        watch = self._changed.get(key)
        if watch is None:
            watch = self._changed[key] = self._ward.watches[key].copied()
        return watch

    def _evaluate(self, key: int, row: Row, interval: float | None, arrived: int, *, backlog: bool) -> None:
        has_band = self._has_band(key)
        watch = self.watch(key)
        if take(watch, row, arrived, self.effects, interval=interval, backlog=backlog) or has_band:
            watch.steady = steady_of(watch)

    def _has_band(self, key: int) -> bool:
        """Tell if the last values were judged as they are: no command, limit or restart has come since."""
        return (self._changed.get(key) or self._ward.watches[key]).steady is not None


def settle(watch: Watch) -> None:
    """Note the ordinary readings since the last evaluation."""
    row = watch.newest
    if row is None:
        return
    watch.newest = None
    watch.row = row
    watch.seen = watch.event_at = watch.looked_at = row[1]
    watch.arrived = row[1] + row[2]
    if not watch.silent:
        watch.live_at = watch.arrived
