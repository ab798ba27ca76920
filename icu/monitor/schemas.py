"""Responses of the API, beside the store's own Reading."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from icu.alarms.conditions import Priority
from icu.alarms.episodes import Signal
from icu.monitor.freshness import Behind
from icu.monitor.news2.answers import ListedScore
from icu.store.commands.states import Silence
from icu.store.readings import Reading
from icu.vitals.catalogue import DIASTOLIC, MAP, PULSE, RESP_RATE, SPO2, SYSTOLIC, TEMPERATURE, Sign


class WorstAlarm(Struct, frozen=True):
    """The most urgent alarm of a patient."""

    id: Annotated[UUID, Meta(description="As in `GET /alarms`")]
    condition: Annotated[str, Meta(description="Sign and direction, or one word", examples=["spo2.low"])]
    priority: Annotated[Priority, Meta(description="The highest that it had")]
    signal: Annotated[Signal, Meta(description="`on`: it sounds, unless silenced; `latched`: over, and unseen")]
    since: Annotated[datetime, Meta(description="When it was raised, by the sender's clock")]


class PatientSummary(Struct, frozen=True):
    """A patient in the list."""

    uuid: Annotated[UUID, Meta(description="What the patient is known by everywhere")]
    name: Annotated[
        str | None, Meta(description="As the sender says; null from a sender that says none", examples=["Anna Petrova"])
    ]
    bed: Annotated[str | None, Meta(description="Label; null for those who are discharged", examples=["7"])]
    paused: Annotated[Silence | None, Meta(description="The alarms of the bed are silent; null if not")]
    standby: Annotated[Silence | None, Meta(description="The bed is not watched; null if it is")]
    alarm: Annotated[WorstAlarm | None, Meta(description="The first of `GET /alarms?patient=`, `ward.blind` aside")]
    news2: Annotated[
        ListedScore | None,
        Meta(
            description="Of `GET /patient/{uuid}/news2`. Null with the age, and where the latest reading is not "
            "the newest, because the sender's clock was ahead: ask that route"
        ),
    ]
    latest: Annotated[Reading | None, Meta(description="As `/metrics/latest` has it; null before the first")]
    latest_age_seconds: Annotated[
        float | None,
        Meta(
            description="Since the latest reading arrived: how fresh it is, whatever the sender's clock says. Null "
            "before the first, and where nobody can tell, because the clock was set back: take it for stale",
            examples=[2.5],
        ),
    ]
    stale: Annotated[
        bool | None,
        Meta(
            description="True where so many readings are missing that something is wrong: three intervals of the "
            "sender, at least 15 s, or nothing comes from anybody. Null with the age",
            examples=[False],
        ),
    ]
    behind: Annotated[
        Behind | None,
        Meta(
            description="What is behind where `stale` is true: the sink or the transport, for all patients, or else "
            "the patient's own monitor"
        ),
    ]


class PatientName(Struct, frozen=True):
    """A patient who is new, or has another name."""

    uuid: Annotated[UUID, Meta(description="What the patient is known by everywhere")]
    name: Annotated[
        str | None, Meta(description="As the sender says; null from a sender that says none", examples=["Anna Petrova"])
    ]


class Statistics(Struct, frozen=True, gc=False):
    """Values of a sign in a bucket, but for the doubtful ones. Without any, all but the numbers are null."""

    count: Annotated[int, Meta(ge=0, description="Values that nothing is said of", examples=[12])]
    min: Annotated[float | None, Meta(description="The least of them", examples=[71])]
    mean: Annotated[float | None, Meta(description="Their mean, to the hundredth", examples=[72.25])]
    max: Annotated[float | None, Meta(description="The greatest of them", examples=[74])]
    flagged: Annotated[
        int, Meta(ge=0, description="Values beside these of which `quality` says something", examples=[0])
    ]


def _statistics_of(sign: Sign) -> Meta:
    return Meta(description=f"{sign.title}, {sign.unit}")


class Bucket(Struct, frozen=True, gc=False):
    """Statistics of the readings from `timestamp` on, for as long as `every` says."""

    timestamp: Annotated[
        datetime,
        Meta(
            description="Its beginning, UTC: a whole multiple of `every` since 1970", examples=["2026-01-31T12:00:00Z"]
        ),
    ]
    pulse: Annotated[Statistics, _statistics_of(PULSE)]
    resp_rate: Annotated[Statistics, _statistics_of(RESP_RATE)]
    systolic: Annotated[Statistics, _statistics_of(SYSTOLIC)]
    diastolic: Annotated[Statistics, _statistics_of(DIASTOLIC)]
    spo2: Annotated[Statistics, _statistics_of(SPO2)]
    temperature: Annotated[Statistics, _statistics_of(TEMPERATURE)]
    # Absent where none was measured.
    map: Annotated[Statistics | UnsetType, _statistics_of(MAP)] = UNSET


# Values of the supervisor's own ChildState, which this room does not import.
ChildState: TypeAlias = Literal[
    "pending", "starting", "running", "waiting", "degraded", "backoff", "stopping", "stopped", "exited", "failed"
]


class ChildStatus(Struct, frozen=True):
    """A child of the supervisor."""

    id: Annotated[str, Meta(description="As in the settings, or made from its role", examples=["sink", "bed-1"])]
    state: Annotated[
        ChildState,
        Meta(
            description="waiting: it goes on by itself once what `detail` names is there; degraded: somebody has to "
            "mend what `detail` names; backoff: it died, and will be started again"
        ),
    ]
    restarts: Annotated[int, Meta(ge=0, description="Since somebody started it")]
    uptime: Annotated[float, Meta(ge=0, description="Seconds since it started; 0 while it does not run")]
    detail: Annotated[str | None, Meta(description="What is degraded, what it waits for, or where it is served")]
    last_error: Annotated[str | None, Meta(description="What it last died of")]
    children: Annotated[Sequence["ChildStatus"], Meta(description="Its own children, where it is a supervisor")]
