"""The patients of one child, whom orders reach in this process or in one of the child's own."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from icu.config.groups import names_of
from icu.config.settings import BEDS, PatientChild
from icu.control.protocol import Befallen
from icu.errors import RecordedPatientError
from icu.messages import uuid_of_name
from icu.patient.beds import Beds, Identity
from icu.ward.orders import Befall
from icu.ward.processes import Processes


class Patients:
    """The patients of a child that runs in this process. `beds` has those of each such child, by its id."""

    def __init__(self, child: PatientChild, beds: Mapping[str, Beds]) -> None:
        self._child = child
        self._id = str(child.id)
        self._beds = beds

    def names(self) -> Sequence[str]:
        """All of them."""
        return names_of(self._child)

    def means(self, bed: str) -> bool:
        """Whether this is the child's id, one's name or uuid, or a pattern of them; BEDS are all."""
        return bool(self._meant(bed))

    async def befall(self, bed: str, scenario: str) -> Befallen | None:
        """Let a scenario that there is befall those who are meant; None where their child does not run."""
        told = await self._told(bed, scenario)
        if told is None and self._child.recording is not None:
            return Befallen([], [str(RecordedPatientError(self._child.name))])
        return told

    async def _told(self, bed: str, scenario: str) -> Befallen | None:
        here = self._beds.get(self._id)
        if here is None:
            return None
        befallen, problems = [], []
        for each in self._meant(bed):
            try:
                here.befall(each.uuid, scenario)
                befallen.append(each.name)
            except RecordedPatientError as exc:
                problems.append(str(exc))
        return Befallen(befallen, problems)

    def _meant(self, bed: str) -> list[Identity]:
        pattern = "*" if bed in {BEDS, self._id} or fnmatchcase(self._id, bed) else bed
        here = self._beds.get(self._id)
        identities = _configured(self._child) if here is None else here.identities
        return [each for each in identities if each.matches(pattern)]


class RemotePatients(Patients):
    """The patients of a child in a process of its own."""

    def __init__(self, child: PatientChild, processes: Processes) -> None:
        super().__init__(child, {})
        self._processes = processes

    async def _told(self, bed: str, scenario: str) -> Befallen | None:
        return await self._processes.forward(self._id, Befall(bed, scenario))


class LonePatients:
    """The patients of the one child of this process, whom its supervisor's orders are for."""

    def __init__(self, child: PatientChild, beds: Mapping[str, Beds]) -> None:
        self._id = child.id
        self._patients = Patients(child, beds)

    async def befall(self, bed: str, scenario: str) -> Befallen:
        """Let a scenario befall those who are meant. UnknownScenarioError."""
        told = await self._patients.befall(bed, scenario)
        # Their emulator ends, and the process not yet.
        return told or Befallen([], [f"{self._id} is about to end: python -m icu status {self._id}"])


def _configured(child: PatientChild) -> list[Identity]:
    return [Identity(child.uuid or uuid_of_name(name), name) for name in names_of(child)]
