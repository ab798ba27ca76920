"""Inner band: the values of the next reading by which nothing changes. One chained comparison decides.

After each evaluation the band is made anew from what is open: of a condition that is absent it reaches to the limit, of
one that is present from its worst value to the value that would clear it. So a bed in alarm has ordinary readings, too.
"""

from icu.alarms.ages import note
from icu.alarms.bands import INFINITE, Steady
from icu.alarms.clocks import AHEAD
from icu.alarms.conditions import BY_SIGN, CLOCK_WRONG, DATA_STALE, UNAVAILABLE, ZEROS, Condition
from icu.alarms.episodes import Episode
from icu.alarms.passing import deadlines, is_unheard
from icu.alarms.rules import Rule
from icu.alarms.sample import PRESSURE_NUMBERS, Sample
from icu.alarms.watch import Watch
from icu.vitals.catalogue import SIGNS
from icu.vitals.staleness import GAPS, to_seconds


def steady_of(watch: Watch) -> Steady | None:
    """Return the readings by which nothing changes. None: each one must be evaluated."""
    sample = watch.sample
    if sample is None or watch.row is None or not _is_calm(watch, sample):
        return None
    # A gap as the ten before, in whole seconds, leaves the interval of a sender that states none as it is.
    low, high = (1, watch.stale_after) if watch.stated is not None else (watch.interval - 500, watch.interval + 499)
    return Steady(
        *_ages(watch, watch.arrived),
        # A reading from before the last look, which a tick took while it was under way, is judged at its own time.
        max(1, low, watch.looked_at - watch.event_at),
        high,
        min(deadlines(watch), default=INFINITE),
        watch.stated,
        sample.measured,
        watch.row[11],
        tuple(bound for number in range(len(SIGNS)) for bound in _band(watch, sample, number)),
    )


def note_age(watch: Watch, age: int, arrived: int) -> bool:
    """Note the age of a live reading by which nothing else changes. False: more may change, and nothing was noted.

    Args:
        watch: The patient's, whose band was made. Changed in place.
        age: Age of the reading.
        arrived: Time of its arrival.
    """
    steady, before = watch.steady, watch.ages
    # An evaluation places a deadline on the server's clock anew, too: its time there depends on the age.
    if steady is None or before is None or watch.silent or steady.until < INFINITE:
        return False
    ages = note(before, age, arrived)
    clock = watch.episodes.get(CLOCK_WRONG.name)
    is_off = clock is not None and clock.presence == "present"
    if not -AHEAD <= age <= steady.age_high or ages.is_off(arrived) != is_off:
        return False
    watch.ages = ages
    low, high, backlog_low, backlog_high, look_at = _ages(watch, arrived)
    watch.steady = steady._replace(
        age_low=low, age_high=high, backlog_low=backlog_low, backlog_high=backlog_high, look_at=look_at
    )
    return True


def _ages(watch: Watch, arrived: int) -> tuple[int, int, int, int, int]:
    """Return the first fields of a Steady."""
    ages = watch.ages
    if ages is None:
        # Heard from a backlog alone: any reading that is not ends it.
        return 1, 0, -AHEAD, INFINITE, 0
    threshold, look_at = ages.backlog_from(watch.interval), ages.look_at(arrived)
    if watch.silent:
        return threshold + 1, INFINITE, -AHEAD, INFINITE, look_at
    return ages.running, threshold, 1, 0, look_at


def _is_off(watch: Watch, now: int) -> bool:
    return watch.ages is not None and watch.ages.is_off(now)


def _is_calm(watch: Watch, sample: Sample) -> bool:
    """Tell if the next reading may be ordinary: nothing of it is new but its values."""
    clock = watch.episodes.get(CLOCK_WRONG.name)
    return (
        watch.bed.is_watched
        and DATA_STALE.name not in watch.episodes
        and watch.setback is None
        and watch.event_at == watch.seen
        and (watch.silent or watch.ages is not None)
        and (watch.stated is not None or _is_even(watch))
        and (clock is None or (clock.presence == "present") == _is_off(watch, watch.arrived))
        and not (watch.is_cuff and sample.measured is None and sample.has_pressure)
        and (watch.silent or not any(is_unheard(each) for each in watch.episodes.values()))
        and not any(_is_overdue(watch, each) for each in UNAVAILABLE)
    )


def _is_even(watch: Watch) -> bool:
    """Tell if the last ten gaps are the same in whole seconds."""
    return len(watch.gaps) == GAPS and set(map(to_seconds, watch.gaps)) == {watch.interval}


def _is_overdue(watch: Watch, condition: Condition) -> bool:
    """Tell if a lost sign was not judged at its deadline, as the last values were too old: the next reading does it."""
    window = watch.windows.get(condition.name)
    if window is None:
        return False
    tier = window.tier(watch.looked_at, watch.interval, len(condition.tiers))
    episode = watch.episodes.get(condition.name)
    # The priority of an alarm stays until it ends.
    return tier >= 0 if episode is None else tier < 0 or tier > episode.tier


def _band(watch: Watch, sample: Sample, number: int) -> tuple[int, int]:
    value, valid = sample.values[number], sample.valid[number]
    if value is None:
        return -1, -1
    if valid is None:
        # Flagged: any value is the same. But a saturation of 0 needs no flag.
        return (0, INFINITE) if value or SIGNS[number].field in sample.flags else (0, 0)
    if number in PRESSURE_NUMBERS and sample.measured is not None:
        return value, value
    if not value and SIGNS[number] in ZEROS:
        return 0, 0
    inner, conditions = watch.rules.inner[number], BY_SIGN[number]
    if inner[0] <= value <= inner[1] and conditions.names.isdisjoint(watch.episodes):
        return inner
    low, high = int(SIGNS[number] in ZEROS), INFINITE
    for condition in conditions.all:
        rule = watch.rule(condition)
        first, last = _unmoved(rule, watch.episodes.get(condition.name), value * rule.side)
        low, high = (max(low, first), min(high, last)) if rule.side > 0 else (max(low, -last), min(high, -first))
    return low, high


def _unmoved(rule: Rule, episode: Episode | None, value: int) -> tuple[int, int]:
    """Return the values, times the rule's side, by which the condition's machine does not move."""
    presence = "absent" if episode is None else episode.presence
    if rule.clear is None:
        # What is present although its limits are off was not judged by them.
        return (INFINITE, -INFINITE) if presence == "present" else (-INFINITE, INFINITE)
    if presence == "clearing":
        return rule.clear, INFINITE
    tier = rule.tier_of(value * rule.side)
    top = INFINITE if tier < 0 else (rule.bounds[tier] or 0) - 1
    if presence == "present" and episode is not None and tier <= episode.tier:
        tier, top = episode.tier, rule.clear - 1
    lower = [bound for bound in rule.bounds[tier + 1 :] if bound is not None]
    bottom = max(lower, default=-INFINITE)
    if presence != "absent" and episode is not None and episode.worst is not None:
        bottom = max(bottom, episode.worst * rule.side)
    return bottom, top
