"""Alarm limits as people set them: JSON of `GET` and `PUT /limits`, in the units of the signs, times in seconds.

The ward's limits name every condition. A patient's are overrides: those of a condition that it does not name, and each
key that it leaves out, are the ward's. Each of the two has a version, which a raised alarm keeps.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from icu.alarms.conditions import Priority


class ConditionLimits(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Limits of one condition. In a patient's, what is left out is the ward's."""

    values: Annotated[
        Mapping[Priority, float | None],
        Meta(description="By priority: the alarm is beyond this value, in the sign's unit. null: this one is off"),
    ] = field(default_factory=dict)
    delays: Annotated[
        Mapping[Priority, float],
        Meta(description="By priority: seconds beyond the limit until the alarm is raised"),
    ] = field(default_factory=dict)
    off_delay: Annotated[float | None, Meta(description="Seconds inside the limit until the alarm ends")] = None
    hysteresis: Annotated[
        float | None, Meta(description="How far inside the limit a value must be to end the alarm, in the sign's unit")
    ] = None


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of the ward, or the overrides of one patient."""

    # Raised by each change. 0: the defaults of the ward; no overrides of a patient.
    version: Annotated[int, Meta(ge=0)] = 0
    # By name of the condition: `spo2.low`.
    conditions: Mapping[str, ConditionLimits] = field(default_factory=dict)


NO_OVERRIDES = Limits()


def merge(ward: Limits, patient: Limits) -> Mapping[str, ConditionLimits]:
    """Return the limits in force for a patient: the ward's, except for what the patient's say.

    Args:
        ward: Limits of every condition.
        patient: Overrides, possibly none.
    """
    return {name: _merged(whole, patient.conditions.get(name)) for name, whole in ward.conditions.items()}


def change(limits: Limits, conditions: Mapping[str, ConditionLimits]) -> Limits:
    """Return the next version of limits, in which these conditions are changed and all else stays."""
    changed = dict(limits.conditions)
    for name, part in conditions.items():
        changed[name] = _merged(changed.get(name, ConditionLimits()), part)
    return Limits(limits.version + 1, changed)


def _merged(whole: ConditionLimits, part: ConditionLimits | None) -> ConditionLimits:
    if part is None:
        return whole
    values: dict[Priority, Any] = {**whole.values, **part.values}
    return ConditionLimits(
        values,
        {**whole.delays, **part.delays},
        whole.off_delay if part.off_delay is None else part.off_delay,
        whole.hysteresis if part.hysteresis is None else part.hysteresis,
    )
