"""The HTTP face of one child: who lies in its beds, what the monitors show, what is true, and what is to happen."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from litestar import Litestar, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType
from prometheus_client import CollectorRegistry

from icu.errors import NotReadyError
from icu.messages import Observation, Quality
from icu.ops.health import Health
from icu.ops.http import face
from icu.ops.problems import documented
from icu.patient.beds import Beds


class Occupant(Struct, frozen=True):
    """Who lies in a bed."""

    uuid: UUID
    name: str


class Current(Struct, frozen=True):
    """What the monitor shows: the observation that was made last. A sign that was not measured is null."""

    patient_uuid: UUID
    timestamp: datetime
    pulse: float | None
    """Heart rate, /min."""
    resp_rate: float | None
    """/min."""
    bp: str | None
    """Systolic/diastolic, mm[Hg]."""
    spo2: float | None
    """%."""
    temperature: float | None
    """Cel."""
    map: float | UnsetType = UNSET
    """Mean arterial pressure, mm[Hg]; absent where it was not measured."""
    bp_measured_at: datetime | UnsetType = UNSET
    """When the pressure was measured; absent where that is the timestamp."""
    quality: Annotated[Quality | UnsetType, Meta(description="By sign, why its value is doubtful or absent")] = UNSET
    """Absent where no value is."""


class State(Struct, frozen=True):
    """What no monitor tells: what really goes on in a simulated patient. Texts are empty where there is nothing."""

    patient_uuid: UUID
    timestamp: datetime | None
    """Of the reading that it stands beside; null before the first."""
    scenario: str
    phase: str
    event: str
    """What staff did and still shows."""
    age: int
    """Years."""
    sex: str
    condition: str
    """What the patient came for."""


class Choice(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to befall a patient: the name of a scenario; `stable` ends whatever does."""

    scenario: str


@get("/patients", summary="Who lies in these beds", responses=documented(400))
async def occupants(beds: NamedDependency[Beds]) -> list[Occupant]:
    """All patients of this child."""
    return [Occupant(each.uuid, each.name) for each in beds.identities]


@get("/patient/{patient_uuid:uuid}/current", summary="What a monitor shows now", responses=documented(400, 404, 503))
async def current_of(patient_uuid: FromPath[UUID], beds: NamedDependency[Beds]) -> Current:
    """The latest reading; 503 before the first."""
    return _current(beds.latest(patient_uuid))


@get("/patient/{patient_uuid:uuid}/truth", summary="What really goes on", responses=documented(400, 404, 409))
async def truth_of(patient_uuid: FromPath[UUID], beds: NamedDependency[Beds]) -> State:
    """A label for algorithms; 409 for a recording."""
    return _state(beds, patient_uuid)


@post(
    "/patient/{patient_uuid:uuid}/scenario",
    status_code=200,
    summary="Let a scenario befall a patient",
    responses=documented(400, 403, 404, 409, 413, 415),
)
async def befall(patient_uuid: FromPath[UUID], data: JSONBody[Choice], beds: NamedDependency[Beds]) -> State:
    """It begins at once, in place of what goes on; 404 for an unknown scenario, 409 for a recording."""
    beds.befall(patient_uuid, data.scenario)
    return _state(beds, patient_uuid)


@get("/", summary="Who lies in this bed", responses=documented(400))
async def occupant(beds: NamedDependency[Beds]) -> Occupant:
    """The patient's identity."""
    return Occupant(*beds.identities[0])


@get("/current", summary="What the monitor shows now", responses=documented(400, 503))
async def current(beds: NamedDependency[Beds]) -> Current:
    """The latest reading; 503 before the first."""
    return _current(beds.latest(beds.identities[0].uuid))


@get("/truth", summary="What really goes on in this bed", responses=documented(400, 409))
async def truth(beds: NamedDependency[Beds]) -> State:
    """A label for algorithms; 409 for a recording."""
    return _state(beds, beds.identities[0].uuid)


@post(
    "/scenario",
    status_code=200,
    summary="Let a scenario befall this patient",
    responses=documented(400, 403, 404, 409, 413, 415),
)
async def befall_here(data: JSONBody[Choice], beds: NamedDependency[Beds]) -> State:
    """As for a patient of many."""
    uuid = beds.identities[0].uuid
    beds.befall(uuid, data.scenario)
    return _state(beds, uuid)


_OF_ALL: Final[Sequence[HTTPRouteHandler]] = (occupants, current_of, truth_of, befall)
_OF_ONE: Final[Sequence[HTTPRouteHandler]] = (occupant, current, truth, befall_here)


def create_app(
    *,
    beds: Beds,
    health: Health,
    registry: CollectorRegistry,
    version: str,
    cors_origins: Sequence[str] = (),
    hosts: Sequence[str] | None = None,
) -> Litestar:
    """Build the application of these beds. Where there is one bed, the short paths are its own too."""
    alone = len(beds.identities) == 1
    return face(
        title=f"Bedside monitor of {beds.identities[0].name}" if alone else "Bedside monitors",
        version=version,
        handlers=[*_OF_ALL, *(_OF_ONE if alone else ())],
        health=health,
        registry=registry,
        cors_origins=cors_origins,
        hosts=hosts,
        dependencies={"beds": beds},
    )


def _current(latest: Observation | None) -> Current:
    if latest is None:
        raise NotReadyError("nothing was measured yet: ask again in a moment")
    return Current(
        patient_uuid=latest.patient_uuid,
        timestamp=latest.timestamp,
        pulse=latest.pulse,
        resp_rate=latest.resp_rate,
        bp=latest.bp,
        spo2=latest.spo2,
        temperature=latest.temperature,
        map=UNSET if latest.map is None else latest.map,
        bp_measured_at=latest.bp_measured_at or UNSET,
        quality=latest.quality or UNSET,
    )


def _state(beds: Beds, uuid: UUID) -> State:
    latest = beds.latest(uuid)
    return State(uuid, None if latest is None else latest.timestamp, *beds.truth(uuid))
