"""The HTTP face of one child: who lies in its beds, what the monitors show, what is true, and what is to happen."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from litestar import Litestar, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import Tag
from litestar.params import JSONBody, PathParameter
from msgspec import UNSET, Meta, Struct
from prometheus_client import CollectorRegistry

from icu.http.face import face
from icu.http.health import Health
from icu.http.problems import documented
from icu.messages import Observation, Served
from icu.patient.body.population import CONDITIONS
from icu.patient.errors import NotReadyError
from icu.patient.patients import EmulatedPatients

PatientUuid: TypeAlias = Annotated[UUID, PathParameter(description="A uuid of `GET /patients`")]

TAGS: Final = ["bedside"]


class Occupant(Struct, frozen=True):
    """Who lies in a bed."""

    uuid: Annotated[UUID, Meta(description="What the patient is known by everywhere")]
    name: Annotated[str, Meta(description="As the settings have it", examples=["Anna Petrova"])]


if TYPE_CHECKING:

    class Current(Served, frozen=True, kw_only=True):
        """As below."""

        patient_uuid: UUID

else:
    # The patient stands first in the answer. In a subclass it would be the last.
    Current = msgspec.defstruct(
        "Current",
        [
            ("patient_uuid", Annotated[UUID, Meta(description="Whose it is")]),
            *((each.name, each.type, each.default) for each in msgspec.structs.fields(Served)),
        ],
        frozen=True,
        namespace={
            "__doc__": "What the monitor shows: the observation that was made last. A sign that was not measured is "
            "null."
        },
    )

_OPTIONAL: Final = frozenset(each.name for each in msgspec.structs.fields(Served) if not each.required)


class State(Struct, frozen=True):
    """What no monitor tells: what really goes on in a simulated patient. Texts are empty where there is nothing."""

    patient_uuid: Annotated[UUID, Meta(description="Whose it is")]
    timestamp: Annotated[
        datetime | None, Meta(description="Of the reading that it stands beside; null before the first")
    ]
    scenario: Annotated[
        str, Meta(description="What befalls the patient; empty where nothing does", examples=["sepsis"])
    ]
    phase: Annotated[str, Meta(description="How far that has come; empty where nothing befalls the patient")]
    event: Annotated[str, Meta(description="What staff did and still shows; empty where it was nothing")]
    age: Annotated[int, Meta(description="Years", examples=[67])]
    sex: Annotated[Literal["female", "male"], Meta(description="As it is on the chart")]
    condition: Annotated[
        str,
        Meta(
            description="What the patient came for",
            extra_json_schema={"extra": {"enum": [each.name for each in CONDITIONS]}},
        ),
    ]


class Choice(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to befall a patient: the name of a scenario; `stable` ends whatever does."""

    scenario: Annotated[
        str,
        Meta(
            description="Its name, as `python -m icu scenarios` lists them; stable ends whatever goes on",
            examples=["fever"],
        ),
    ]


@get("/patients", summary="Who lies in these beds", tags=TAGS, responses=documented(400, 503))
async def occupants(patients: NamedDependency[EmulatedPatients]) -> list[Occupant]:
    """All patients of this child."""
    return [Occupant(each.uuid, each.name) for each in patients.identities]


@get(
    "/patient/{patient_uuid:uuid}/current",
    summary="What a monitor shows now",
    tags=TAGS,
    responses=documented(400, 404, 503),
)
async def current_of(patient_uuid: PatientUuid, patients: NamedDependency[EmulatedPatients]) -> Current:
    """The latest reading; 503 before the first."""
    return _current(patients.latest(patient_uuid))


@get(
    "/patient/{patient_uuid:uuid}/truth",
    summary="What really goes on",
    tags=TAGS,
    responses=documented(400, 404, 409, 503),
)
async def truth_of(patient_uuid: PatientUuid, patients: NamedDependency[EmulatedPatients]) -> State:
    """A label for algorithms; 409 for a recording."""
    return _state(patients, patient_uuid)


@post(
    "/patient/{patient_uuid:uuid}/scenario",
    status_code=200,
    summary="Let a scenario befall a patient",
    tags=TAGS,
    responses=documented(400, 403, 404, 409, 413, 415, 503),
)
async def befall(
    patient_uuid: PatientUuid, data: JSONBody[Choice], patients: NamedDependency[EmulatedPatients]
) -> State:
    """It begins at once, in place of what goes on; 404 for an unknown scenario, 409 for a recording."""
    patients.begin_scenario(patient_uuid, data.scenario)
    return _state(patients, patient_uuid)


@get("/", summary="Who lies in this bed", tags=TAGS, responses=documented(400, 503))
async def occupant(patients: NamedDependency[EmulatedPatients]) -> Occupant:
    """The patient's identity."""
    return Occupant(*patients.identities[0])


@get("/current", summary="What the monitor shows now", tags=TAGS, responses=documented(400, 503))
async def current(patients: NamedDependency[EmulatedPatients]) -> Current:
    """The latest reading; 503 before the first."""
    return _current(patients.latest(patients.identities[0].uuid))


@get("/truth", summary="What really goes on in this bed", tags=TAGS, responses=documented(400, 409, 503))
async def truth(patients: NamedDependency[EmulatedPatients]) -> State:
    """A label for algorithms; 409 for a recording."""
    return _state(patients, patients.identities[0].uuid)


@post(
    "/scenario",
    status_code=200,
    summary="Let a scenario befall this patient",
    tags=TAGS,
    responses=documented(400, 403, 404, 409, 413, 415, 503),
)
async def befall_here(data: JSONBody[Choice], patients: NamedDependency[EmulatedPatients]) -> State:
    """As for a patient of many."""
    uuid = patients.identities[0].uuid
    patients.begin_scenario(uuid, data.scenario)
    return _state(patients, uuid)


_DESCRIPTION: Final = (
    "Emulated or replayed patients, each beside a bedside monitor. What it shows is also sent to the ward; the truth, "
    "and scenarios, are only here. Not a medical device."
)

_OF_ALL: Final[Sequence[HTTPRouteHandler]] = (occupants, current_of, truth_of, befall)
_OF_ONE: Final[Sequence[HTTPRouteHandler]] = (occupant, current, truth, befall_here)


def create_app(
    *,
    patients: EmulatedPatients,
    health: Health,
    registry: CollectorRegistry,
    version: str,
    cors_origins: Sequence[str] = (),
    hosts: Sequence[str] | None = None,
) -> Litestar:
    """Build the application of these patients. A single patient has the short paths too."""
    alone = len(patients.identities) == 1
    return face(
        title=f"Bedside monitor of {patients.identities[0].name}" if alone else "Bedside monitors",
        description=_DESCRIPTION,
        tags=[Tag("bedside", "Who lies here, what the monitor shows, what is true, and what is to happen")],
        version=version,
        handlers=[*_OF_ALL, *(_OF_ONE if alone else ())],
        health=health,
        registry=registry,
        cors_origins=cors_origins,
        hosts=hosts,
        dependencies={"patients": patients},
    )


def _current(latest: Observation | None) -> Current:
    if latest is None:
        raise NotReadyError("nothing was measured yet: ask again in a moment")
    shown = {name: getattr(latest, name) for name in Served.__struct_fields__}
    absent = {name: UNSET for name in _OPTIONAL if shown[name] is None}
    return Current(patient_uuid=latest.patient_uuid, **shown | absent)


def _state(patients: EmulatedPatients, uuid: UUID) -> State:
    latest = patients.latest(uuid)
    return State(uuid, None if latest is None else latest.timestamp, *patients.truth(uuid))
