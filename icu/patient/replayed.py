"""A bay of one recorded patient."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import inf

from icu.bounds import check_time
from icu.messages import SCHEMA_VERSION, Observation, Quality
from icu.patient.errors import RecordedPatientError
from icu.patient.patients import Identity, Truth
from icu.patient.recordings.recording import Recording, Row
from icu.patient.scenarios import Scenario
from icu.vitals.signs import format_blood_pressure


class ReplayedBay:
    """A recorded patient: every row is sent, at `speed` times its pace.

    The launch fixes when each row is due: an emulator that begins later sends the overdue rows at once, and none early.
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
        """Begin at the first row.

        Args:
            identity: The patient.
            recording: At least one row.
            origin: Time of the first row.
            speed: Factor on the recording's pace; inf for no pauses.
            launch: Start of the replay, where that was in an earlier process; None for the begin of the first emulator.
        """
        self.identities: Sequence[Identity] = (identity,)
        self.keys: Sequence[bytes] = [identity.key]
        self.latest: Sequence[Observation] = ()
        self.backlog = 1
        self._rows = recording.rows
        self._origin = origin
        self._speed = speed
        self._launch = launch
        self._position = 0
        self._made: Sequence[Observation] = ()
        self._elapsed_at_begin = 0.0

    @property
    def time(self) -> datetime:
        return self._time_of(self._rows[self._position])

    def begin(self, now: datetime) -> None:
        self._launch = self._launch or now
        # At least the time of the last row: a clock that was set back must not delay the next one for hours.
        last_due = self._due_after_launch(self._position - 1) if self._position else 0.0
        self._elapsed_at_begin = max(last_due, (now - self._launch).total_seconds())
        self.backlog = self._count_backlog(0.0)

    def due(self) -> float | None:
        if self._position == len(self._rows):
            return None
        return self._due_after_launch(self._position) - self._elapsed_at_begin

    def observe(self, most: int = 1) -> Sequence[Observation]:
        if not self._made:
            positions = range(self._position, self._position + min(most, self.backlog))
            self._made = [self._observation(each) for each in positions]
            self.latest = self._made[-1:]
        return self._made

    def advance(self, elapsed: float, now: datetime) -> int:  # noqa: ARG002 - nothing of a recording is left out
        self._position += len(self._made)
        self._made = ()
        self.backlog = self._count_backlog(elapsed)
        return 0

    def truth(self, patient: int) -> Truth:
        raise RecordedPatientError(self.identities[patient].name)

    def begin_scenario(self, patient: int, scenario: Scenario) -> None:  # noqa: ARG002 - whatever it is
        raise RecordedPatientError(self.identities[patient].name)

    def _time_of(self, row: Row) -> datetime:
        return self._origin + timedelta(seconds=row.elapsed)

    def _observation(self, position: int) -> Observation:
        [identity] = self.identities
        row = self._rows[position]
        signs = row.signs
        # By name of sign, and not in a loop, as in a cohort: this is made for each row.
        return Observation(
            patient_uuid=identity.uuid,
            patient_name=identity.name,
            timestamp=self._time_of(row),
            pulse=signs.pulse,
            resp_rate=signs.resp_rate,
            bp=format_blood_pressure(signs.systolic, signs.diastolic),
            map=signs.map,
            spo2=signs.spo2,
            temperature=signs.temperature,
            quality=Quality(**row.quality) if row.quality else None,
            interval=self._interval(position),
            schema_version=SCHEMA_VERSION,
        )

    def _due_after_launch(self, position: int) -> float:
        """Seconds from the launch until a row is due."""
        return self._rows[position].elapsed / self._speed

    def _count_backlog(self, elapsed: float) -> int:
        """Count the rows that are due."""
        due_by = self._elapsed_at_begin + elapsed
        # By the time when it is due: infinitely fast, no row has a time of the recording itself.
        passed = bisect_right(self._rows, due_by, self._position, key=lambda row: row.elapsed / self._speed)
        return max(1, passed - self._position)

    def _interval(self, position: int) -> float | None:
        """Seconds until the next row is sent; None for the last row, and without pauses."""
        if position + 1 >= len(self._rows) or self._speed == inf:
            return None
        interval = (self._rows[position + 1].elapsed - self._rows[position].elapsed) / self._speed
        return min(86_400.0, interval)  # an observation's longest interval


def origin_of(recording: Recording, *, launch: datetime, speed: float) -> datetime:
    """Choose the time of a recording's first row, where the settings give none.

    The launch; or, if replayed faster than recorded, as long before it as the recording lasts: no reading is of the
    future.
    """
    return launch - timedelta(seconds=recording.duration) if speed > 1 else launch


def check_origin(recording: Recording, origin: datetime) -> None:
    """Check the times of the first and the last row.

    Raises:
        ValueError: A reading cannot have such a time.
    """
    check_time(check_time(origin) + timedelta(seconds=recording.duration))
