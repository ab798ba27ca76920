"""Valid times, from any source."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.bounds import from_epoch

MARCH_1970 = 60 * 86_400


@given(st.integers(MARCH_1970 * 1_000_000, 4_102_444_799_999_999))
def test_an_epoch_is_read_by_its_magnitude(microseconds: int) -> None:
    """Seconds, milliseconds and microseconds give the same moment, within their resolution."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    assert from_epoch(microseconds) == moment
    assert from_epoch(microseconds // 1_000) == moment.replace(microsecond=moment.microsecond // 1_000 * 1_000)
    assert from_epoch(microseconds // 1_000_000) == moment.replace(microsecond=0)
    assert abs(from_epoch(microseconds / 1_000_000) - moment) <= timedelta(microseconds=1)


@pytest.mark.parametrize(
    "count", [-1, -1e-9, -(2**63), 4_102_444_800_000_000, 2**63, 1e300, float("inf"), float("nan")]
)
def test_an_epoch_of_other_years_is_none(count: float) -> None:
    """Epochs before 1970 or after 2099 are refused in any unit, and nanoseconds too."""
    with pytest.raises(ValueError, match="outside the years 1970 to 2099"):
        from_epoch(count)
