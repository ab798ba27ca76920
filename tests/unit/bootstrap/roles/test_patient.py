"""The role of patients: what a process of their own is given."""

from datetime import UTC, datetime

from icu.bootstrap.roles.patient import repeatable
from icu.config.settings import PatientChild


def test_who_has_a_past_tells_the_same_past_at_each_life() -> None:
    """A process that is started again begins there anew, and without a seed all of it would conflict."""
    start = datetime(2026, 1, 31, tzinfo=UTC)
    told = [repeatable(PatientChild(name="Anna", start=start)) for _ in range(2)]
    assert told[0] == told[1]
    assert told[0].seed is not None
    assert repeatable(PatientChild(name="Anna")) == PatientChild(name="Anna")
    assert repeatable(PatientChild(name="Anna", start=start, seed=3)).seed == 3
