"""Durable records of what is watched: an episode of a condition, and the state of a bed, rows of the store's tables.

Times are integers: milliseconds since 1970 UTC. Those of the condition (onset, due, raised, ended) run in the sender's
time, those of people (pause, shelf, reminder) in the server's. Values are hundredths of the sign's unit. Each change
raises `version`, with which the store compares and sets.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias
from uuid import UUID, uuid5

from msgspec import Struct, field

from icu.alarms.conditions import CONDITIONS, Condition, Priority

# pending: beyond a limit, its delay is not over. clearing: inside again, its off-delay is not over.
Presence: TypeAlias = Literal["absent", "pending", "present", "clearing"]
# latched: the condition has ended, and nobody has acknowledged it.
Signal: TypeAlias = Literal["off", "on", "acknowledged", "latched"]
# paused: the bed is, and this alarm is not above what was paused. Silent, but shown.
Inhibition: TypeAlias = Literal["none", "shelved", "paused"]
EndReason: TypeAlias = Literal[
    # Its delay was never over: it was never raised.
    "suppressed",
    "itself",
    "acknowledged",
    "limits changed",
    "discharged",
    "transferred",
    "standby",
]


class Acknowledgement(Struct, frozen=True):
    """Acknowledgement by a person."""

    # Name as typed.
    by: str
    at: int
    why: str | None = None


class Shelf(Struct, frozen=True):
    """Silence of one alarm, with an end."""

    until: int
    by: str
    why: str
    # Milliseconds that were granted, from which a restart limits what is left.
    length: int


class Episode(Struct, frozen=True, kw_only=True):
    """One episode of a condition of a patient: presence, signal and inhibition, and what people need to know of it.

    The store has at most one that is open for each patient and condition. `raised` is None until it was an alarm.
    """

    # Identity in the API and on the topic: see `episode_id`.
    id: UUID
    patient: UUID
    # Name of the condition: `spo2.low`.
    condition: str
    # Rises with each change of a field.
    version: int = 1

    presence: Presence = "pending"
    signal: Signal = "off"
    inhibition: Inhibition = "none"

    # Number of the tier that was raised, in the condition's tiers. -1: none.
    tier: int = -1
    # By tier: first value beyond it, if it is beyond now. Sender's time.
    onsets: tuple[int | None, ...]
    # By tier: end of its delay. None once it is raised.
    dues: tuple[int | None, ...]
    # Start of the time inside the limits, and end of the off-delay. Sender's time.
    clearing_since: int | None = None
    clearing_due: int | None = None
    # Start of the flagged or absent values that hold the deadlines up, and how far those of a pending were moved. ms.
    blind_since: int | None = None
    blind_total: int = 0

    # First value beyond the limit. Sender's time.
    onset: int
    raised: int | None = None
    # End of the condition itself. Of a latched one, `ended` is when it was acknowledged, in the server's time.
    ceased: int | None = None
    ended: int | None = None
    end_reason: EndReason | None = None
    # Person by whose command it ended.
    ended_by: str | None = None

    # Value that raised it, or its present tier; None if the condition has no limit.
    value: int | None = None
    # Limit that it was beyond, and the versions of the ward's and the patient's limits.
    limit: int | None = None
    ward_limits: int = 0
    patient_limits: int = 0
    # Value that is furthest beyond the limit.
    worst: int | None = None
    # Time of the last valid value, while there is none.
    last_valid_at: int | None = None
    # True if it was found in a backlog: raised later than a live reading would have been.
    late: bool = False
    # How often it was raised again while it was latched.
    repeats: int = 0

    # Server's time at which it was first heard. None: never yet, since its bed was paused, or it is shelved or history.
    sounded: int | None = None
    # Rises when it is raised, escalates, sounds again or ends. A command names the one that its author saw.
    seen: int = 0
    acknowledged: Acknowledgement | None = None
    # Server's time at which an acknowledged alarm sounds again.
    reminder_due: int | None = None
    # Server's time at which an alarm that sounds is unanswered, and True from then on.
    unanswered_due: int | None = None
    unanswered: bool = False
    shelved: Shelf | None = None

    @property
    def definition(self) -> Condition:
        """Entry of the condition in the catalogue."""
        return CONDITIONS[self.condition]

    @property
    def priority(self) -> Priority:
        """Priority of the raised tier; of the worst tier that is pending, if none was raised."""
        tiers = self.definition.tiers
        if self.tier >= 0:
            return tiers[self.tier].priority
        return tiers[max((number for number, each in enumerate(self.onsets) if each is not None), default=0)].priority

    @property
    def is_open(self) -> bool:
        """True until it has ended."""
        return self.ended is None

    @property
    def is_active(self) -> bool:
        """True while `GET /alarms` lists it: present, clearing or latched."""
        return self.ended is None and (self.presence in {"present", "clearing"} or self.signal == "latched")

    @property
    def is_audible(self) -> bool:
        """True while it sounds: high alarms also while they are latched."""
        if self.inhibition != "none":
            return False
        return self.signal == "on" or (self.signal == "latched" and self.priority == "high")


class Pause(Struct, frozen=True):
    """Silence of the alarms of a bed, with an end."""

    until: int
    by: str
    length: int
    # Highest priority that sounded when it began, or that a pause had silenced by then; a higher one sounds.
    # None: there was none.
    highest: Priority | None = None


class Standby(Struct, frozen=True):
    """Time in which a bed is not watched: the patient is away."""

    since: int
    until: int
    by: str
    length: int


class BedState(Struct, frozen=True, kw_only=True):
    """State of a bed, of one patient, that belongs to no episode."""

    patient: UUID
    version: int = 0
    # Watched from then on, in the server's time. None: discharged.
    admitted: int | None = None
    # Watched again from then on, after a standby or a discharge, in the sender's time: what was not seen before is no
    # loss.
    watched_from: int | None = None
    # Server's time of that, where no reading was the reason: the silence before was meant.
    watched_since: int | None = None
    # Newest reading when the patient was discharged, in the sender's time: only a newer one brings the patient back.
    discharged_at: int | None = None
    # Label of the bed. None: none was given.
    bed: str | None = None
    paused: Pause | None = None
    standby: Standby | None = None
    # Shelves of conditions whose episode has ended meanwhile: the next one takes it over.
    shelves: Mapping[str, Shelf] = field(default_factory=dict)
    # Server's time at which the sender's clock was last set back: readings that arrived before have other times.
    clock_set_at: int | None = None
    # Names of the signs that this patient had. Only these can be missed.
    had: tuple[str, ...] = ()

    @property
    def is_watched(self) -> bool:
        """True while alarms of the patient can be raised."""
        return self.admitted is not None and self.standby is None


def episode_id(patient: UUID, condition: str, onset: int, opened: int, *more: int) -> UUID:
    """Derive the identity of an episode: the same when the same reading is evaluated again.

    Args:
        patient: UUID of the patient. For `ward.blind`, the nil one.
        condition: Name of the condition.
        onset: First time beyond the limit, in the sender's time. For `ward.blind`, the heartbeat's last time.
        opened: Arrival of that reading: a sender whose clock was set back meets its own times again. For `ward.blind`,
            0.
        more: Time that the last reading states, for readings ahead of their arrival share their onset; versions of the
            limits, for they may change twice in a millisecond. For `ward.blind`, none.
    """
    return uuid5(patient, "/".join(map(str, (condition, onset, opened, *more))))
