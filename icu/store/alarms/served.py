"""Alarms as the API and the topic serve them: an episode in words, times and units."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta, Struct

from icu.alarms.conditions import CONDITIONS, Kind, Priority
from icu.alarms.episodes import EndReason, Episode, Inhibition, Presence, Signal
from icu.store.readings import from_milliseconds, to_value


class Acknowledged(Struct, frozen=True):
    """Acknowledgement of an alarm."""

    by: Annotated[str, Meta(description="Name as typed: nobody has checked it")]
    at: Annotated[datetime, Meta(description="When, by the server's clock")]
    why: Annotated[str | None, Meta(description="Reason, as typed")]


class Shelved(Struct, frozen=True):
    """Silence of one alarm."""

    by: Annotated[str, Meta(description="Name as typed: nobody has checked it")]
    until: Annotated[datetime, Meta(description="End, by itself")]
    why: Annotated[str, Meta(description="Reason, as typed")]


class Alarm(Struct, frozen=True, kw_only=True):
    """Episode of a condition of a patient, or of the ward."""

    id: Annotated[UUID, Meta(description="Of this episode")]
    patient_uuid: Annotated[UUID | None, Meta(description="Null for the ward's own alarm, `ward.blind`")]
    condition: Annotated[
        str,
        Meta(description="Sign and direction, or one word", extra_json_schema={"extra": {"enum": list(CONDITIONS)}}),
    ]
    kind: Annotated[Kind, Meta(description="physiological: about the patient; technical: about the watching")]
    priority: Annotated[Priority, Meta(description="Of the worst tier that was raised")]
    presence: Annotated[Presence, Meta(description="Of the condition: pending until its delay is over")]
    signal: Annotated[Signal, Meta(description="latched: the condition has ended, and nobody has acknowledged it")]
    inhibition: Annotated[Inhibition, Meta(description="Why it is silent: shelved itself, or the bed paused")]
    onset: Annotated[datetime, Meta(description="First value beyond the limit, by the sender's clock")]
    raised: Annotated[datetime | None, Meta(description="Null while it is pending")]
    ended: Annotated[datetime | None, Meta(description="Null while it is open")]
    end_reason: Annotated[EndReason | None, Meta(description="Null while it is open")]
    ended_by: Annotated[str | None, Meta(description="Person whose command ended it")]
    value: Annotated[float | None, Meta(description="Value that raised it, in the sign's unit")]
    limit: Annotated[float | None, Meta(description="Limit that it was beyond")]
    worst: Annotated[float | None, Meta(description="Value that was furthest beyond it")]
    last_valid_at: Annotated[datetime | None, Meta(description="Time of the last valid value, while there is none")]
    late: Annotated[bool, Meta(description="True if it was found in a backlog")]
    repeats: Annotated[int, Meta(ge=0, description="How often it was raised again while it was latched")]
    unanswered: Annotated[bool, Meta(description="True if it has sounded for too long")]
    seen: Annotated[int, Meta(ge=0, description="To send back with a command: it rises with each sounding and the end")]
    version: Annotated[int, Meta(ge=0, description="Rises with each change")]
    acknowledged: Annotated[Acknowledged | None, Meta(description="By whom; null if by nobody")]
    shelved: Annotated[Shelved | None, Meta(description="By whom; null if by nobody")]


def alarm_of(episode: Episode) -> Alarm:
    """Return the alarm to serve for an episode."""
    same: dict[str, Any] = {name: getattr(episode, name) for name in _SAME}
    times: dict[str, Any] = {name: _time(getattr(episode, name)) for name in _TIMES}
    values: dict[str, Any] = {name: to_value(getattr(episode, name)) for name in ("value", "limit", "worst")}
    acknowledged, shelved = episode.acknowledged, episode.shelved
    return Alarm(
        **same,
        **times,
        **values,
        patient_uuid=episode.patient if episode.patient.int else None,
        onset=from_milliseconds(episode.onset),
        kind=episode.definition.kind,
        acknowledged=None
        if acknowledged is None
        else Acknowledged(acknowledged.by, from_milliseconds(acknowledged.at), acknowledged.why),
        shelved=None if shelved is None else Shelved(shelved.by, from_milliseconds(shelved.until), shelved.why),
    )


# Fields that are served as they are, and as times.
_SAME: Final = (
    "id",
    "condition",
    "priority",
    "presence",
    "signal",
    "inhibition",
    "end_reason",
    "ended_by",
    "late",
    "repeats",
    "unanswered",
    "seen",
    "version",
)
_TIMES: Final = ("raised", "ended", "last_valid_at")


def _time(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_milliseconds(milliseconds)
