"""Series of numbers as text, against the same with objects."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.monitor.formats.series import Series, Spacing, in_hundredths, in_tenths, is_empty

NUMBERS = st.lists(
    st.one_of(st.none(), st.just(0), st.integers(0, 40_000), st.integers(0, 4_000).map(lambda n: 10 * n)), min_size=1
)


def items(numbers: list[int | None]) -> str:
    """Items as the store has them."""
    return ",".join(json.dumps(each) for each in numbers)


@given(NUMBERS)
def test_whole_tenths(numbers: list[int | None]) -> None:
    """Are found, and made of hundredths, whatever stands beside them: zeros, and nothing; and back."""
    is_exact = all(each is None or each % 10 == 0 for each in numbers)
    assert (in_tenths(items(numbers), len(numbers)) is not None) == is_exact
    tens = [each if each is None else each // 10 * 10 for each in numbers]
    tenths = items([each if each is None else each // 10 for each in numbers])
    assert in_tenths(items(tens), len(tens)) == tenths
    assert in_hundredths(tenths) == items(tens)


@given(NUMBERS)
def test_what_is_empty(numbers: list[int | None]) -> None:
    """Is nothing but null."""
    assert is_empty(items(numbers), len(numbers)) == all(each is None for each in numbers)


@given(st.lists(NUMBERS, min_size=1), st.booleans())
def test_slices_are_joined(slices: list[list[int | None]], whole: bool) -> None:
    """Into one array, packed or not; as tenths as long as all values are."""
    series = Series(is_fine=whole)
    for place, each in enumerate(slices):
        series.add(items(each), len(each))
        if place % 2:
            series.pack()
    numbers = [number for each in slices for number in each]
    assert json.loads("".join(series.joined(tenths=False))) == numbers
    assert series.is_fine == (whole or any(each and each % 10 for each in numbers))
    if not series.is_fine:
        tenths = [each if each is None else each // 10 for each in numbers]
        assert json.loads("".join(series.joined(tenths=True))) == tenths


@given(
    st.lists(st.sampled_from([1_000, 1_000, 1_000, 5_000]), min_size=1, max_size=6),
    st.integers(1, 3),
)
def test_the_step_of_times(steps: list[int], size: int) -> None:
    """Is there where all are evenly spaced, however they come."""
    times = [7_000 + sum(steps[:place]) for place in range(len(steps))]
    found = Spacing()
    for begin in range(0, len(times), size):
        found.add(times[begin : begin + size])
    spaces = {after - before for before, after in pairwise(times)}
    assert (found.first, found.step) == (7_000, spaces.pop() if len(spaces) == 1 else None)


@pytest.mark.parametrize("times", [[], [5]])
def test_one_time_has_no_step(times: list[int]) -> None:
    """Nor has none."""
    found = Spacing()
    if times:
        found.add(times)
    assert found.step is None
