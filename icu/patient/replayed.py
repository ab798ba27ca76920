"""A bay of one recorded patient."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import inf

from icu.bounds import check_time
from icu.messages import SCHEMA_VERSION, Observation, Quality
from icu.patient.beds import Identity, Truth
from icu.patient.errors import RecordedPatientError
from icu.patient.recordings.recording import Recording
from icu.patient.scenarios import Scenario
from icu.vitals.signs import format_blood_pressure


class ReplayedBay:
    """A recorded patient: every row is sent, at `speed` times its pace. `origin` is the time of the first row.

    When each row is to be sent is settled at the launch: an emulator that begins later sends at once what should have
    been sent already, and nothing early.
    """

    can_wait = True

    def __init__(
        self,
        identity: Identity,
        recording: Recording,
        *,
        origin: datetime,
        speed: float,
        launch: datetime | None = None,
    ) -> None:
        """`launch`: when the replay began, if that was in a process that is gone; None: it begins with the first
        emulator."""
        self.identities: Sequence[Identity] = (identity,)
        self.latest: Sequence[Observation] = ()
        self._rows = recording.rows
        self._origin = origin
        self._speed = speed
        self._launch = launch
        self._position = 0
        self._passed = 0.0

    @property
    def time(self) -> datetime:
        """Of the next row."""
        return self._origin + timedelta(seconds=self._rows[self._position].elapsed)

    def begin(self, now: datetime) -> None:
        """Note that an emulator begins. A clock that is set back does not silence anybody: the next row comes no later
        behind the one before it than it always would."""
        self._launch = self._launch or now
        before = self._planned(self._position - 1) if self._position else 0.0
        self._passed = max(before, (now - self._launch).total_seconds())

    def due(self) -> float | None:
        """When the next row's turn comes."""
        if self._position == len(self._rows):
            return None
        return self._planned(self._position) - self._passed

    def observe(self) -> Sequence[Observation]:
        """The next row."""
        [identity] = self.identities
        _, signs, quality = self._rows[self._position]
        self.latest = [
            Observation(
                patient_uuid=identity.uuid,
                patient_name=identity.name,
                timestamp=self.time,
                pulse=signs.pulse,
                resp_rate=signs.resp_rate,
                bp=format_blood_pressure(signs.systolic, signs.diastolic),
                map=signs.mean,
                spo2=signs.spo2,
                temperature=signs.temperature,
                quality=Quality(**quality) if quality else None,
                interval=self._pause(),
                schema_version=SCHEMA_VERSION,
            )
        ]
        return self.latest

    def advance(self, elapsed: float, now: datetime) -> int:  # noqa: ARG002 - nothing of a recording is left out
        """Go on to the next row."""
        self._position += 1
        return 0

    def truth(self, patient: int) -> Truth:
        """RecordedPatientError: nobody knows."""
        raise RecordedPatientError(self.identities[patient].name)

    def begin_scenario(self, patient: int, scenario: Scenario) -> None:  # noqa: ARG002 - whatever it is
        """RecordedPatientError: the past cannot be changed."""
        raise RecordedPatientError(self.identities[patient].name)

    def _planned(self, position: int) -> float:
        """Seconds from the launch to the turn of a row."""
        return self._rows[position].elapsed / self._speed

    def _pause(self) -> float | None:
        """Seconds until the next row is sent; None where there is none, or no pause."""
        if self._position + 1 >= len(self._rows) or self._speed == inf:
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
