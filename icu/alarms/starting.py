"""Watches made: of a patient who is heard for the first time, and of one whose state is read back after a restart."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec.structs import replace

from icu.alarms.conditions import CONDITIONS, DATA_STALE
from icu.alarms.defaults import FORGOTTEN, REMINDER, UNANSWERED
from icu.alarms.effects import Effects
from icu.alarms.episodes import BedState, Episode
from icu.alarms.inputs import Stopped
from icu.alarms.rules import Rules
from icu.alarms.sample import Row
from icu.alarms.taking import take
from icu.alarms.tally import Tally
from icu.alarms.watch import Watch


def new_watch(patient: UUID, rules: Rules, now: int) -> Watch:
    """Return the watch of a patient whom nobody admitted: the first reading does.

    Args:
        patient: UUID of the patient.
        rules: Limits in force.
        now: Server's time.
    """
    return Watch(patient, rules, BedState(patient=patient), live_at=now)


def restore(
    bed: BedState,
    rules: Rules,
    episodes: Iterable[Episode],
    readings: Sequence[tuple[Row, float | None]],
    now: int,
    effects: Effects,
    *,
    read_since: int,
    counted: int | None = None,
) -> Watch:
    """Read the watch of a patient back.

    What changes with each reading is not stored: it comes from the last readings, which are in the table with all that
    they have done.

    Args:
        bed: State of the bed.
        rules: Limits in force.
        episodes: Open episodes.
        readings: Last readings in any order, each with the interval that it stated, in seconds, if known: those that
            arrived in the last ten minutes, and the last eleven at least; and all since `counted`.
        now: Server's time.
        effects: Effects to add to: a patient who was not heard for a day is discharged, without an alarm.
        read_since: Server's time since which this program has read the topic, without an outage.
        counted: Sender's time up to which times for the statistics are stored. None: none are.
    """
    watch = Watch(bed.patient, rules, replace(bed, standby=None), live_at=now)
    since = bed.clock_set_at or 0
    arrivals = [(row[1] + row[2], row[1], row, interval) for row, interval in readings if row[1] + row[2] >= since]
    watch.tally = _tally_of(counted, [row[1] for _, _, row, _ in arrivals])
    # In the order of their arrival, for those that came late were late.
    for arrived, _, row, interval in sorted(arrivals, key=lambda each: each[:2]):
        # Judged for its traces alone: clock, windows, cuff. What came of it is stored.
        take(watch, row, arrived, Effects(), interval=interval)
        if bed.standby is not None or watch.event_at < (bed.watched_from or 0):
            watch.windows.clear()
    if not bed.is_watched:
        watch.tally = replace(watch.tally, amounts={})
    heard = watch.arrived
    watch.bed = _rebased_bed(bed, now, watch.bed.had)
    watch.episodes = {each.condition: _rebased(each, now) for each in episodes}
    watch.silent = False
    watch.live_at = max(watch.live_at, min(bed.watched_since or 0, now))
    # What was missed while nobody read the topic is not the sender's silence.
    missed = bed.standby is None and DATA_STALE.name not in watch.episodes
    if missed and now - watch.live_at >= watch.stale_after:
        watch.live_at = max(watch.live_at, read_since)
    if bed.admitted is not None and now - max(heard, bed.admitted) >= FORGOTTEN:
        discharge(watch, now, effects)
    return watch


def _tally_of(counted: int | None, times: Sequence[int]) -> Tally:
    """Go on where the stored times end, or begin with these readings: who knows how many there were before?"""
    return Tally(since=min(times, default=0)) if counted is None else Tally(counted, counted)


def discharge(watch: Watch, now: int, effects: Effects) -> None:
    """Watch a patient no more. A newer reading brings the patient back."""
    at = watch.event_time(now)
    for name in list(watch.episodes):
        watch.apply(CONDITIONS[name], Stopped(at, "discharged"), effects)
    watch.set_bed(effects, admitted=None, discharged_at=watch.seen, bed=None, paused=None, standby=None, shelves={})


def _rebased(episode: Episode, now: int) -> Episode:
    """Return an episode whose silences end at the latest as if they had been granted now."""
    shelved = episode.shelved
    return replace(
        episode,
        reminder_due=_at_most(episode.reminder_due, now + REMINDER),
        unanswered_due=_at_most(episode.unanswered_due, now + UNANSWERED.get(episode.priority, 0)),
        shelved=None if shelved is None else replace(shelved, until=min(shelved.until, now + shelved.length)),
    )


def _rebased_bed(bed: BedState, now: int, had: tuple[str, ...]) -> BedState:
    paused, standby = bed.paused, bed.standby
    return replace(
        bed,
        paused=None if paused is None else replace(paused, until=min(paused.until, now + paused.length)),
        standby=None if standby is None else replace(standby, until=min(standby.until, now + standby.length)),
        shelves={
            name: replace(shelf, until=min(shelf.until, now + shelf.length)) for name, shelf in bed.shelves.items()
        },
        had=had,
    )


def _at_most(due: int | None, latest: int) -> int | None:
    return None if due is None else min(due, latest)
