"""Patients of one child, in bays of those that are observed at the same moment.

A bay outlives the emulator that serves it, so that a restarted emulator goes on where the last one ended: with later
timestamps, or with the row of the recording that was not sent.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import zip_longest
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from icu.emulation import Admission, State
from icu.errors import PatientNotFoundError
from icu.messages import Observation, key_of
from icu.patient.errors import UnknownScenarioError
from icu.patient.scenarios import Scenario


class Identity(NamedTuple):
    """Identity of a patient."""

    uuid: UUID
    name: str

    @property
    def key(self) -> bytes:
        """Key of the patient's records: it keeps them in one partition, and so in order."""
        return key_of(self.uuid)

    def matches(self, pattern: str) -> bool:
        """Match a name, a uuid, or a pattern of names (`*` stands for anything)."""
        return self.name == pattern or fnmatchcase(self.name, pattern) or str(self.uuid) == pattern.lower()


class Truth(NamedTuple):
    """True state of a simulated patient, which no monitor shows. Texts are empty where there is nothing."""

    scenario: str
    phase: str
    # Treatments that are visible now: names with commas between.
    event: str
    # Years.
    age: int
    sex: Literal["female", "male"]
    # Reason for admission.
    condition: Admission


class Bay(Protocol):
    """Patients that are observed at the same moments. Times are seconds since their emulator began."""

    identities: Sequence[Identity]
    # Keys of their records, in the same order.
    keys: Sequence[bytes]
    # Observations of each patient that were due at the last `begin` or `advance`, at least 1. More than one only while
    # the bay can wait.
    backlog: int
    # The last observations, in the order of `identities`; empty before the first.
    latest: Sequence[Observation]

    @property
    def can_wait(self) -> bool:
        """True while its time may stand still for a full send buffer: in the past, of which nothing may be lost."""
        ...

    @property
    def time(self) -> datetime:
        """Timestamp of the next observations; undefined after the last."""
        ...

    def begin(self, now: datetime) -> None:
        """Note that an emulator begins, at 0 seconds."""
        ...

    def due(self) -> float | None:
        """Seconds at which the next observations are due; None after the last."""
        ...

    def observe(self, most: int = 1) -> Sequence[Observation]:
        """Make observations that are due, moment after moment, and one for each patient.

        Returns the same ones until `advance` is called.

        Args:
            most: Moments at most.
        """
        ...

    def advance(self, elapsed: float, now: datetime) -> int:
        """Go on behind the observations that `observe` made, once they are in the send buffer.

        Args:
            elapsed: Seconds since the emulator began.
            now: Wall clock.

        Returns:
            Number of observations of each patient that are left out, for their time has passed.
        """
        ...

    def truth(self, patient: int) -> Truth:
        """Return the true state of a patient.

        Args:
            patient: Place in `identities`.

        Raises:
            RecordedPatientError: The patient is a recording.
        """
        ...

    def begin_scenario(self, patient: int, scenario: Scenario) -> None:
        """Begin a scenario for a patient now, in place of the current one.

        Args:
            patient: Place in `identities`.
            scenario: Replaces the current scenario at once.

        Raises:
            RecordedPatientError: The patient is a recording.
        """
        ...


class EmulatedPatients:
    """Patients of one child, found by uuid."""

    def __init__(
        self, bays: Sequence[Bay], scenarios: Mapping[str, Scenario], *, start: datetime | None = None
    ) -> None:
        """Index the patients of the bays.

        Args:
            bays: All patients of the child.
            scenarios: Scenarios by name, for orders.
            start: Beginning of the past that the patients catch up with; None where they begin now.
        """
        self.bays = bays
        self._start = start
        self._scenarios = scenarios
        self._places = {each.uuid: (bay, number) for bay in bays for number, each in enumerate(bay.identities)}

    @property
    def identities(self) -> list[Identity]:
        """All patients, in their original order: they were dealt to the bays one by one."""
        rows = zip_longest(*(bay.identities for bay in self.bays))
        return [each for row in rows for each in row if each is not None]

    def progress(self, now: datetime) -> float:
        """Return the share of the time since the start that all patients have caught up with, 0 to 1."""
        # Without a start no bay is asked for its time: a recording that has ended has none.
        if self._start is None or not (behind := [bay.time for bay in self.bays if bay.can_wait]):
            return 1.0
        whole = max(now - self._start, timedelta(seconds=1))
        return min(1.0, max(0.0, (min(behind) - self._start) / whole))

    def latest(self, uuid: UUID) -> Observation | None:
        """Return the patient's last observation; None before the first.

        Raises:
            PatientNotFoundError: No patient of this child has the uuid.
        """
        bay, number = self._place(uuid)
        return bay.latest[number] if bay.latest else None

    def has(self, uuid: UUID) -> bool:
        """Check if a patient of this child has the uuid."""
        return uuid in self._places

    def state(self, uuid: UUID) -> State:
        """Return the true state of a patient, as it is served. Raises as `truth`."""
        latest = self.latest(uuid)
        return State(uuid, None if latest is None else latest.timestamp, *self.truth(uuid))

    def change_scenario(self, uuid: UUID, scenario: str) -> tuple[State, State]:
        """Begin a scenario, and return the true states before and after. Raises as `begin_scenario`."""
        before = self.state(uuid)
        self.begin_scenario(uuid, scenario)
        return before, self.state(uuid)

    def truth(self, uuid: UUID) -> Truth:
        """Return the true state of a patient.

        Raises:
            PatientNotFoundError: No patient of this child has the uuid.
            RecordedPatientError: The patient is a recording.
        """
        bay, number = self._place(uuid)
        return bay.truth(number)

    def begin_scenario(self, uuid: UUID, scenario: str) -> Scenario:
        """Begin a scenario for a patient now.

        Raises:
            PatientNotFoundError: No patient of this child has the uuid.
            UnknownScenarioError: There is no such scenario.
            RecordedPatientError: The patient is a recording.
        """
        bay, number = self._place(uuid)
        if scenario not in self._scenarios:
            raise UnknownScenarioError(scenario, list(self._scenarios))
        bay.begin_scenario(number, self._scenarios[scenario])
        return self._scenarios[scenario]

    def _place(self, uuid: UUID) -> tuple[Bay, int]:
        if uuid not in self._places:
            raise PatientNotFoundError(uuid)
        return self._places[uuid]
