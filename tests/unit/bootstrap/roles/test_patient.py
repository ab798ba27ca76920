"""The role of patients: what a process of their own is given."""

from datetime import UTC, datetime

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from icu.bootstrap.roles.patient import _run_registered, repeatable
from icu.bootstrap.shared import Shared
from icu.config.settings import PatientChild, Settings
from icu.patient.patients import EmulatedPatients


def test_who_has_a_past_tells_the_same_past_at_each_life() -> None:
    """A process that is started again begins there anew, and without a seed all of it would conflict."""
    start = datetime(2026, 1, 31, tzinfo=UTC)
    told = [repeatable(PatientChild(name="Anna", start=start)) for _ in range(2)]
    assert told[0] == told[1]
    assert told[0].seed is not None
    assert repeatable(PatientChild(name="Anna")) == PatientChild(name="Anna")
    assert repeatable(PatientChild(name="Anna", start=start, seed=3)).seed == 3


async def test_patients_are_taken_away_by_their_own_child_alone() -> None:
    """One that could not be stopped in time may end when another stands in its place: its patients stay."""
    shared = Shared(Settings())
    patients, others = EmulatedPatients([], {}), EmulatedPatients([], {})

    async def late(*, task_status: TaskStatus[None]) -> None:
        assert shared.patients == {"bed-1": patients}
        shared.patients["bed-1"] = others

    await _run_registered(late, "bed-1", patients, shared, task_status=TASK_STATUS_IGNORED)
    assert shared.patients == {"bed-1": others}

    async def usual(*, task_status: TaskStatus[None]) -> None:
        task_status.started()

    await _run_registered(usual, "bed-1", others, shared, task_status=TASK_STATUS_IGNORED)
    assert shared.patients == {}
