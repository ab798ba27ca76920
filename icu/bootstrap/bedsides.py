"""Current readings of the patients in this process, with their ages, for the overview."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple
from weakref import WeakKeyDictionary

import anyio

from icu.messages import Observation
from icu.patient.patients import Bay, EmulatedPatients


class Bedside(NamedTuple):
    """A patient, and the current reading."""

    child: str
    name: str
    # None before the first.
    reading: Observation | None
    # Seconds since the reading was found here, on a clock that does not jump.
    age: float


class Bedsides:
    """Current readings of the children that run in this process."""

    def __init__(self, patients: Mapping[str, EmulatedPatients]) -> None:
        """Watch the patients of the running children.

        Args:
            patients: By the child's id; it changes as children start and stop.
        """
        self._patients = patients
        # By bay, since bays outlive their emulators: a restart makes no reading younger.
        self._found: WeakKeyDictionary[Bay, tuple[Sequence[Observation], float]] = WeakKeyDictionary()

    def look(self) -> None:
        """Find new readings. Ages are exact to the time between two looks."""
        now = anyio.current_time()
        for patients in self._patients.values():
            for bay in patients.bays:
                found = self._found.get(bay)
                if found is None or found[0] is not bay.latest:
                    self._found[bay] = (bay.latest, now)

    def count(self) -> int:
        """Count the patients."""
        return sum(len(bay.identities) for patients in self._patients.values() for bay in patients.bays)

    def count_elsewhere(self, children: Iterable[str]) -> int:
        """Count those of the children that run in other processes, whose readings are unknown here."""
        return sum(child not in self._patients for child in children)

    def page(self, children: Iterable[str], first: int, count: int) -> list[Bedside]:
        """Return one page of the patients of some children.

        Args:
            children: Ids, in the order of the page.
            first: Number of the first patient to return, from 0.
            count: Patients on the page at most.
        """
        bays = ((child, bay) for child in children if child in self._patients for bay in self._patients[child].bays)
        patients = ((child, bay, number) for child, bay in bays for number in range(len(bay.identities)))
        return [self._bedside(*each) for each in islice(patients, first, first + count)]

    def _bedside(self, child: str, bay: Bay, number: int) -> Bedside:
        latest, since = self._found.get(bay, ((), anyio.current_time()))
        reading = latest[number] if latest else None
        return Bedside(child, bay.identities[number].name, reading, anyio.current_time() - since)
