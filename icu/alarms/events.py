"""Events of alarms, as programs outside this one receive them."""

from msgspec import Raw, Struct

from icu.alarms.effects import EventKind


class AlarmEvent(Struct, frozen=True, kw_only=True):
    """Event of one alarm: the message on the topic of alarms, as JSON.

    It is delivered at least once. A consumer drops those whose pair of alarm and version it has seen.
    """

    # Rises with each event of a database.
    sequence: int
    # Id of the alarm.
    alarm: str
    # Rises with each change of the alarm.
    version: int
    event: EventKind
    # None for an alarm of the whole ward.
    patient_uuid: str | None
    # The alarm as `GET /alarms` serves it.
    episode: Raw
