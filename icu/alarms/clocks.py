"""Times of a sender: readings that are late, ahead, from a backlog, or of a clock that was set back."""

from typing import Final

from msgspec import Struct

from icu.alarms.ages import note
from icu.alarms.conditions import CONDITIONS
from icu.alarms.effects import Effects
from icu.alarms.inputs import Rebased
from icu.alarms.watch import Setback, Watch, add_gap

# Milliseconds ahead of its arrival from which a reading's time is wrong.
AHEAD: Final = 300_000
# Least time without other readings after which the clock was set back.
_SET_BACK: Final = 10_000


class Arrival(Struct, frozen=True, gc=False):
    """A reading that counts."""

    # Time of its event, on the sender's clock.
    at: int
    # True if it comes from a backlog.
    silent: bool
    # True if the sender's clock is wrong.
    wrong: bool


def arrive(watch: Watch, time: int, now: int, *, backlog: bool, effects: Effects) -> Arrival | None:
    """Place a reading on the sender's clock, and note its age. None: it is late, and changes nothing.

    Args:
        watch: The patient's, changed in place.
        time: Time of the reading.
        now: Arrival, in the server's time.
        backlog: True if the partition had more to read when it was fetched.
        effects: Effects to add to.
    """
    age = now - time
    if age < -AHEAD:
        return _ahead(watch, time, now, backlog=backlog, effects=effects)
    wrong = False
    if time <= watch.seen:
        if backlog or not _is_set_back(watch, time, now):
            effects.late += 1
            return None
        _rebase(watch, time, now, effects)
        wrong = True
    watch.setback = None
    # Compared before it is noted: the first of a backlog must not be its own measure. Without any, all is live.
    silent = backlog or (watch.ages is not None and age > watch.ages.backlog_from(watch.interval))
    if not backlog:
        watch.ages = note(watch.ages, age, now)
    watch.seen = time
    off = not silent and watch.ages is not None and watch.ages.is_off(now)
    return Arrival(max(time, watch.event_at), silent, wrong or off)


def learn_interval(watch: Watch, stated: float | None, at: int) -> None:
    """Note the interval that a reading states, or the gap before it."""
    watch.stated = stated
    if stated is None and watch.event_at >= 0 and at > watch.event_at:
        add_gap(watch, at - watch.event_at)


def _ahead(watch: Watch, time: int, now: int, *, backlog: bool, effects: Effects) -> Arrival | None:
    if time <= watch.ahead:
        effects.late += 1
        return None
    watch.ahead = time
    # Its event is its arrival, on the clock that the sender had before. The mark of the newest reading stays.
    offset = 0 if watch.ages is None else watch.ages.least
    return Arrival(max(now - offset, watch.event_at), backlog, wrong=True)


def _is_set_back(watch: Watch, time: int, now: int) -> bool:
    """Note a late reading. Tell if there were only such for a while, with times that advance."""
    before = watch.setback
    if before is None:
        watch.setback = Setback(time)
        return False
    if time <= before.newest:
        return False
    watch.setback = Setback(time, before.count + 1)
    return now - watch.arrived >= max(_SET_BACK, 2 * watch.interval)


def _rebase(watch: Watch, time: int, now: int, effects: Effects) -> None:
    """Move everything to the clock on which this reading is the newest. Deadlines keep what is left of them."""
    shift = time - watch.event_time(now)
    for name in list(watch.episodes):
        watch.apply(CONDITIONS[name], Rebased(shift), effects)
    watch.windows = {name: each.moved(shift) for name, each in watch.windows.items()}
    watch.cuff_at = None if watch.cuff_at is None else watch.cuff_at + shift
    watch.event_at += shift
    # At once: the time that is stored is one of the other clock.
    watch.tally = watch.tally.moved(shift).store(watch.patient, effects)
    watch.looked_at += shift
    # The offset of the clock is another one.
    watch.ages = None
    # Who was discharged comes back with a newer reading: one on this clock.
    bed = watch.bed
    moved = {
        name: None if time is None else time + shift
        for name, time in (("discharged_at", bed.discharged_at), ("watched_from", bed.watched_from))
    }
    watch.set_bed(effects, clock_set_at=now, **moved)
