"""States that the monitor answers with, as far as commands show them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from icu.alarms.conditions import Priority
from icu.alarms.episodes import Inhibition, Presence, Signal
from icu.alarms.limits import ConditionLimits
from icu.alarms.statistics import Statistics


class Silence(Struct, frozen=True):
    """Pause or standby of a bed."""

    by: str
    until: datetime


class Bed(Struct, frozen=True):
    """Bed of a patient."""

    patient_uuid: UUID
    bed: str | None
    paused: Silence | None
    standby: Silence | None


class Beds(Struct, frozen=True):
    """Beds that one command was about."""

    beds: Sequence[Bed]


class WardState(Struct, frozen=True):
    """Ward: its beds, and whether it is watched."""

    name: str
    time: datetime
    trouble: str | None
    # None: no sink has ever been there.
    heartbeat_age_seconds: float | None
    taken: Sequence[Bed]


class Named(Struct, frozen=True):
    """Patient of `GET /patients`."""

    uuid: UUID
    name: str | None


class Entered(Struct, frozen=True):
    """Inputs of NEWS2 that people enter, or that are assumed."""

    oxygen: bool
    consciousness: str
    scale: int
    # None: nobody has entered them.
    by: str | None


class News2(Struct, frozen=True):
    """NEWS2 of a patient. Without a total there is a partial sum."""

    total: int | None
    partial: int | None
    category: str | None
    missing: Sequence[str]
    entered: Entered


class Acknowledged(Struct, frozen=True):
    """Acknowledgement of an alarm."""

    by: str


class Shelved(Struct, frozen=True):
    """Silence of one alarm."""

    by: str
    until: datetime
    why: str


class Alarm(Struct, frozen=True):
    """Alarm of a patient, or of the ward."""

    id: UUID
    patient_uuid: UUID | None
    condition: str
    priority: Priority
    presence: Presence
    signal: Signal
    inhibition: Inhibition
    raised: datetime | None
    end_reason: str | None
    ended_by: str | None
    value: float | None
    limit: float | None
    worst: float | None
    late: bool
    unanswered: bool
    seen: int
    acknowledged: Acknowledged | None
    shelved: Shelved | None


class LimitsState(Struct, frozen=True):
    """Limits of the ward, or overrides of a patient."""

    version: int
    conditions: Mapping[str, ConditionLimits]
    in_force: Mapping[str, ConditionLimits]
    by: str | None
    at: datetime | None
    refused: Sequence[str]


class WardStatistics(Statistics, frozen=True, kw_only=True):
    """Statistics of the alarms of a span of time."""

    begin: datetime
    end: datetime
    # What is not known, and why.
    absent: Sequence[str]
