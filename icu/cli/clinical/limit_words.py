"""Alarm limits in the words of the command line, `spo2.low medium=88 high=off delay=20`, and in tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from icu.alarms.conditions import CONDITIONS, LIMITED, PRIORITIES, Priority
from icu.alarms.limits import ConditionLimits
from icu.bounds import parse_number
from icu.errors import UsageError
from icu.mistakes import explain_choice

OFF: Final = "off"

_TIMES: Final = ("off_delay", "hysteresis")
_EXAMPLE: Final = "write for instance: limits set spo2.low medium=88 delay=20"


def parse_limits(words: Sequence[str]) -> Mapping[str, ConditionLimits]:
    """Parse changes of limits.

    Args:
        words: Condition, and behind it what is to change, `KEY=VALUE`; any number of times. KEY is a priority,
            `PRIORITY.delay`, `delay` (of the priorities that are named beside it, else of all), `off_delay` or
            `hysteresis`. Delays are seconds.

    Returns:
        Changes by name of the condition. The monitor checks the values.

    Raises:
        UsageError: A word is not to be understood.
    """
    changes: dict[str, dict[str, str]] = {}
    condition = None
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            condition = _condition(word)
            changes.setdefault(condition, {})
        elif condition is None:
            raise UsageError(f"{word}: say of which condition, before it; {_EXAMPLE}")
        else:
            changes[condition][key] = value
    return {name: _limits(name, given) for name, given in changes.items()}


def _condition(word: str) -> str:
    names = [each.name for each in LIMITED]
    if word not in names:
        raise UsageError(f"{explain_choice(word, names)}; {_EXAMPLE}")
    return word


def _limits(condition: str, given: Mapping[str, str]) -> ConditionLimits:
    """Make the changes of one condition, of texts by key."""
    priorities = [tier.priority for tier in CONDITIONS[condition].tiers]
    keys = [*priorities, "delay", *(f"{each}.delay" for each in priorities), *_TIMES]
    if not given:
        raise UsageError(f"{condition}: say what is to change; {_EXAMPLE}")
    for key in given:
        if key not in keys:
            raise UsageError(f"{condition}: {explain_choice(key, keys)}")
    numbers = {key: _number(condition, key, text) for key, text in given.items()}
    values: dict[Priority, float | None] = {each: numbers[each] for each in priorities if each in numbers}
    delays: dict[Priority, Any] = {}
    if "delay" in numbers:
        delays = dict.fromkeys(values or priorities, numbers["delay"])
    delays |= {each: numbers[f"{each}.delay"] for each in priorities if f"{each}.delay" in numbers}
    return ConditionLimits(values, delays, numbers.get("off_delay"), numbers.get("hysteresis"))


def _number(condition: str, key: str, text: str) -> float | None:
    """Return a number; None for `off`, which limits alone may be."""
    is_limit = key in PRIORITIES
    if is_limit and text == OFF:
        return None
    try:
        return parse_number(text.removesuffix("s") if key.endswith("delay") else text)
    except ValueError as exc:
        raise UsageError(f"{condition} {key}: {exc}{', or off' if is_limit else ''}") from exc


def tier_of(limits: ConditionLimits, priority: Priority) -> str:
    """Format one tier: limit, and the seconds until its alarm. Empty if the condition has no such tier."""
    if priority not in limits.values:
        return ""
    value = limits.values[priority]
    return OFF if value is None else f"{value:g}, {limits.delays.get(priority, 0):g} s"


def end_of(limits: ConditionLimits) -> str:
    """Format what ends an alarm: how far inside, and for how many seconds."""
    return f"{limits.hysteresis or 0:g}, {limits.off_delay or 0:g} s"


def changes_between(before: Mapping[str, ConditionLimits], after: Mapping[str, ConditionLimits]) -> Iterator[str]:
    """Format the differences of limits in force, a line for each tier and end of a condition."""
    for name, new in after.items():
        old = before.get(name, ConditionLimits())
        for priority in reversed(PRIORITIES):
            if tier_of(old, priority) != tier_of(new, priority):
                yield f"{name} {priority}: {tier_of(old, priority)} -> {tier_of(new, priority)}"
        if end_of(old) != end_of(new):
            yield f"{name} ends: {end_of(old)} -> {end_of(new)}"
