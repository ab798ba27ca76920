"""States that commands answer with, and that the audit keeps."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from icu.alarms.episodes import BedState
from icu.alarms.limits import ConditionLimits
from icu.store.readings import from_milliseconds

_TYPED = Meta(description="Name as typed: nobody has checked it")


class Silence(Struct, frozen=True):
    """Pause or standby of a bed."""

    by: Annotated[str, _TYPED]
    until: Annotated[datetime, Meta(description="End, by itself")]


class Bed(Struct, frozen=True):
    """Bed of a patient, and what people decided about it."""

    patient_uuid: Annotated[UUID, Meta(description="Whose it is")]
    bed: Annotated[str | None, Meta(description="Label; null after the discharge", examples=["7"])]
    admitted: Annotated[datetime | None, Meta(description="Watched since; null after the discharge")]
    paused: Annotated[Silence | None, Meta(description="Its alarms are silent")]
    standby: Annotated[Silence | None, Meta(description="It is not watched")]


class Beds(Struct, frozen=True):
    """Beds that one command was about."""

    beds: Annotated[Sequence[Bed], Meta(description="In the order in which the patients were first heard")]


class LimitsState(Struct, frozen=True):
    """Limits of the ward, or overrides of a patient."""

    version: Annotated[int, Meta(ge=0, description="To send back with a change; 0 before the first")]
    conditions: Annotated[Mapping[str, ConditionLimits], Meta(description="By name of the condition: `spo2.low`")]
    in_force: Annotated[
        Mapping[str, ConditionLimits], Meta(description="What holds: of a patient, the ward's beneath the overrides")
    ]
    by: Annotated[str | None, Meta(description="Name as typed: nobody has checked it; null before the first change")]
    at: Annotated[datetime | None, Meta(description="Of the last change; null before the first")]
    refused: Annotated[Sequence[str], Meta(description="Of automatic limits: signs whose limits stayed, and why")] = ()


class AllLimits(Struct, frozen=True):
    """Limits of all patients."""

    ward: Annotated[LimitsState, Meta(description="Of each patient that is not in `patients`")]
    patients: Annotated[Mapping[UUID, LimitsState], Meta(description="Of those with own limits, by uuid")]


class News2State(Struct, frozen=True):
    """Inputs of NEWS2 that no monitor measures."""

    oxygen: Annotated[bool, Meta(description="On supplemental oxygen")]
    consciousness: Annotated[Literal["alert", "confusion", "voice", "pain", "unresponsive"], Meta(description="ACVPU")]
    scale: Annotated[Literal[1, 2], Meta(description="Of the saturation")]
    by: Annotated[str, _TYPED]
    at: Annotated[datetime, Meta(description="When they were entered")]


def bed_of(state: BedState, *, now: int) -> Bed:
    """Return the bed to serve for a state. Silences that are over are left out."""
    paused, standby = state.paused, state.standby
    return Bed(
        state.patient,
        state.bed,
        None if state.admitted is None else from_milliseconds(state.admitted),
        Silence(paused.by, from_milliseconds(paused.until)) if paused and paused.until > now else None,
        Silence(standby.by, from_milliseconds(standby.until)) if standby and standby.until > now else None,
    )
