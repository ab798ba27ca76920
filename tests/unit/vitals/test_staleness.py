"""From when on a patient's latest reading is stale."""

import pytest

from icu.vitals.staleness import stale_after


@pytest.mark.parametrize(
    ("stated", "limit"), [(200, 15_000), (5_000, 15_000), (5_500, 16_500), (60_000, 180_000), (3_600_000, 10_800_000)]
)
def test_by_the_interval_that_the_sender_states(stated: int, limit: int) -> None:
    """Three of it, at least 15 s; how often the sender really sends does not matter."""
    assert stale_after(stated, []) == stale_after(stated, [100_000] * 20) == limit


@pytest.mark.parametrize(
    ("gaps", "limit"),
    [
        ([], 15_000),
        ([10_000], 30_000),
        ([10_000] * 10, 30_000),
        ([1_000] * 10, 15_000),
        ([10_000] * 5 + [20_000] * 5, 45_000),
        ([10_000] * 6 + [100_000_000] * 4, 30_000),
        ([1_000_000] * 10 + [10_000] * 10, 30_000),
        ([10_000] * 5 + [1_000_000] * 10, 3_000_000),
    ],
)
def test_by_the_median_of_the_last_ten_gaps(gaps: list[int], limit: int) -> None:
    """A few long gaps among them change nothing, nor do those before; without any gap 5 s count."""
    assert stale_after(None, gaps) == limit
