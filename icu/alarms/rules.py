"""Rules: limits in force as the machine compares them, in hundredths and milliseconds, converted once.

A rule for a high limit compares negated values, so that beyond a limit is always below a bound.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from icu.alarms.bands import INFINITE
from icu.alarms.conditions import BY_SIGN, CONDITIONS, LIMITED, OF_PATIENT, ZEROS, Condition
from icu.alarms.limits import ConditionLimits, Limits, merge
from icu.vitals.catalogue import SIGNS, Sign

# Milliseconds of calm until a technical condition has ended (own). Others have it in their windows.
_TECHNICAL_OFF: Final[Mapping[str, int]] = {"disconnected": 5_000, "clock.wrong": 60_000, "value.implausible": 60_000}


class Rule(Struct, frozen=True):
    """Limits of one condition."""

    condition: Condition
    # By tier: milliseconds beyond the limit until the alarm is raised.
    delays: tuple[int, ...]
    # Milliseconds inside until it ends.
    off_delay: int
    # 1 for low limits, -1 for high ones.
    side: int = 1
    # By tier, in hundredths, as set. None: off, or no limit.
    limits: tuple[int | None, ...] = ()
    # By tier: values times `side` are beyond it below this one.
    bounds: tuple[int | None, ...] = ()
    # Values times `side` are inside from this one on. None: all tiers are off.
    clear: int | None = None

    def tier_of(self, value: int) -> int:
        """Return the number of the worst tier that a value in hundredths is beyond. -1: it is inside all."""
        value *= self.side
        worst = -1
        for number, bound in enumerate(self.bounds):
            if bound is not None and value < bound:
                worst = number
        return worst

    def is_inside(self, value: int) -> bool:
        """Tell if a value in hundredths is inside all limits by the hysteresis."""
        return self.clear is None or value * self.side >= self.clear

    def is_worse(self, value: int, than: int | None) -> bool:
        """Tell if a value is further beyond than another."""
        return than is None or value * self.side < than * self.side

    def limit_of(self, tier: int) -> int | None:
        """Return the limit of a tier in hundredths, as set."""
        return self.limits[tier] if self.limits else None

    @property
    def is_off(self) -> bool:
        """True if no tier has a limit."""
        return self.clear is None


class Rules(Struct, frozen=True):
    """Rules of one patient."""

    # By name of the condition.
    by_name: Mapping[str, Rule]
    # As above, for a cuff: its measurement counts at once.
    of_cuff: Mapping[str, Rule]
    ward_limits: int
    patient_limits: int
    # By sign: lowest and highest value that is inside all limits. 0 is inside none of the signs that it is an alarm of.
    inner: tuple[tuple[int, int], ...]


def compile_rules(ward: Limits, patient: Limits) -> Rules:
    """Convert the limits in force for a patient to rules.

    Args:
        ward: Limits of every condition, checked.
        patient: Overrides of the patient, possibly none.
    """
    merged = merge(ward, patient)
    by_name = {each.name: _limited(each, merged[each.name]) for each in LIMITED}
    technical = {each.name: _technical(each) for each in OF_PATIENT if each.direction is None}
    of_cuff = {
        each.name: replace(by_name[each.name], delays=(0,) * len(each.tiers), off_delay=0)
        for each in LIMITED
        if each.sign.field in {"bp", "map"}
    }
    inner = tuple(_inner(sign, conditions, by_name) for sign, (conditions, _) in zip(SIGNS, BY_SIGN, strict=True))
    return Rules({**by_name, **technical}, of_cuff, ward.version, patient.version, inner)


def rule_of(name: str) -> Rule:
    """Return the rule of a technical condition, which has no limit."""
    return _technical(CONDITIONS[name])


def _inner(sign: Sign, conditions: Sequence[Condition], rules: Mapping[str, Rule]) -> tuple[int, int]:
    low, high = int(sign in ZEROS), INFINITE
    for condition in conditions:
        rule = rules[condition.name]
        for bound in rule.bounds:
            if bound is not None and rule.side > 0:
                low = max(low, bound)
            elif bound is not None:
                high = min(high, -bound)
    return low, high


def _technical(condition: Condition) -> Rule:
    return Rule(condition, (0,) * len(condition.tiers), _TECHNICAL_OFF.get(condition.name, 0))


def _limited(condition: Condition, limits: ConditionLimits) -> Rule:
    side = 1 if condition.direction == "low" else -1
    values = tuple(_hundredths(limits.values.get(each.priority)) for each in condition.tiers)
    # Zero means the value itself: below a hundredth.
    bounds = tuple(None if value is None else 1 if condition.zero else value * side for value in values)
    mildest = next((bound for bound in bounds if bound is not None), None)
    return Rule(
        condition,
        tuple(_milliseconds(limits.delays.get(each.priority)) for each in condition.tiers),
        _milliseconds(limits.off_delay),
        side,
        values,
        bounds,
        None if mildest is None else mildest + (_hundredths(limits.hysteresis) or 0),
    )


def _hundredths(value: float | None) -> int | None:
    return None if value is None else round(value * 100)


def _milliseconds(seconds: float | None) -> int:
    return round((seconds or 0) * 1_000)
