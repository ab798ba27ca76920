"""The three forms of a reading."""

import pytest

from icu.store import readings
from icu.store.readings import to_rows
from tests.samples import ANNA, observation


def test_more_values_than_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was looked up is forgotten before it takes much memory, and worked out again."""
    monkeypatch.setattr(readings, "MOST_KNOWN", 3)
    observations = [observation(n, pulse=n / 100, bp=f"{100 + n}/{n}") for n in range(1, 90)] * 2
    rows = to_rows(observations, {ANNA.int: 1}, 0)
    assert [row[2] for row in rows] == [*range(1, 90)] * 2
    assert [row[4:6] for row in rows] == [((100 + n) * 100, n * 100) for n in range(1, 90)] * 2
    assert len(readings._hundredths) <= 3
