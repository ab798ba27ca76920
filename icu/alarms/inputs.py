"""Events that drive the machine of one condition. Times in milliseconds: `at` is the sender's, `now` the server's."""

from typing import TypeAlias
from uuid import UUID

from msgspec import Struct

from icu.alarms.episodes import EndReason, Pause, Shelf
from icu.alarms.rules import Rule


class Judged(Struct, frozen=True, gc=False):
    """Valid value, compared with the limits."""

    at: int
    now: int
    # Worst tier that it is beyond. -1: inside all.
    tier: int
    # True if it is inside all limits by the hysteresis.
    inside: bool
    # Hundredths. None: the condition has no value.
    value: int | None = None


class Blind(Struct, frozen=True, gc=False):
    """Reading in which the sign is flagged or absent."""

    at: int
    # Time of the last valid value.
    last_valid_at: int | None = None


class Held(Struct, frozen=True, gc=False):
    """Reading in which a worse condition stands in for this one: asystole for a low pulse."""

    at: int


class Elapsed(Struct, frozen=True, gc=False):
    """Time that has passed without a reading."""

    at: int
    now: int
    # Time from which the last value is too old to raise or end an alarm. Sender's time.
    fresh_until: int
    # Last value in hundredths, if it is valid.
    value: int | None = None


class Acknowledge(Struct, frozen=True, gc=False):
    """Command of a person: the alarm is seen."""

    by: str
    now: int
    # Field `seen` of the episode, as its author saw it.
    seen: int
    why: str | None = None


class Shelve(Struct, frozen=True, gc=False):
    """Command of a person: silence this alarm for a while."""

    by: str
    now: int
    seen: int
    why: str
    # Milliseconds.
    length: int


class Paused(Struct, frozen=True, gc=False):
    """The bed was paused: alarms that sound become silent."""


class Resumed(Struct, frozen=True, gc=False):
    """The pause of the bed is over."""

    now: int


class LimitsChanged(Struct, frozen=True, gc=False):
    """The settings have other limits than before."""

    at: int
    now: int
    # As of Elapsed.
    fresh_until: int
    # Worst tier beyond which the last value is now. None: it is not valid, or stale.
    tier: int | None
    by: str
    # True if the limits are this patient's, not the ward's.
    own: bool
    value: int | None = None


class Rebased(Struct, frozen=True, gc=False):
    """The sender's clock was set: its times go on from others."""

    # Milliseconds, negative if it was set back.
    shift: int


class Stopped(Struct, frozen=True, gc=False):
    """The patient is not watched any more."""

    at: int
    reason: EndReason
    by: str | None = None


Input: TypeAlias = (
    Judged | Blind | Held | Elapsed | Acknowledge | Shelve | Paused | Resumed | LimitsChanged | Rebased | Stopped
)


class Settings(Struct, frozen=True):
    """Circumstances of a condition that do not belong to its episode."""

    patient: UUID
    rule: Rule
    ward_limits: int = 0
    patient_limits: int = 0
    # Pause of the bed.
    pause: Pause | None = None
    # Shelf of the condition that outlived the last episode.
    shelf: Shelf | None = None
    # True in a backlog: alarms are evaluated in silence.
    silent: bool = False
    # Time that the last reading states. -1: there is none.
    reading: int = -1
