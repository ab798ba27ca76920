"""Patient role: seeds of processes, and the registry of running patients."""

from datetime import UTC, datetime

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from icu.bootstrap.roles.patient import _run_registered, repeatable
from icu.bootstrap.shared import Shared
from icu.config.settings import PatientChild, Settings
from icu.patient.patients import EmulatedPatients


def test_each_life_of_a_child_has_the_same_past() -> None:
    """A restarted process simulates the past again: without a seed, it would contradict the stored readings."""
    start = datetime(2026, 1, 31, tzinfo=UTC)
    completed = [repeatable(PatientChild(name="Anna", start=start)) for _ in range(2)]
    assert completed[0] == completed[1]
    assert completed[0].seed is not None
    assert repeatable(PatientChild(name="Anna")) == PatientChild(name="Anna")
    assert repeatable(PatientChild(name="Anna", start=start, seed=3)).seed == 3


async def test_patients_are_taken_away_by_their_own_child_alone() -> None:
    """A child that ends after its replacement has begun leaves the replacement's patients registered."""
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
