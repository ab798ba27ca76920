"""Orders about patients, who are found by their child's id, by name or by uuid: let a scenario befall them."""

from collections.abc import Callable
from typing import Final

from anyio import create_task_group, to_thread

from icu.control.errors import UnknownBedError
from icu.control.protocol import ScenarioStarted
from icu.ward.children import Children, Patients

# Names that a mistyped one is compared with at most: a ward may have 100,000 patients.
_MAX_COMPARED: Final = 1_000


class Scenarios:
    """What may befall the patients of a ward by order."""

    def __init__(self, children: Children, check: Callable[[str], object]) -> None:
        """`check` raises for the name of a scenario that there is not; it may read files."""
        self._children = children
        self._check = check

    async def begin_scenario(self, bed: str, scenario: str) -> ScenarioStarted:
        """Let a scenario befall the patients of a child, or those of this name or uuid, or whose pattern it is.

        UnknownBedError, and what the check raises.
        """
        await to_thread.run_sync(self._check, scenario)
        found: dict[str, ScenarioStarted] = {}

        async def order(child_id: str, patients: Patients) -> None:
            found[child_id] = await patients.begin_scenario(bed, scenario) or self._not_running(child_id)

        meant = self._matching(bed)
        # All at once: processes that do not answer are waited for together.
        async with create_task_group() as group:
            for child_id, patients in meant.items():
                group.start_soon(order, child_id, patients)
        answers = [found[child_id] for child_id in meant]
        # All the patients of a child in trouble have the same.
        problems = dict.fromkeys(problem for each in answers for problem in each.problems)
        return ScenarioStarted([name for each in answers for name in each.patients], list(problems))

    def _matching(self, bed: str) -> dict[str, Patients]:
        """The children with patients who are meant. UnknownBedError where there are none."""
        all_patients = {name: each.patients for name, each in self._children.members.items() if each.patients}
        meant = {name: patients for name, patients in all_patients.items() if patients.matches(bed)}
        if not meant:
            names = (name for patients in all_patients.values() for name in patients.names())
            raise UnknownBedError(bed, [*all_patients, *names][:_MAX_COMPARED])
        return meant

    def _not_running(self, child_id: str) -> ScenarioStarted:
        states = {each.id: each.state for each in self._children.leaves()}
        state = states.get(child_id, "missing")
        return ScenarioStarted([], [f"{child_id} does not run ({state}): python -m icu start {child_id}"])
