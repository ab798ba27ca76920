"""A reading judged: each condition of a patient gets its event."""

from typing import Final

from icu.alarms.conditions import (
    APNOEA,
    ASYSTOLE,
    BP_OLD,
    BY_SIGN,
    CLOCK_WRONG,
    DATA_STALE,
    DISCONNECTED,
    IMPLAUSIBLE_VALUE,
    UNAVAILABLE,
    Condition,
)
from icu.alarms.effects import Effects
from icu.alarms.inputs import Blind, Held, Judged
from icu.alarms.rules import Rule
from icu.alarms.sample import BREATHS_NUMBER, LOW_PERFUSION, NUMBER, PRESSURE_NUMBERS, PULSE_NUMBER, Sample
from icu.alarms.watch import Watch, bp_old_from, window_of
from icu.vitals.catalogue import PULSE, RESP_RATE, SPO2


def judge(watch: Watch, sample: Sample, before: Sample | None, valid_at: int, now: int, effects: Effects) -> None:
    """Judge the values of a reading at `watch.event_at`.

    Args:
        watch: The patient's, changed in place.
        sample: Values of the reading.
        before: Values of the reading before it.
        valid_at: Time of the reading before it, on the sender's clock.
        now: Server's time.
        effects: Effects to add to.
    """
    fresh_pressure = _take_pressure(watch, sample, before)
    disconnected = _is_disconnected(watch, sample)
    report(watch, DISCONNECTED, 0 if disconnected else -1, now, effects)
    held = _held(watch, sample, disconnected=disconnected)
    for number, (conditions, names) in enumerate(BY_SIGN):
        if number in PRESSURE_NUMBERS and not fresh_pressure:
            continue
        value, inner = sample.valid[number], watch.rules.inner[number]
        if (value is None or inner[0] <= value <= inner[1]) and names.isdisjoint(watch.episodes):
            continue
        known = before is not None and before.valid[number] is not None
        for condition in conditions:
            if condition.name in held:
                _apply_if_open(watch, condition, Held(watch.event_at), effects)
            elif value is None:
                _apply_if_open(watch, condition, Blind(watch.event_at, valid_at if known else None), effects)
            else:
                judge_value(watch, condition, value, now, effects)
    report(watch, IMPLAUSIBLE_VALUE, 0 if sample.is_implausible else -1, now, effects)
    _note_sight(watch, sample, valid_at)
    judge_sight(watch, watch.event_at, now, effects)
    judge_cuff(watch, watch.event_at, now, effects)


def judge_value(watch: Watch, condition: Condition, value: int, now: int, effects: Effects) -> None:
    """Compare a valid value with the limits of a condition."""
    rule: Rule = watch.rule(condition)
    tier = rule.tier_of(value)
    episode = watch.episodes.get(condition.name)
    if tier >= 0 or (episode is not None and episode.presence != "absent"):
        watch.apply(condition, Judged(watch.event_at, now, tier, rule.is_inside(value), value), effects, rule)


def judge_sight(watch: Watch, at: int, now: int, effects: Effects) -> None:
    """Judge the conditions SIGN.unavailable at a time. Stale or disconnected, they are held down."""
    held = any(each.name in watch.episodes for each in (DATA_STALE, DISCONNECTED))
    for condition in UNAVAILABLE:
        if held:
            _apply_if_open(watch, condition, Held(at), effects)
        elif condition.name in watch.windows:
            tier = window_of(watch.windows, condition).tier(at, watch.interval, len(condition.tiers))
            report(watch, condition, tier, now, effects, at)


def judge_cuff(watch: Watch, at: int, now: int, effects: Effects) -> None:
    """Judge the age of the cuff's last measurement at a time."""
    old_from = bp_old_from(watch)
    report(watch, BP_OLD, -1 if old_from is None or at < old_from else 0, now, effects, at)


def judge_clock(watch: Watch, now: int, effects: Effects, *, wrong: bool) -> None:
    """Judge the sender's clock at a reading."""
    report(watch, CLOCK_WRONG, 0 if wrong else -1, now, effects)


def report(watch: Watch, condition: Condition, tier: int, now: int, effects: Effects, at: int | None = None) -> None:
    """Step a technical condition, which is there at a tier, or is not. By default at `watch.event_at`."""
    if tier >= 0 or condition.name in watch.episodes:
        time = watch.event_at if at is None else at
        watch.apply(condition, Judged(time, now, tier, tier < 0), effects)


def _apply_if_open(watch: Watch, condition: Condition, event: Blind | Held, effects: Effects) -> None:
    if condition.name in watch.episodes:
        watch.apply(condition, event, effects)


def _take_pressure(watch: Watch, sample: Sample, before: Sample | None) -> bool:
    """Note the source of the pressure. Tell if it is to be judged: a cuff's measurement is judged once."""
    measured = sample.measured
    if measured is None:
        if watch.is_cuff and sample.has_pressure:
            # The reading at an inflation states no other time. Two such readings in turn are a line's.
            watch.is_cuff = before is None or before.measured is not None or not before.has_pressure
            watch.cuff_at = watch.event_at
        return True
    fresh = watch.cuff_at is None or measured > watch.cuff_at
    watch.is_cuff = True
    if fresh:
        watch.cuff_at = measured
    return fresh


def _is_disconnected(watch: Watch, sample: Sample) -> bool:
    """Tell if a pulse of 0 means leads off. In doubt it does not: it is asystole."""
    return (
        sample.valid[PULSE_NUMBER] == 0
        and RESP_RATE.name in watch.bed.had
        and sample.values[BREATHS_NUMBER] is None
        and sample.flags.get(SPO2.field) != LOW_PERFUSION
        and not (sample.has_pressure and not watch.is_cuff)
    )


def _held(watch: Watch, sample: Sample, *, disconnected: bool) -> set[str]:
    """Return the conditions in whose place a worse one stands."""
    held = set()
    rules = watch.rules.by_name
    if disconnected:
        held.add(ASYSTOLE.name)
    if sample.valid[PULSE_NUMBER] == 0 and (disconnected or not rules[ASYSTOLE.name].is_off):
        held.add(_LOW_PULSE)
    if sample.valid[BREATHS_NUMBER] == 0 and not rules[APNOEA.name].is_off:
        held.add(_LOW_BREATHS)
    return held


def _note_sight(watch: Watch, sample: Sample, valid_at: int) -> None:
    """Note which signs that this patient had are flagged or absent."""
    for condition in UNAVAILABLE:
        blind = any(sign.name in watch.bed.had and sample.valid[NUMBER[sign.name]] is None for sign in condition.signs)
        window = window_of(watch.windows, condition)
        if blind:
            watch.windows[condition.name] = window.lose(watch.event_at, valid_at)
        elif window.since is not None:
            watch.windows[condition.name] = window.see(watch.event_at, watch.interval)


_LOW_PULSE: Final = f"{PULSE.name}.low"
_LOW_BREATHS: Final = f"{RESP_RATE.name}.low"
