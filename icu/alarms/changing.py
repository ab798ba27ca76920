"""Changes of a watch that do not come from readings: limits, commands, a patient who is removed."""

from collections.abc import Iterable

from icu.alarms.conditions import LIMITED
from icu.alarms.effects import Effects
from icu.alarms.episodes import BedState, Episode
from icu.alarms.inputs import LimitsChanged
from icu.alarms.rules import Rules
from icu.alarms.sample import NUMBER
from icu.alarms.watch import Watch


def change_limits(watch: Watch, rules: Rules, now: int, effects: Effects, *, by: str) -> None:
    """Take other limits, and judge the last values by them.

    Args:
        watch: The patient's, changed in place.
        rules: Limits in force from now on.
        now: Server's time.
        effects: Effects to add to.
        by: Name of the person who changed them.
    """
    # Those of the ward move the patient's, but are not about this patient.
    own = rules.patient_limits != watch.rules.patient_limits
    watch.rules = rules
    if not watch.bed.is_watched or watch.event_at < 0:
        return
    at = watch.event_time(now)
    sample = watch.sample
    fresh = now - watch.live_at < watch.stale_after
    for condition in LIMITED:
        value = sample.valid[NUMBER[condition.sign.name]] if sample is not None and fresh else None
        # 0 is left to the next reading: which condition stands for it depends on other signs.
        tier = rules.by_name[condition.name].tier_of(value) if value else None
        if tier is None or tier >= 0 or condition.name in watch.episodes:
            watch.apply(condition, LimitsChanged(at, now, watch.fresh_until, tier, by, own, value), effects)


def take_command(watch: Watch, bed: BedState, episodes: Iterable[Episode], now: int, effects: Effects) -> None:
    """Take what a command has written: the bed and its open episodes, as the store has them now.

    Args:
        watch: The patient's, changed in place.
        bed: State of the bed.
        episodes: All open episodes.
        now: Server's time.
        effects: Effects to add to: times until now for the statistics, where nobody was, or is, watched.
    """
    if bed.is_watched != watch.bed.is_watched and watch.event_at >= 0:
        watch.tally = watch.count(watch.event_at, watch.event_at).store(watch.patient, effects)
    if bed.is_watched and not watch.bed.is_watched:
        watch.live_at = now
    watch.bed = bed
    watch.episodes = {each.condition: each for each in episodes}
    if not bed.is_watched:
        watch.windows.clear()
