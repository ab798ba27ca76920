"""A reading taken: placed on the sender's clock, then judged, unless nobody is watched."""

from icu.alarms.clocks import arrive, learn_interval
from icu.alarms.conditions import DATA_STALE
from icu.alarms.effects import Effects
from icu.alarms.judging import judge, judge_clock, report
from icu.alarms.passing import advance, sound_unheard
from icu.alarms.sample import Row, Sample, sample_of
from icu.alarms.watch import Watch
from icu.vitals.catalogue import SIGNS


def take(
    watch: Watch, row: Row, now: int, effects: Effects, *, interval: float | None = None, backlog: bool = False
) -> bool:
    """Take a reading. Tell if its values were judged: not if it is late, or nobody is watched.

    Args:
        watch: The patient's, changed in place.
        row: Reading.
        now: Arrival, in the server's time.
        effects: Effects to add to.
        interval: Interval that the reading states, in seconds.
        backlog: True if the partition had more to read when the reading was fetched.
    """
    arrival = arrive(watch, row[1], now, backlog=backlog, effects=effects)
    if arrival is None:
        return False
    sample, before, valid_at = sample_of(row), watch.sample, watch.event_at
    if valid_at >= 0 and watch.bed.is_watched:
        # Deadlines before this reading have their own time, whether or not a tick came in between.
        advance(watch, arrival.at - 1, now, effects)
    watch.tally = watch.count(valid_at, arrival.at)
    learn_interval(watch, interval, arrival.at)
    silence = now - watch.live_at
    watch.silent = arrival.silent
    watch.event_at, watch.arrived, watch.row = arrival.at, now, row
    watch.looked_at = arrival.at
    if not arrival.silent:
        watch.live_at = now
    if not _wake(watch, row[1], sample, silence, now, effects):
        return False
    _note_signs(watch, sample, effects)
    if not arrival.silent:
        report(watch, DATA_STALE, -1, now, effects)
        judge_clock(watch, now, effects, wrong=arrival.wrong)
    judge(watch, sample, before, valid_at, now, effects)
    if not arrival.silent:
        sound_unheard(watch, now, effects)
    return True


def _wake(watch: Watch, time: int, sample: Sample, silence: int, now: int, effects: Effects) -> bool:
    """Tell if the patient is watched: a discharged one comes back with a newer reading, standby ends with a return."""
    bed = watch.bed
    if bed.admitted is None and (bed.discharged_at is None or time > bed.discharged_at):
        # Of a backlog the time is watched in which it was measured.
        admitted = min(now, watch.event_at)
        watch.set_bed(effects, admitted=admitted, discharged_at=None, watched_from=watch.event_at)
    elif bed.standby is not None and not watch.silent and sample.has_valid and silence >= watch.stale_after:
        watch.set_bed(effects, standby=None, watched_from=watch.event_at)
    if watch.bed.is_watched:
        return True
    watch.windows.clear()
    return False


def _note_signs(watch: Watch, sample: Sample, effects: Effects) -> None:
    """Note the signs that this patient has for the first time: from now on they can be missed."""
    had = watch.bed.had
    new = tuple(
        sign.name
        for sign, value in zip(SIGNS, sample.values, strict=True)
        if value is not None and sign.name not in had
    )
    if new:
        watch.set_bed(effects, had=(*had, *new))
