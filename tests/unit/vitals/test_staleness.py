"""From when on a patient's latest reading is stale."""

import pytest

from icu.vitals.staleness import stale_after


@pytest.mark.parametrize(("interval", "limit"), [(0.2, 15), (1, 15), (5, 15), (5.5, 16.5), (60, 180), (3_600, 10_800)])
def test_by_the_interval_that_the_sender_states(interval: float, limit: float) -> None:
    """Three of it, at least 15 s; how often the sender really sends does not matter."""
    assert stale_after(interval) == stale_after(interval, [100.0 * n for n in range(20)]) == limit


@pytest.mark.parametrize("count", range(11))
def test_before_ten_gaps(count: int) -> None:
    """An interval of 5 s counts: few gaps may be those of an outage."""
    assert stale_after(None, [3_600.0 * n for n in range(count)]) == 15


@pytest.mark.parametrize(
    ("gaps", "limit"),
    [
        ([10] * 10, 30),
        ([1] * 10, 15),
        ([10] * 5 + [20] * 5, 45),
        ([10] * 6 + [100_000] * 4, 30),
        ([1_000] * 5 + [10] * 10, 30),
        ([10] * 5 + [1_000] * 10, 3_000),
    ],
)
def test_by_the_median_of_the_last_ten_gaps(gaps: list[float], limit: float) -> None:
    """A few long gaps among them change nothing, nor do those before."""
    times = [float(sum(gaps[:place])) for place in range(len(gaps) + 1)]
    assert stale_after(None, times) == limit
