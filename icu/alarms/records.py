"""Records of a span of time, from which its statistics are computed."""

from collections.abc import Mapping
from typing import Literal, NamedTuple
from uuid import UUID

from icu.alarms.episodes import Episode


class Record(NamedTuple):
    """An alarm with what its episode does not know."""

    episode: Episode
    # Server's time at which it was first heard. None: never, since its bed was paused, or it was shelved or history.
    sounded: int | None


class Bed(NamedTuple):
    """Time of one patient, in milliseconds."""

    patient: UUID
    # Admitted, and not in standby.
    watched: int
    # With valid data. None: not known.
    monitored: int | None
    # By field of a reading: flagged or absent, of a patient who had the sign. None: not known.
    flagged: Mapping[str, int] | None


class Silence(NamedTuple):
    """Pause of a bed, or shelf of an alarm."""

    kind: Literal["pause", "shelf"]
    by: str
    # Milliseconds that it lasted.
    length: int


class LimitChange(NamedTuple):
    """Change of the limits."""

    # None: the ward's.
    patient: UUID | None
    by: str
