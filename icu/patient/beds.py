"""Beds: the patients of one child, in bays of those who are read at the same moment.

A bay outlives the emulator that serves it, so that a restarted one goes on where it was: with later timestamps, or with
the row of the recording that was not sent.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import zip_longest
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from icu.errors import PatientNotFoundError
from icu.messages import Observation, key_of
from icu.patient.errors import UnknownScenarioError
from icu.patient.scenarios import Scenario


class Identity(NamedTuple):
    """Who lies in a bed."""

    uuid: UUID
    name: str

    @property
    def key(self) -> bytes:
        """What the patient's records are keyed by."""
        return key_of(self.uuid)

    def matches(self, pattern: str) -> bool:
        """Whether this is the name or the uuid, or a pattern of the name, `*` standing for anything."""
        return self.name == pattern or fnmatchcase(self.name, pattern) or str(self.uuid) == pattern.lower()


class Truth(NamedTuple):
    """What no monitor tells: what really goes on in a simulated patient. Texts are empty where there is nothing."""

    scenario: str
    phase: str
    event: str
    """What staff did and still shows: names with commas between."""
    age: int
    """Years."""
    sex: Literal["female", "male"]
    condition: str
    """What the patient came for."""


class Bay(Protocol):
    """Patients who are read at the same moment. Times are seconds since their emulator began."""

    identities: Sequence[Identity]
    latest: Sequence[Observation]
    """What was observed last, a row like `identities`; empty before the first."""

    @property
    def can_wait(self) -> bool:
        """Whether time stands still for it while the send buffer is full: for the past, not for a patient of now."""
        ...

    @property
    def time(self) -> datetime:
        """Of the next observations, for as long as there are any."""
        ...

    def begin(self, now: datetime) -> None:
        """Note that an emulator begins, at 0 seconds."""
        ...

    def due(self) -> float | None:
        """When the next observations are to be sent; None after the last."""
        ...

    def observe(self) -> Sequence[Observation]:
        """The observations that are due. Asked again before `advance`, a recording answers the same."""
        ...

    def advance(self, elapsed: float, now: datetime) -> int:
        """Go on to the next; returns how many of each patient were left out because their time has passed."""
        ...

    def truth(self, patient: int) -> Truth:
        """What really goes on in the patient of this number. PatientServiceException where nobody knows."""
        ...

    def begin_scenario(self, patient: int, scenario: Scenario) -> None:
        """Let a scenario befall the patient of this number now. PatientServiceException where that cannot be."""
        ...


class Beds:
    """The patients of one child, each found by uuid."""

    def __init__(
        self, bays: Sequence[Bay], scenarios: Mapping[str, Scenario], *, start: datetime | None = None
    ) -> None:
        """`start`: when the past began that they catch up with, where they do so."""
        self.bays = bays
        self._start = start
        self._scenarios = scenarios
        self._places = {each.uuid: (bay, number) for bay in bays for number, each in enumerate(bay.identities)}

    @property
    def identities(self) -> list[Identity]:
        """Everybody, in the order in which they were dealt to the bays."""
        rows = zip_longest(*(bay.identities for bay in self.bays))
        return [each for row in rows for each in row if each is not None]

    def progress(self, now: datetime) -> float:
        """How much of the time since their start they have behind them; 1 when all have caught up with now."""
        # Who has no past to catch up with is not asked for a time: a recording that has ended has none.
        if self._start is None or not (behind := [bay.time for bay in self.bays if bay.can_wait]):
            return 1.0
        whole = max(now - self._start, timedelta(seconds=1))
        return min(1.0, max(0.0, (min(behind) - self._start) / whole))

    def latest(self, uuid: UUID) -> Observation | None:
        """What was observed last; None before the first. PatientNotFoundError."""
        bay, number = self._place(uuid)
        return bay.latest[number] if bay.latest else None

    def truth(self, uuid: UUID) -> Truth:
        """What really goes on in a patient. PatientNotFoundError; PatientServiceException where nobody knows."""
        bay, number = self._place(uuid)
        return bay.truth(number)

    def begin_scenario(self, uuid: UUID, scenario: str) -> Scenario:
        """Let a scenario befall a patient. PatientNotFoundError, UnknownScenarioError, RecordedPatientError."""
        bay, number = self._place(uuid)
        if scenario not in self._scenarios:
            raise UnknownScenarioError(scenario, list(self._scenarios))
        bay.begin_scenario(number, self._scenarios[scenario])
        return self._scenarios[scenario]

    def _place(self, uuid: UUID) -> tuple[Bay, int]:
        if uuid not in self._places:
            raise PatientNotFoundError(uuid)
        return self._places[uuid]
