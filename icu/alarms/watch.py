"""State of one patient between two readings: open episodes, the sender's clock, the last values."""

from collections.abc import Mapping
from copy import copy
from typing import Final, NamedTuple
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from icu.alarms.ages import Ages
from icu.alarms.bands import INFINITE, Steady
from icu.alarms.conditions import DATA_STALE, Condition
from icu.alarms.defaults import BP_OLD
from icu.alarms.effects import BedChange, Change, Effects, Suppressed
from icu.alarms.episodes import BedState, Episode
from icu.alarms.inputs import Input, Settings
from icu.alarms.machine import step
from icu.alarms.rules import Rule, Rules
from icu.alarms.sample import Row, Sample, sample_of
from icu.alarms.tally import Tally
from icu.alarms.windows import Window
from icu.vitals.staleness import GAPS, interval_of, stale_after

# Least age from which the last value is too old for a timer. Milliseconds.
_FRESH: Final = 10_000
# Silence of a backlog after which it is taken for empty.
BACKLOG_END: Final = 5_000
# From stale (low) to stale (medium).
STALE_MEDIUM: Final = 60_000


class Setback(Struct, frozen=True, gc=False):
    """Readings at or before the newest one, and nothing else since: the sender's clock may have been set back."""

    # Newest of them, in the sender's time.
    newest: int
    count: int = 1


class Due(NamedTuple):
    """Next tick of a patient: the first of these."""

    # Deadline on the server's clock, which readings do not move.
    fixed: int
    # Milliseconds after the last reading from which its silence counts.
    silence: int
    # Deadline on the sender's clock: the last reading tells when that is.
    own: int = INFINITE


class Watch(Struct):
    """Everything that is known of one patient. An evaluation works on a copy, which it may throw away."""

    patient: UUID
    rules: Rules
    bed: BedState
    # Server's time since which readings are missed: arrival of the last one that was neither late nor history.
    live_at: int
    # Open episodes by condition.
    episodes: dict[str, Episode] = field(default_factory=dict)
    # Newest time of a reading; of those ahead of their arrival; and the time of the last event on the sender's clock.
    seen: int = -1
    ahead: int = -1
    event_at: int = -1
    # Sender's time up to which the windows were judged.
    looked_at: int = -1
    # Arrival of the last reading that was not late.
    arrived: int = -1
    setback: Setback | None = None
    ages: Ages | None = None
    # True in a backlog.
    silent: bool = False
    # Interval that the last reading stated, in seconds. None: the sender states none.
    stated: float | None = None
    gaps: tuple[int, ...] = ()
    # Last reading that was not late.
    row: Row | None = None
    # Times for the statistics.
    tally: Tally = field(default_factory=Tally)
    # By name of a condition SIGN.unavailable.
    windows: dict[str, Window] = field(default_factory=dict)
    # Newest measurement of a cuff that was judged, and True if the last pressure was a cuff's.
    cuff_at: int | None = None
    is_cuff: bool = False

    # Readings by which nothing changes, made once a reading is judged. None: the next one is evaluated, as after each
    # command, limit and restart.
    steady: Steady | None = None
    # Next tick, made when the watch is put in its ward.
    due: Due | None = None
    # Newest ordinary reading, which is not yet in `row`, `seen` and the other fields. None: there is none.
    newest: Row | None = None

    def copied(self) -> "Watch":
        """Return a copy to work on."""
        other = copy(self)
        other.episodes = dict(self.episodes)
        other.windows = dict(self.windows)
        return other

    @property
    def sample(self) -> Sample | None:
        """Values of the last reading that was not late."""
        return None if self.row is None else sample_of(self.row)

    @property
    def heard_at(self) -> int:
        """Server's time from which silence counts."""
        if self.newest is not None:
            return int(self.newest[1] + self.newest[2])
        return self.arrived if self.silent else self.live_at

    @property
    def age(self) -> int:
        """Age of the last reading at its arrival: the server's time less the sender's."""
        return self.arrived - self.event_at if self.newest is None else int(self.newest[2])

    @property
    def interval(self) -> int:
        """Interval of the sender, in milliseconds."""
        return interval_of(self._stated, self.gaps)

    @property
    def stale_after(self) -> int:
        """Milliseconds without a reading after which the data are stale."""
        return stale_after(self._stated, self.gaps)

    @property
    def _stated(self) -> int | None:
        return None if self.stated is None else round(self.stated * 1000)

    @property
    def fresh_until(self) -> int:
        """Sender's time from which the last values are too old for a timer to raise or end an alarm."""
        return self.event_at + max(_FRESH, 2 * self.interval)

    def event_time(self, now: int) -> int:
        """Convert the server's time to the sender's: the last reading's, and what has passed since it arrived."""
        return self.event_at + max(0, now - self.arrived)

    def hold_silence(self, since: float, now: int) -> None:
        """Leave out of the patient's silence a time in which nobody could be heard: it goes on with its length.

        Args:
            since: Server's time at which it began; -inf if nobody was heard before.
            now: Server's time at which it ends.
        """
        if DATA_STALE.name not in self.episodes:
            self.live_at += int(max(0, now - max(since, self.live_at)))

    def rule(self, condition: Condition) -> Rule:
        """Return the rule of a condition: a cuff's measurement counts at once."""
        rules = self.rules
        return (self.is_cuff and rules.of_cuff.get(condition.name)) or rules.by_name[condition.name]

    def apply(self, condition: Condition, event: Input, effects: Effects, rule: Rule | None = None) -> None:
        """Step a condition's machine, and keep its outcome."""
        name = condition.name
        settings = Settings(
            self.patient,
            rule or self.rule(condition),
            self.rules.ward_limits,
            self.rules.patient_limits,
            self.bed.paused,
            self.bed.shelves.get(name),
            self.silent,
            -1 if self.row is None else self.row[1],
        )
        outcome = step(self.episodes.get(name), event, settings)
        if outcome.suppressed:
            effects.suppressed.append(Suppressed(self.patient, name, self.event_at))
        for change in outcome.changes:
            effects.changes.append(change)
            self._keep_shelf(change, effects)
        if outcome.episode is None:
            self.episodes.pop(name, None)
        else:
            self.episodes[name] = outcome.episode

    def count(self, last: int, at: int) -> Tally:
        """Count the times up to a reading.

        Args:
            last: Time of the reading before it, or of this one if its values are as those before.
            at: Its time.
        """
        sample = self.sample if self.bed.is_watched else None
        return self.tally.counted(sample, self.bed.had, min(at, last + self.stale_after), at)

    def set_bed(self, effects: Effects, **fields: object) -> None:
        """Change fields of the bed."""
        before = self.bed.version
        self.bed = replace(self.bed, version=before + 1, **fields)
        effects.beds.append(BedChange(self.bed, before))

    def _keep_shelf(self, change: Change, effects: Effects) -> None:
        """Keep the shelf of an episode that has ended by itself: the condition is shelved until its end.

        The next alarm of the condition takes it over, or ends it by its priority.
        """
        episode, shelves = change.episode, self.bed.shelves
        if episode.end_reason == "itself" and episode.inhibition == "shelved" and episode.shelved is not None:
            self.set_bed(effects, shelves={**shelves, episode.condition: episode.shelved})
        elif episode.signal == "on" and episode.condition in shelves:
            self.set_bed(effects, shelves={name: each for name, each in shelves.items() if name != episode.condition})


def add_gap(watch: Watch, gap: int) -> None:
    """Note the time between two readings of a sender that states no interval."""
    watch.gaps = (*watch.gaps, gap)[-GAPS:]


def bp_old_from(watch: Watch) -> int | None:
    """Return the sender's time from which the cuff's last measurement is old. None: there is none."""
    return None if watch.cuff_at is None or not watch.is_cuff else watch.cuff_at + BP_OLD


def stale_tier(watch: Watch, now: int) -> int:
    """Return the tier of `data.stale` at a time of the server. -1: the data are fresh."""
    over = now - watch.live_at - watch.stale_after
    return -1 if over < 0 else int(over >= STALE_MEDIUM)


def window_of(windows: Mapping[str, Window], condition: Condition) -> Window:
    """Return the window of a condition SIGN.unavailable."""
    return windows.get(condition.name, _SEEN)


_SEEN: Final = Window()
