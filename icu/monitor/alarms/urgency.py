"""Order of alarms, the most urgent first: by priority, those that sound, a heart or a breath at 0, then the newest.

A heart that stands still goes on as a low pulse too, which may be newer where it has stood still before.
"""

from typing import Any

from icu.alarms.conditions import CONDITIONS, URGENCY
from icu.store.alarms.served import Alarm


def is_active(alarm: Alarm) -> bool:
    """Tell if an alarm is present, clearing or latched."""
    return alarm.ended is None and (alarm.presence in {"present", "clearing"} or alarm.signal == "latched")


def urgency(alarm: Alarm) -> tuple[Any, ...]:
    """Return the key to sort alarms by. Pending ones, which are no alarms yet, are the last."""
    return (
        not is_active(alarm),
        -URGENCY[alarm.priority],
        not _sounds(alarm),
        not (CONDITIONS[alarm.condition].zero and alarm.presence == "present"),
        -(alarm.raised or alarm.onset).timestamp(),
        str(alarm.id),
    )


def _sounds(alarm: Alarm) -> bool:
    """Tell if an alarm sounds: a high one also while it is latched."""
    if alarm.inhibition != "none":
        return False
    return alarm.signal == "on" or (alarm.signal == "latched" and alarm.priority == "high")
