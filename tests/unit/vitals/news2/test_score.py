"""The score from the values that count, compared with a reading of the printed chart."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.vitals.news2.score import ASSUMED, SIGNS, Entered, Inputs, Measured, score
from tests import news2_oracle as oracle

HEALTHY = Inputs(*(Measured(value, 0) for value in (1_600, 9_800, 12_000, 7_200, 3_660)))

measured = st.one_of(st.none(), st.builds(Measured, st.integers(0, 36_000), st.just(0)))
inputs = st.builds(Inputs, *[measured] * len(SIGNS))
complete = st.builds(Inputs, *[st.builds(Measured, st.integers(0, 36_000), st.just(0))] * len(SIGNS))
entered = st.builds(
    Entered,
    oxygen=st.booleans(),
    consciousness=st.sampled_from(["alert", "confusion", "voice", "pain", "unresponsive"]),
    scale=st.sampled_from([1, 2]),
)


def expected(values: Inputs, entry: Entered) -> dict[str, int]:
    """Points by input, off the printed chart."""
    found = {
        sign.name: oracle.points(value.hundredths, oracle.row_of(sign.name, entry.scale, oxygen=entry.oxygen))
        for sign, value in zip(SIGNS, values, strict=True)
        if value is not None
    }
    return found | {"oxygen": 2 * entry.oxygen, "consciousness": 3 * (entry.consciousness != "alert")}


@given(inputs, entered)
def test_points_are_those_of_the_chart(values: Inputs, entry: Entered) -> None:
    """Each input has its own points, whatever else is there."""
    assert score(values, entry, 7).points == expected(values, entry)


@given(complete, entered)
def test_the_total_is_the_sum(values: Inputs, entry: Entered) -> None:
    """With all five signs there are a total and a category."""
    found, points = score(values, entry, 7), expected(values, entry)
    assert (found.total, found.sum, found.missing) == (sum(points.values()), sum(points.values()), [])
    assert found.category == oracle.category(list(points.values()))


@given(inputs.filter(lambda each: None in each), entered)
def test_without_a_sign_there_is_no_total(values: Inputs, entry: Entered) -> None:
    """There is a sum of what is there, and the names of what is not; a low sum is no low risk."""
    found = score(values, entry, 7)
    assert (found.total, found.category) == (None, None)
    assert found.missing == [sign.name for sign, value in zip(SIGNS, values, strict=True) if value is None]
    assert found.sum == sum(expected(values, entry).values())


@pytest.mark.parametrize("name", Inputs._fields)
def test_each_sign_is_needed(name: str) -> None:
    """A healthy patient has 0 points in all, and no total without any one of the five."""
    assert (score(HEALTHY, ASSUMED, 0).total, score(HEALTHY, ASSUMED, 0).category) == (0, "zero")
    found = score(HEALTHY._replace(**{name: None}), ASSUMED, 0)
    assert (found.total, found.sum, found.missing) == (None, 0, [name])


@pytest.mark.parametrize(
    ("entry", "points", "total", "category"),
    [
        ({}, {"oxygen": 0, "consciousness": 0}, 0, "zero"),
        ({"oxygen": True}, {"oxygen": 2, "consciousness": 0}, 2, "low"),
        ({"consciousness": "confusion"}, {"oxygen": 0, "consciousness": 3}, 3, "low-medium"),
        ({"consciousness": "voice"}, {"oxygen": 0, "consciousness": 3}, 3, "low-medium"),
        ({"consciousness": "pain", "oxygen": True}, {"oxygen": 2, "consciousness": 3}, 5, "medium"),
        ({"consciousness": "unresponsive", "oxygen": True, "scale": 2}, {"spo2": 3}, 8, "high"),
    ],
)
def test_what_people_enter(entry: dict[str, Any], points: dict[str, int], total: int, category: str) -> None:
    """Oxygen has 2 points, and whoever is not alert has 3, a single 3 among them."""
    found = score(HEALTHY, Entered(**entry), 0)
    assert found.points.items() >= points.items()
    assert (found.total, found.category) == (total, category)


def test_the_inputs_are_the_signs_of_the_chart() -> None:
    """The order of values, bands and names is one."""
    assert tuple(each.name for each in SIGNS) == Inputs._fields
