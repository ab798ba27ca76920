"""Default limits for adults, each with its source; "own" is a choice of this project. All can be set.

Sources: Mindray TMS60 p. 9-4, TM80 p. 12-5, DPM4 p. 10-31; Contec CMS8000 p. 85; LIFEPAK 15; GE V100 p. 5-5; Draeger
M540 p. 83 and 111, V24CT; Edan M8 p. 118; Philips EarlyVue p. 108, MX40 p. 4-14.
No claim of conformity with IEC 60601-1-8 is made.
"""

from typing import Final

from icu.alarms.conditions import Priority
from icu.alarms.limits import ConditionLimits, Limits

# Milliseconds. Unanswered, by priority (own). Low alarms need no answer.
UNANSWERED: Final[dict[Priority, int]] = {"high": 60_000, "medium": 180_000}
# Until an acknowledged alarm that is still present sounds again: Draeger V24CT.
REMINDER: Final = 180_000
# Longest pause of a bed: Draeger M540 p. 83.
LONGEST_PAUSE: Final = 120_000
# Shelf: usual, and longest (own).
USUAL_SHELF: Final = 600_000
LONGEST_SHELF: Final = 3_600_000
# Longest standby of a bed (own).
LONGEST_STANDBY: Final = 4 * 3_600_000
# Age of a cuff's measurement from which it is old.
BP_OLD: Final = 1_800_000
# A patient who was not heard for so long when the engine starts is discharged without an alarm (own).
FORGOTTEN: Final = 24 * 3_600_000
# Blind time that moves a pending alarm, in all.
LONGEST_FREEZE: Final = 30_000


def _two(medium: float, high: float, *, delays: tuple[float, float], off: float, by: float) -> ConditionLimits:
    return ConditionLimits({"medium": medium, "high": high}, {"medium": delays[0], "high": delays[1]}, off, by)


def _one(priority: Priority, value: float | None, *, delay: float, off: float, by: float) -> ConditionLimits:
    return ConditionLimits({priority: value}, {priority: delay}, off, by)


# Delays of pressures are those of an arterial line: a cuff's measurement counts at once.
WARD: Final = Limits(
    0,
    {
        # One unflagged 0: Draeger M540.
        "asystole": _one("high", 0, delay=0, off=5, by=0),
        # 50 and 120: Mindray TMS60, Contec. 40 and 150: LIFEPAK 15, GE V100; 40 scores 3 in NEWS2.
        "pulse.low": _two(50, 40, delays=(4, 4), off=5, by=3),
        "pulse.high": _two(120, 150, delays=(4, 4), off=5, by=3),
        # 10 to 40 s: Edan, Mindray DPM4.
        "apnoea": _one("high", 0, delay=20, off=5, by=0),
        # LIFEPAK 15; delay: Draeger.
        "resp_rate.low": _one("medium", 8, delay=14, off=10, by=2),
        "resp_rate.high": _one("medium", 30, delay=14, off=10, by=2),
        # Mindray TM80, Contec, GE V100. A delay of 15 s removes 60 % of the alarms (Rheineck); latching: EarlyVue.
        "spo2.low": _two(90, 80, delays=(15, 10), off=10, by=1),
        # 60 and 110: Mindray TM80; delays: Draeger; 50: own.
        "map.low": _two(60, 50, delays=(4, 4), off=10, by=3),
        "map.high": _one("medium", 110, delay=10, off=10, by=3),
        # Mindray TM80.
        "systolic.low": _one("medium", 90, delay=4, off=10, by=4),
        "systolic.high": _one("medium", 160, delay=10, off=10, by=4),
        # Off: 12.8 % of real hours lie below 50, and the mean covers it. Mindray TM80 has 50 and 90.
        "diastolic.low": _one("low", None, delay=4, off=10, by=4),
        "diastolic.high": _one("low", None, delay=10, off=10, by=4),
        # LIFEPAK 15.
        "temperature.low": _one("low", 35.0, delay=60, off=60, by=0.2),
        "temperature.high": _one("low", 39.0, delay=60, off=60, by=0.2),
    },
)
