"""Checks of limits that people write. Each message says what is wrong, and what to write."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from math import isfinite
from typing import Final

from icu.alarms.conditions import APNOEA, BY_SIGN, CONDITIONS, LIMITED, Condition
from icu.alarms.limits import ConditionLimits, Limits, merge

# Seconds. Shortest annunciation: Philips EarlyVue p. 108.
_SHORTEST_OFF: Final = 5.0
_LONGEST: Final = 300.0
# Edan M8 p. 118, Mindray DPM4 p. 10-31.
_APNOEA: Final = (10.0, 40.0)

_NAMES: Final = tuple(each.name for each in LIMITED)


def check_limits(ward: Limits, patient: Limits) -> list[str]:
    """Return what is wrong with limits, in the order of the conditions. Empty: they can be put in force.

    Args:
        ward: Limits of the ward, those in force or those to be.
        patient: Overrides of a patient, possibly none.
    """
    unknown = [*_unknown(ward), *_unknown(patient)]
    if unknown:
        return unknown
    merged = merge(ward, patient)
    absent = [f"{name}: has no limits: write its values, or null for off" for name in _NAMES if name not in merged]
    if absent:
        return absent
    wrong = [each for condition in LIMITED for each in _check(condition, merged[condition.name])]
    # Compared with each other only once they are numbers in range.
    return wrong or [each for conditions, _ in BY_SIGN for each in _check_opposite(conditions, merged)]


def clearing(condition: Condition, limits: ConditionLimits) -> float | None:
    """Return the value that ends the alarm, in the sign's unit. None: all its tiers are off."""
    mildest = _mildest(condition, limits)
    if mildest is None:
        return None
    hysteresis = limits.hysteresis or 0.0
    return mildest + hysteresis if condition.direction == "low" else mildest - hysteresis


def _unknown(limits: Limits) -> Iterator[str]:
    for name, each in limits.conditions.items():
        if name not in _NAMES:
            close = get_close_matches(name, _NAMES, n=1)
            known = f"do you mean {close[0]}?" if close else f"write one of {', '.join(_NAMES)}"
            yield f"{name}: no such condition: {known}"
            continue
        tiers = [tier.priority for tier in CONDITIONS[name].tiers]
        for priority in {**each.values, **each.delays}:
            if priority not in tiers:
                yield f"{name}: has no priority {priority}: write {' or '.join(tiers)}"


def _check(condition: Condition, limits: ConditionLimits) -> Iterator[str]:
    yield from _check_times(condition, limits)
    hysteresis = limits.hysteresis or 0.0
    if not isfinite(hysteresis) or hysteresis < 0:
        yield f"{condition.name}: hysteresis {hysteresis:g} is no distance: write 0 or more"
        return
    wrong = list(_check_values(condition, limits))
    yield from wrong
    if not wrong:
        yield from _check_order(condition, limits)


def _check_times(condition: Condition, limits: ConditionLimits) -> Iterator[str]:
    least, most = _APNOEA if condition is APNOEA else (0.0, _LONGEST)
    for priority, delay in limits.delays.items():
        if not least <= delay <= most:
            yield f"{condition.name}: the delay of {priority} is {delay:g} s: write {least:g} to {most:g}"
    off = limits.off_delay
    if off is not None and not _SHORTEST_OFF <= off <= _LONGEST:
        yield f"{condition.name}: off_delay is {off:g} s: write {_SHORTEST_OFF:g} to {_LONGEST:g}"


def _check_values(condition: Condition, limits: ConditionLimits) -> Iterator[str]:
    bounds, unit = condition.sign.limits, condition.sign.unit
    for priority, value in limits.values.items():
        if value is None:
            continue
        if condition.zero and value != 0:
            yield f"{condition.name}: {priority} is {value:g}: write 0, or null for off"
        elif not isfinite(value) or value not in bounds:
            yield f"{condition.name}: {priority} is {value:g}: write {bounds.low:g} to {bounds.high:g} {unit}"


def _check_order(condition: Condition, limits: ConditionLimits) -> Iterator[str]:
    """Compare tiers: the worse one is further out, or equal. And some value must end the mildest."""
    bounds, cleared = condition.sign.limits, clearing(condition, limits)
    if cleared is not None and cleared not in bounds:
        yield (
            f"{condition.name}: no value could end it: with its hysteresis it ends at {cleared:g}, and values go from "
            f"{bounds.low:g} to {bounds.high:g} {condition.sign.unit}"
        )
    milder, name = None, ""
    for tier in condition.tiers:
        value = limits.values.get(tier.priority)
        if value is None:
            continue
        one, other = ("at most", "at least") if condition.direction == "low" else ("at least", "at most")
        if milder is not None and (value > milder if condition.direction == "low" else value < milder):
            yield (
                f"{condition.name}: {name} is {milder:g}, and {tier.priority} {value:g}: write {one} {milder:g} for"
                f" {tier.priority}, or {other} {value:g} for {name}"
            )
        milder, name = value, tier.priority


def _check_opposite(conditions: tuple[Condition, ...], merged: Mapping[str, ConditionLimits]) -> Iterator[str]:
    """Compare the low limit of a sign with the high one: both are off the values that end the other."""
    pair = {each.direction: each for each in conditions if not each.zero}
    if len(pair) < 2:
        return
    low, high = pair["low"], pair["high"]
    lowest, highest = _mildest(low, merged[low.name]), _mildest(high, merged[high.name])
    low_clears, high_clears = clearing(low, merged[low.name]), clearing(high, merged[high.name])
    if lowest is None or highest is None or low_clears is None or high_clears is None:
        return
    if lowest >= highest:
        yield f"{low.name}: {lowest:g} is not below {high.name}, {highest:g}: write less"
    elif low_clears > highest:
        yield f"{low.name}: ends at {low_clears:g}, beyond {high.name}, {highest:g}: write less, or less hysteresis"
    elif high_clears < lowest:
        yield f"{high.name}: ends at {high_clears:g}, beyond {low.name}, {lowest:g}: write more, or less hysteresis"


def _mildest(condition: Condition, limits: ConditionLimits) -> float | None:
    for tier in condition.tiers:
        value = limits.values.get(tier.priority)
        if value is not None:
            return value
    return None
