"""The patients of one child, whom orders reach in this process or in one of the child's own."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from uuid import UUID

from icu.config.groups import names_of
from icu.config.settings import BEDS, PatientChild
from icu.control.protocol import ScenarioStarted
from icu.errors import IcuError, PatientNotFoundError
from icu.messages import uuid_of_name
from icu.patient.errors import RecordedPatientError
from icu.patient.patients import EmulatedPatients, Identity
from icu.ward.processes import Processes


class LocalPatients:
    """The patients of a child that runs in this process. `running` has those of each such child, by its id."""

    def __init__(self, child: PatientChild, running: Mapping[str, EmulatedPatients]) -> None:
        self._child = child
        self._id = str(child.id)
        self._running = running

    def names(self) -> Sequence[str]:
        """All of them."""
        return names_of(self._child)

    def matches(self, bed: str) -> bool:
        """Tell if this is the child's id, one's name or uuid, or a pattern of them; BEDS are all."""
        return bool(self._matching(bed))

    async def begin_scenario(self, bed: str, scenario: str) -> ScenarioStarted | None:
        """Begin a scenario that there is for those who are meant; None where their child does not run."""
        patients = self._matching(bed)
        refused = await self._refused([each.uuid for each in patients], scenario)
        if refused is None and self._child.recording is not None:
            return ScenarioStarted([], [str(RecordedPatientError(self._child.name))])
        if refused is None:
            return None
        told = [refused[each.uuid] for each in patients if each.uuid in refused]
        return ScenarioStarted([each.name for each in patients if each.uuid not in refused], told)

    async def _refused(self, patients: Sequence[UUID], scenario: str) -> dict[UUID, str] | None:
        """Those whom it does not befall, and why."""
        here = self._running.get(self._id)
        return None if here is None else _refused_by(here, patients, scenario)

    def _matching(self, bed: str) -> list[Identity]:
        pattern = "*" if bed in {BEDS, self._id} or fnmatchcase(self._id, bed) else bed
        here = self._running.get(self._id)
        identities = _configured(self._child) if here is None else here.identities
        return [each for each in identities if each.matches(pattern)]


class RemotePatients(LocalPatients):
    """The patients of a child in a process of its own."""

    def __init__(self, child: PatientChild, processes: Processes) -> None:
        super().__init__(child, {})
        self._processes = processes

    async def _refused(self, patients: Sequence[UUID], scenario: str) -> dict[UUID, str] | None:
        return await self._processes.begin(self._id, patients, scenario)


class ChildProcessPatients:
    """The patients of the one child of this process, whom its supervisor's orders are for: none while it ends."""

    def __init__(self, running: Mapping[str, EmulatedPatients]) -> None:
        self._running = running

    def begin(self, patients: Sequence[UUID], scenario: str) -> dict[UUID, str]:
        """Begin a scenario for patients; those of them whom it does not befall, and why."""
        here = next(iter(self._running.values()), None)
        if here is None:
            return {each: str(PatientNotFoundError(each)) for each in patients}
        return _refused_by(here, patients, scenario)


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
