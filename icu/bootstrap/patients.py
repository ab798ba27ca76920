"""Orders to the patients of one child, in this process or in the child's own."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from uuid import UUID

from icu.config.groups import names_of
from icu.config.settings import BEDS, PatientChild
from icu.control.errors import NoAnswerError
from icu.control.protocol import ScenarioStarted
from icu.emulation import Emulation, State
from icu.errors import IcuError, PatientNotFoundError
from icu.messages import uuid_of_name
from icu.patient.errors import RecordedPatientError
from icu.patient.patients import EmulatedPatients, Identity
from icu.ward.processes import Processes


class LocalEmulation:
    """Patients in this process. Implements `icu.emulation.Emulation`."""

    def __init__(self, patients: EmulatedPatients) -> None:
        self._patients = patients

    async def truth(self, patient: UUID) -> State:
        return self._patients.state(patient)

    async def change_scenario(self, patient: UUID, scenario: str) -> tuple[State, State]:
        return self._patients.change_scenario(patient, scenario)


class LocalPatients:
    """Patients of a child in this process. Implements `icu.ward.children.Patients`."""

    def __init__(self, child: PatientChild, running: Mapping[str, EmulatedPatients]) -> None:
        """Find the patients of a child.

        Args:
            child: Settings of the child.
            running: Patients of the children that run in this process, by the child's id.
        """
        self._child = child
        self._id = str(child.id)
        self._running = running

    def names(self) -> Sequence[str]:
        return names_of(self._child)

    def has(self, patient: UUID) -> bool:
        here = self._running.get(self._id)
        return patient in self._configured if here is None else here.has(patient)

    def emulation(self) -> Emulation | None:
        found = self._emulation()
        # A recording is refused even while its child is down: to start it would not help.
        if found is None and self._child.recording is not None:
            raise RecordedPatientError(self._child.name)
        return found

    def matches(self, bed: str) -> bool:
        return bool(self._matching(bed))

    async def begin_scenario(self, bed: str, scenario: str) -> ScenarioStarted | None:
        patients = self._matching(bed)
        refused = await self._refused([each.uuid for each in patients], scenario)
        # A recording is refused even while its child is down: to start it would not help.
        if refused is None and self._child.recording is not None:
            return ScenarioStarted([], [str(RecordedPatientError(self._child.name))])
        if refused is None:
            return None
        problems = [refused[each.uuid] for each in patients if each.uuid in refused]
        return ScenarioStarted([each.name for each in patients if each.uuid not in refused], problems)

    def _emulation(self) -> Emulation | None:
        here = self._running.get(self._id)
        return None if here is None else LocalEmulation(here)

    @cached_property
    def _configured(self) -> frozenset[UUID]:
        # Once: a page asks every few seconds, and a child may have 100,000 patients.
        return frozenset(each.uuid for each in _configured(self._child))

    async def _refused(self, patients: Sequence[UUID], scenario: str) -> dict[UUID, str] | None:
        """Begin a scenario, and return the reasons for patients without it; None if their child does not run."""
        here = self._running.get(self._id)
        return None if here is None else _refused_by(here, patients, scenario)

    def _matching(self, bed: str) -> list[Identity]:
        pattern = "*" if bed in {BEDS, self._id} or fnmatchcase(self._id, bed) else bed
        here = self._running.get(self._id)
        # The patients of a recording are known from the running child alone: the file names them.
        identities = _configured(self._child) if here is None else here.identities
        return [each for each in identities if each.matches(pattern)]


class RemotePatients(LocalPatients):
    """Patients of a child in a process of its own."""

    def __init__(self, child: PatientChild, processes: Processes) -> None:
        super().__init__(child, {})
        self._processes = processes

    async def _refused(self, patients: Sequence[UUID], scenario: str) -> dict[UUID, str] | None:
        return await self._processes.begin(self._id, patients, scenario)

    def _emulation(self) -> Emulation | None:
        return self._processes.emulation(self._id)


class ChildProcessPatients:
    """Patients of the only child of this process. Implements `icu.ward.remote.OrderReceiver`."""

    def __init__(self, running: Mapping[str, EmulatedPatients]) -> None:
        self._running = running

    def begin(self, patients: Sequence[UUID], scenario: str) -> dict[UUID, str]:
        # Empty while the child ends: its process may still take an order then.
        here = next(iter(self._running.values()), None)
        if here is None:
            return {each: str(PatientNotFoundError(each)) for each in patients}
        return _refused_by(here, patients, scenario)

    async def truth(self, patient: UUID) -> State:
        return self._here().state(patient)

    async def change_scenario(self, patient: UUID, scenario: str) -> tuple[State, State]:
        return self._here().change_scenario(patient, scenario)

    def _here(self) -> EmulatedPatients:
        for each in self._running.values():
            return each
        raise NoAnswerError("the child of this patient is ending: ask again in a moment")


def _refused_by(here: EmulatedPatients, patients: Sequence[UUID], scenario: str) -> dict[UUID, str]:
    refused = {}
    for each in patients:
        try:
            here.begin_scenario(each, scenario)
        except IcuError as exc:
            refused[each] = str(exc)
    return refused


def _configured(child: PatientChild) -> list[Identity]:
    return [Identity(child.uuid or uuid_of_name(name), name) for name in names_of(child)]
