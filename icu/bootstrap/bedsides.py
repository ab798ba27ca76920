"""The signs that the bedside monitors of this process show at the moment, and how old they are."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple
from weakref import WeakKeyDictionary

import anyio

from icu.messages import Observation
from icu.patient.patients import Bay, EmulatedPatients


class Bedside(NamedTuple):
    """A patient, and the reading that the monitor shows."""

    child: str
    name: str
    # None before the first.
    reading: Observation | None
    # Seconds since it was found here, on a clock that does not jump.
    age: float


class Bedsides:
    """The patients of the children that run in this process; `patients` is asked for them anew at each look."""

    def __init__(self, patients: Mapping[str, EmulatedPatients]) -> None:
        self._patients = patients
        # Bays outlive their emulators: a reading that was there before a restart is no younger after it.
        self._found: WeakKeyDictionary[Bay, tuple[Sequence[Observation], float]] = WeakKeyDictionary()

    def look(self) -> None:
        """Note which readings are new. An age is right to the time between two looks."""
        now = anyio.current_time()
        for patients in self._patients.values():
            for bay in patients.bays:
                found = self._found.get(bay)
                if found is None or found[0] is not bay.latest:
                    self._found[bay] = (bay.latest, now)

    def count(self) -> int:
        """How many patients there are."""
        return sum(len(bay.identities) for patients in self._patients.values() for bay in patients.bays)

    def count_elsewhere(self, children: Iterable[str]) -> int:
        """How many of these children have their patients in other processes, whose monitors are not seen here."""
        return sum(child not in self._patients for child in children)

    def page(self, children: Iterable[str], first: int, count: int) -> list[Bedside]:
        """So many patients of these children from the one of this number on, counting from 0."""
        bays = ((child, bay) for child in children if child in self._patients for bay in self._patients[child].bays)
        patients = ((child, bay, number) for child, bay in bays for number in range(len(bay.identities)))
        return [self._bedside(*each) for each in islice(patients, first, first + count)]

    def _bedside(self, child: str, bay: Bay, number: int) -> Bedside:
        latest, since = self._found.get(bay, ((), anyio.current_time()))
        reading = latest[number] if latest else None
        return Bedside(child, bay.identities[number].name, reading, anyio.current_time() - since)
