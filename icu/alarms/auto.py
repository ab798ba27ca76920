"""Limits around the present values of a patient, as monitors set them: Mindray N series p. 115."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from icu.alarms.conditions import CONDITIONS, LIMITED, Condition
from icu.alarms.limits import ConditionLimits, Limits, merge
from icu.vitals.catalogue import DIASTOLIC, MAP, PULSE, RESP_RATE, SYSTOLIC, TEMPERATURE, Sign, VitalSigns


class Around(NamedTuple):
    """Limits around a value, and the range in which they stay."""

    low: Callable[[float], float]
    high: Callable[[float], float]
    least: float
    most: float


def _straight(low: tuple[float, float], high: tuple[float, float], least: float, most: float) -> Around:
    return Around(
        lambda value: value * low[0] + low[1], lambda value: value * high[0] + high[1], least=least, most=most
    )


def _anywhere(sign: Sign, low: tuple[float, float], high: tuple[float, float]) -> Around:
    return _straight(low, high, sign.limits.low, sign.limits.high)


# By sign. The saturation keeps its limit.
_AROUND: Final[Mapping[str, Around]] = {
    PULSE.name: _straight((0.8, 0), (1.25, 0), 35, 240),
    RESP_RATE.name: _straight((0.5, 0), (1.5, 0), 6, 30),
    SYSTOLIC.name: _anywhere(SYSTOLIC, (0.68, 10), (0.86, 38)),
    DIASTOLIC.name: _anywhere(DIASTOLIC, (0.68, 6), (0.86, 32)),
    MAP.name: _anywhere(MAP, (0.68, 8), (0.86, 35)),
    TEMPERATURE.name: _anywhere(TEMPERATURE, (1, -0.5), (1, 0.5)),
}


class AutoLimits(NamedTuple):
    """Limits around the present values, and what forbids them."""

    conditions: Mapping[str, ConditionLimits]
    # Messages about signs whose limits stay as they are.
    refused: list[str]


def auto_limits(values: VitalSigns, ward: Limits, patient: Limits) -> AutoLimits:
    """Make overrides around the present values. Limits that are off stay off, and those of a sign without a good value.

    Args:
        values: Last values of the patient. None: missing, flagged or old.
        ward: Limits of the ward: a value that is beyond them is no value to build upon.
        patient: Overrides of the patient that hold now.
    """
    in_force, present = merge(ward, patient), values._asdict()
    refused, made = [], {}
    for condition in LIMITED:
        around = _AROUND.get(condition.sign.name)
        mildest = condition.tiers[0].priority
        if condition.zero or around is None or in_force[condition.name].values.get(mildest) is None:
            continue
        value = present[condition.sign.name]
        if value is None:
            refused.append(f"{condition.sign.name}: there is no value that is valid and new: wait for one")
        elif (limit := _passed(condition.sign, value, ward)) is not None:
            refused.append(f"{condition.sign.name}: {value:g} is itself beyond the ward's limit of {limit:g}")
        else:
            limits = {mildest: _limit(condition, around, value, in_force[condition.name])}
            made[condition.name] = ConditionLimits(limits)
    return AutoLimits(made, list(dict.fromkeys(refused)))


def _passed(sign: Sign, value: float, ward: Limits) -> float | None:
    """Return the ward's limit, low or high, that a value is beyond."""
    for condition in LIMITED:
        if condition.sign == sign and not condition.zero:
            limit = ward.conditions[condition.name].values.get(condition.tiers[0].priority)
            if limit is not None and (value < limit if condition.direction == "low" else value > limit):
                return limit
    return None


def _limit(condition: Condition, around: Around, value: float, limits: ConditionLimits) -> float:
    is_low = CONDITIONS[condition.name].direction == "low"
    exact = around.low(value) if is_low else around.high(value)
    rounded = round(min(max(exact, around.least), around.most), condition.sign.decimals)
    worse = [limits.values.get(tier.priority) for tier in condition.tiers[1:]]
    # Never beyond the next tier.
    return (
        max([rounded, *(each for each in worse if each is not None)])
        if is_low
        else min([rounded, *(each for each in worse if each is not None)])
    )
