"""Scenarios by order, for patients that are selected by child id, name, uuid or pattern."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from anyio import create_task_group, to_thread

from icu.control.errors import NotEmulatedError, UnknownBedError
from icu.control.protocol import ScenarioStarted
from icu.emulation import Emulation
from icu.ward.children import Children, Patients

# Names at most that a mistyped one is compared with: a ward may have 100,000 patients.
_MAX_COMPARED: Final = 1_000


class Scenarios:
    """Scenarios for the patients of a ward."""

    def __init__(self, children: Children, check: Callable[[str], object]) -> None:
        """Select among the patients of these children.

        Args:
            children: Children of the ward.
            check: Raises UnknownScenarioError for an unknown name. May read files.
        """
        self._children = children
        self._check = check

    async def begin_scenario(self, bed: str, scenario: str) -> ScenarioStarted:
        """Begin a scenario for patients, in all their children at once.

        Args:
            bed: A child's id, a patient's name or uuid, a pattern of them, or `beds` for all.
            scenario: Name of the scenario.

        Returns:
            Names of the patients in the scenario, and reasons for the others.

        Raises:
            UnknownBedError: Nothing matches `bed`.
            UnknownScenarioError: There is no such scenario.
        """
        await to_thread.run_sync(self._check, scenario)
        found: dict[str, ScenarioStarted] = {}

        async def order(child_id: str, patients: Patients) -> None:
            started = await patients.begin_scenario(bed, scenario)
            found[child_id] = started or ScenarioStarted([], [self._not_running(child_id)])

        meant = self._matching(bed)
        # At once, so that the deadlines of processes that do not answer pass together.
        async with create_task_group() as group:
            for child_id, patients in meant.items():
                group.start_soon(order, child_id, patients)
        answers = [found[child_id] for child_id in meant]
        # All patients of a child in trouble have the same problem: it is told once.
        problems = dict.fromkeys(problem for each in answers for problem in each.problems)
        return ScenarioStarted([name for each in answers for name in each.patients], list(problems))

    def emulation_of(self, patient: UUID) -> Emulation:
        """Return where a patient is emulated.

        Raises:
            NotEmulatedError: No child has the patient, or the one that has does not run.
        """
        for child_id, each in self._children.members.items():
            if each.patients is not None and each.patients.has(patient):
                emulation = each.patients.emulation()
                if emulation is None:
                    raise NotEmulatedError(self._not_running(child_id))
                return emulation
        raise NotEmulatedError(f"no child of this ward emulates patient {patient}")

    def _matching(self, bed: str) -> dict[str, Patients]:
        """Return the patients by child, for the children with patients that match."""
        all_patients = {name: each.patients for name, each in self._children.members.items() if each.patients}
        meant = {name: patients for name, patients in all_patients.items() if patients.matches(bed)}
        if not meant:
            names = (name for patients in all_patients.values() for name in patients.names())
            raise UnknownBedError(bed, [*all_patients, *names][:_MAX_COMPARED])
        return meant

    def _not_running(self, child_id: str) -> str:
        states = {each.id: each.state for each in self._children.leaves()}
        state = states.get(child_id, "missing")
        return f"{child_id} does not run ({state}): python -m icu start {child_id}"
