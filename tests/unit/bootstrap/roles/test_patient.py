"""How children are started: what a process of its own is given."""

from datetime import UTC, datetime

from icu.bootstrap.children import _repeatable
from icu.config.settings import PatientChild


def test_who_has_a_past_tells_the_same_past_at_each_life() -> None:
    """A process that is started again begins there anew, and without a seed all of it would conflict."""
    start = datetime(2026, 1, 31, tzinfo=UTC)
    told = [_repeatable(PatientChild(name="Anna", start=start)) for _ in range(2)]
    assert told[0] == told[1]
    assert isinstance(told[0], PatientChild) and told[0].seed is not None
    assert _repeatable(PatientChild(name="Anna")) == PatientChild(name="Anna")
    assert _repeatable(PatientChild(name="Anna", start=start, seed=3)).seed == 3  # type: ignore[union-attr] # a patient went in
