"""Routes of commands about a bed, and about all that sound."""

from typing import Annotated, Final, TypeAlias

from litestar import post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta

from icu.monitor.commands.routing import Command, author_of, command
from icu.monitor.metrics import PatientUuid
from icu.monitor.queries import AnyRequest
from icu.store.commands import beds
from icu.store.commands.door import Door
from icu.store.commands.states import Bed, Beds

Seconds: TypeAlias = Annotated[float, Meta(description="120 at most", examples=[120])]


class Pause(Command, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Silence of a bed, or of the ward."""

    seconds: Seconds


class Admission(Command, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Admission of a patient."""

    bed: Annotated[
        str | None,
        Meta(
            description=f"Label of the bed, up to {beds.LONGEST_LABEL} characters; without it the present one, or the "
            "lowest free number",
            examples=["7"],
        ),
    ] = None


@post("/patient/{patient_uuid:uuid}/pause", **command(summary="Silence a bed for some seconds", tags=["alarms"]))
async def pause(
    request: AnyRequest, patient_uuid: PatientUuid, data: JSONBody[Pause], door: NamedDependency[Door]
) -> Bed:
    """Its alarms are shown, but silent. An alarm of a higher priority than those, or a new high one, sounds."""
    return await beds.pause(door, patient_uuid, author_of(request, data.by), seconds=data.seconds)


@post("/ward/silence", **command(summary="Silence all beds that sound now", tags=["alarms"]))
async def silence(request: AnyRequest, data: JSONBody[Pause], door: NamedDependency[Door]) -> Beds:
    """Each as by a pause of its own; the answer holds these beds."""
    return await beds.silence(door, author_of(request, data.by), seconds=data.seconds)


@post("/patient/{patient_uuid:uuid}/standby", **command(summary="Stop watching a bed for a while", tags=["alarms"]))
async def standby(
    request: AnyRequest, patient_uuid: PatientUuid, data: JSONBody[Command], door: NamedDependency[Door]
) -> Bed:
    """Its alarms end. It ends with the first reading after a silence, by `admit`, or after 4 hours."""
    return await beds.standby(door, patient_uuid, author_of(request, data.by))


@post("/patient/{patient_uuid:uuid}/admit", **command(summary="Watch a patient, in this bed", tags=["alarms"]))
async def admit(
    request: AnyRequest, patient_uuid: PatientUuid, data: JSONBody[Admission], door: NamedDependency[Door]
) -> Bed:
    """Also gives another bed, and ends a standby; 409 for a bed that is taken."""
    return await beds.admit(door, patient_uuid, author_of(request, data.by), bed=data.bed)


@post("/patient/{patient_uuid:uuid}/discharge", **command(summary="Watch a patient no more", tags=["alarms"]))
async def discharge(
    request: AnyRequest, patient_uuid: PatientUuid, data: JSONBody[Command], door: NamedDependency[Door]
) -> Bed:
    """The alarms end, and the bed is free. A newer reading brings the patient back."""
    return await beds.discharge(door, patient_uuid, author_of(request, data.by))


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (pause, silence, standby, admit, discharge)
