"""Alarms in words: priority, value and state, each the same in tables, lines and messages."""

from datetime import datetime
from typing import Final

import msgspec

from icu.alarms.conditions import CONDITIONS, Priority
from icu.cli.clinical.choosing import Patient
from icu.cli.clinical.states import Alarm
from icu.cli.clinical.ward import time_of_day
from icu.cli.listing import escape_control
from icu.cli.monitors import format_seconds

# Marks that tell the priority without colour, as on monitors.
MARKS: Final[dict[Priority, str]] = {"high": "!!!", "medium": "!!", "low": "!"}

# Place of an alarm of all patients.
_WARD: Final = "the whole ward"


def priority_of(alarm: Alarm) -> str:
    """Return the priority with its mark: `!!! high`."""
    return f"{MARKS[alarm.priority]:<3} {alarm.priority}"


def value_of(alarm: Alarm) -> str:
    """Return the value that raised an alarm, with its unit; empty without one."""
    return "" if alarm.value is None else f"{alarm.value:g} {_unit(alarm)}".rstrip()


def limit_of(alarm: Alarm) -> str:
    """Return the limit that the value was beyond; empty without one."""
    return "" if alarm.limit is None else f"{alarm.limit:g}"


def age_of(alarm: Alarm, now: datetime) -> str:
    """Return the time since an alarm was raised."""
    return "" if alarm.raised is None else format_seconds(max(0.0, (now - alarm.raised).total_seconds()))


def state_of(alarm: Alarm) -> str:
    """Return the state of an alarm: if it sounds, or who has silenced it, until when and why."""
    parts = [_signal(alarm)]
    if alarm.presence == "clearing":
        parts.append("ending")
    if alarm.unanswered and alarm.signal == "on":
        parts.append("unanswered")
    if alarm.late:
        parts.append("late")
    return escape_control(", ".join(parts))


def describe(alarm: Alarm, patient: Patient | None, now: datetime) -> str:
    """Return an alarm as one line."""
    value, limit = value_of(alarm), limit_of(alarm)
    beyond = f"limit {limit}" if limit else ""
    worst = "" if alarm.worst in {None, alarm.value} else f"worst {alarm.worst:g}"
    age = f"for {age_of(alarm, now)}" if alarm.raised else ""
    details = ", ".join(filter(None, (value, beyond, worst, age, state_of(alarm))))
    return f"{MARKS[alarm.priority]} {alarm.priority}: {patient or _WARD}: {alarm.condition}: {details}"


def alarm_in_words(state: bytes) -> str:
    """Describe the state of an alarm after a conflict."""
    alarm = msgspec.json.decode(state, type=Alarm)
    return f"{alarm.condition}, {alarm.priority}, {state_of(alarm)}"


def unverified(name: str) -> str:
    """Return the name of a person, and that nobody has checked it."""
    return f"{escape_control(name)} (unverified)"


def _unit(alarm: Alarm) -> str:
    # A newer monitor may have conditions of which this program knows nothing.
    known = CONDITIONS.get(alarm.condition)
    return known.sign.unit if known and known.signs else ""


def _signal(alarm: Alarm) -> str:
    if alarm.shelved is not None and alarm.inhibition == "shelved":
        shelf = alarm.shelved
        return f"shelved until {time_of_day(shelf.until)} by {shelf.by}: {shelf.why}"
    if alarm.inhibition == "paused":
        return "paused"
    if alarm.signal == "acknowledged":
        return f"acknowledged by {alarm.acknowledged.by if alarm.acknowledged else 'nobody'}"
    if alarm.signal == "latched":
        return f"over, not acknowledged{', sounds' if alarm.priority == 'high' else ''}"
    if alarm.signal == "on":
        return "sounds"
    by = f" ({alarm.ended_by})" if alarm.ended_by else ""
    return f"ended: {alarm.end_reason}{by}" if alarm.end_reason else "pending"
