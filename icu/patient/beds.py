"""Beds: where the observations of one patient come from, and when the next is due.

A bed outlives the emulator that serves it, so that a restarted one goes on where it was: with later timestamps, or with
the row of the recording that was not sent.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, runtime_checkable
from uuid import UUID

from icu.bounds import TICK, check_time
from icu.messages import SCHEMA_VERSION, Observation, key_of
from icu.patient.physiology import Physiology
from icu.patient.recordings.recording import Recording
from icu.vitals.signs import VitalSigns, format_blood_pressure


class Identity(NamedTuple):
    """Who lies in a bed."""

    uuid: UUID
    name: str

    @property
    def key(self) -> bytes:
        """What the patient's records are keyed by."""
        return key_of(self.uuid)


@runtime_checkable
class Bed(Protocol):
    """One patient. Times are seconds since its emulator began."""

    identity: Identity
    latest: Observation | None
    """The observation that was made last."""
    can_wait: bool
    """Whether time stands still for it while the outbox is full: for a recording, not for a patient."""

    def begin(self) -> None:
        """Note that an emulator begins, at 0 seconds."""
        ...

    def due(self) -> float | None:
        """When the next observation is to be sent; None after the last."""
        ...

    def observe(self, now: datetime) -> Observation:
        """The observation that is due. Asked again before `sent`, a recording answers the same."""
        ...

    def sent(self, observation: Observation, elapsed: float) -> int:
        """Go on to the next; returns how many were left out because their time has passed at `elapsed` seconds."""
        ...


class SimulatedBed:
    """A simulated patient: an observation at once, then one every `interval` seconds, as long as the emulator runs."""

    can_wait = False

    def __init__(self, identity: Identity, physiology: Physiology, *, interval: float) -> None:
        self.identity = identity
        self.latest: Observation | None = None
        self._physiology = physiology
        self._interval = interval
        self._slot = 0

    def begin(self) -> None:
        """Send at once."""
        self._slot = 0

    def due(self) -> float | None:
        """The next slot."""
        return self._slot * self._interval

    def observe(self, now: datetime) -> Observation:
        """What the monitor shows now. Timestamps rise even if the clock was set back."""
        if self.latest is not None:
            now = max(now, self.latest.timestamp + TICK)
        return _observation(self.identity, now, self._physiology.step(self._interval), self._interval)

    def sent(self, observation: Observation, elapsed: float) -> int:
        """Go on to the next slot that is not past: a stalled emulator does not make up for it with a burst."""
        self.latest = observation
        after = self._slot + 1
        self._slot = max(after, int(elapsed // self._interval) + 1)
        return self._slot - after


class ReplayedBed:
    """A recorded patient: every row is sent, at `speed` times its pace. `origin` is the time of the first row."""

    can_wait = True

    def __init__(self, identity: Identity, recording: Recording, *, origin: datetime, speed: float) -> None:
        self.identity = identity
        self.latest: Observation | None = None
        self._rows = recording.rows
        self._origin = origin
        self._speed = speed
        self._position = 0
        self._base = 0.0

    def begin(self) -> None:
        """Send the first row that was not sent at once; before the first of all, keep the pause that precedes it."""
        if 0 < self._position < len(self._rows):
            self._base = self._rows[self._position].elapsed

    def due(self) -> float | None:
        """When the next row's turn comes."""
        if self._position == len(self._rows):
            return None
        return (self._rows[self._position].elapsed - self._base) / self._speed

    def observe(self, now: datetime) -> Observation:  # noqa: ARG002 - a recording has times of its own
        """The next row."""
        row = self._rows[self._position]
        return _observation(
            self.identity, self._origin + timedelta(seconds=row.elapsed), row.signs, self._pause(self._rows)
        )

    def sent(self, observation: Observation, elapsed: float) -> int:  # noqa: ARG002 - nothing of a recording is left out
        """Go on to the next row."""
        self.latest = observation
        self._position += 1
        return 0

    def _pause(self, rows: Sequence[object]) -> float | None:
        """Seconds until the next row is sent."""
        if self._position + 1 >= len(rows):
            return None
        pause = (self._rows[self._position + 1].elapsed - self._rows[self._position].elapsed) / self._speed
        return min(86_400.0, pause)


def origin_of(recording: Recording, *, launch: datetime, speed: float) -> datetime:
    """When a recording's first row was measured, if nobody says: at launch, or, where it is replayed faster than that,
    so long before that its last row falls on the launch: no reading is of the future."""
    return launch - timedelta(seconds=recording.duration) if speed > 1 else launch


def check_origin(recording: Recording, origin: datetime) -> None:
    """ValueError where no reading can be of the time of its first or its last row."""
    check_time(check_time(origin) + timedelta(seconds=recording.duration))


def _observation(identity: Identity, timestamp: datetime, signs: VitalSigns, interval: float | None) -> Observation:
    return Observation(
        patient_uuid=identity.uuid,
        patient_name=identity.name,
        timestamp=timestamp,
        pulse=signs.pulse,
        resp_rate=signs.resp_rate,
        bp=format_blood_pressure(signs.systolic, signs.diastolic),
        spo2=signs.spo2,
        temperature=signs.temperature,
        map=signs.mean,
        interval=interval,
        schema_version=SCHEMA_VERSION,
    )
