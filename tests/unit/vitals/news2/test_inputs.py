"""Values that count at a time, and the score over time, compared with a naive search of all readings."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.vitals.news2.inputs import Ages, MaxAges, Row, Trend, score_at
from icu.vitals.news2.score import ASSUMED, Entered, Inputs, Measured

AGES = MaxAges().of(5)
HEALTHY = {"resp_rate": 1_600, "spo2": 9_800, "systolic": 12_000, "pulse": 7_200, "temperature": 3_660}
MINUTE = 60_000
HOUR = 60 * MINUTE


def row(time: int = 0, **values: Any) -> Row:
    """A healthy reading, or with other values."""
    return Row(time, **{**HEALTHY, **values})


def naive(rows: Sequence[Row], at: int, ages: Ages) -> Inputs:
    """Look for each sign through all readings, the newest first."""
    found: dict[str, Measured] = {}
    for sign, age in zip(Inputs._fields, ages, strict=True):
        values = [
            Measured(value, each.pressure_time if sign == "systolic" and each.pressure_time is not None else each.time)
            for each in rows
            if (value := getattr(each, sign)) is not None and each.time <= at
        ]
        if values:
            newest = max(each.time for each in values)
            if newest >= at - age:
                found[sign] = [each for each in values if each.time == newest][-1]
    return Inputs(**found)


@pytest.mark.parametrize(
    ("sign", "age"),
    [
        ("pulse", MINUTE),
        ("resp_rate", MINUTE),
        ("spo2", MINUTE),
        ("systolic", 30 * MINUTE),
        ("temperature", 4 * HOUR),
    ],
)
def test_a_value_counts_until_it_is_too_old(sign: str, age: int) -> None:
    """To its greatest age, that included; the other signs are measured again and stay."""
    again = Row(age, **{**HEALTHY, sign: None})
    assert score_at([row(), again], age, AGES).total == 0
    late = score_at([row(), again._replace(time=age + 1)], age + 1, AGES)
    assert (late.total, late.missing) == (None, [sign])


@pytest.mark.parametrize(
    ("interval", "seconds"), [(None, 60), (5, 60), (40, 60), (40.5, 60.75), (60, 90), (3_600, 5_400)]
)
def test_slow_senders_have_more_time(interval: float | None, seconds: float) -> None:
    """One and a half intervals, but a minute at least; pressure and temperature have their own."""
    ages = MaxAges().of(interval)
    assert ages.pulse == ages.resp_rate == ages.spo2 == seconds * 1_000
    assert (ages.systolic, ages.temperature) == (30 * MINUTE, 4 * HOUR)


def test_the_ages_can_be_set() -> None:
    """Each of the four."""
    ages = MaxAges(continuous=10, intervals=3, pressure=20, temperature=30)
    assert ages.of(2) == Ages(10_000, 10_000, 20_000, 10_000, 30_000)
    assert ages.of(4).pulse == 12_000


def test_the_last_valid_value_counts() -> None:
    """Of two the newer one; where the newest is flagged or absent the one before it."""
    rows = [row(0, pulse=4_000), row(5_000, pulse=13_500), row(10_000, pulse=None)]
    assert score_at(rows, 10_000, AGES).inputs.pulse == Measured(13_500, 5_000)
    assert score_at(rows, 4_999, AGES).inputs.pulse == Measured(4_000, 0)


def test_a_standing_cuff_value_ages() -> None:
    """A pressure that readings repeat is as old as its measurement, and nothing keeps it young."""
    rows = [row(time, systolic=8_000, pressure_time=0) for time in range(0, HOUR, 5_000)]
    assert score_at(rows, 30 * MINUTE, AGES).points["systolic"] == 3
    assert score_at(rows, 30 * MINUTE + 1, AGES).missing == ["systolic"]


def test_an_older_cuff_value_does_not_come_back() -> None:
    """A pressure that is sent again with an earlier time of measurement is ignored."""
    rows = [row(0, systolic=8_400), row(5_000, systolic=15_000, pressure_time=-1), row(10_000, systolic=None)]
    assert score_at(rows, 10_000, AGES).inputs.systolic == Measured(8_400, 0)


def test_a_corrected_cuff_value_counts() -> None:
    """Of two values of one measurement the one that came last."""
    rows = [row(0, systolic=8_400), row(5_000, systolic=15_000, pressure_time=0)]
    assert score_at(rows, 10_000, AGES).inputs.systolic == Measured(15_000, 0)


def test_a_trend_holds_what_was_entered_then() -> None:
    """Oxygen counts from the time at which it was entered, and not before: until then air is assumed."""
    entries = [(2_000, Entered(oxygen=True, by="Eva")), (4_000, Entered(oxygen=False, by="Ivan"))]
    trend = Trend(range(0, 6_000, 1_000), AGES, entries)
    scores = [*trend.add([row(0)]), *trend.finish()]
    assert [each.total for each in scores] == [0, 0, 2, 2, 0, 0]
    assert [each.entered.by for each in scores] == [None, None, "Eva", "Eva", "Ivan", "Ivan"]


def test_a_trend_counts_the_reading_of_the_same_time() -> None:
    """A score at a time has the reading that was made then, and none of later."""
    trend = Trend(range(0, 3_000, 1_000), AGES)
    scores = [*trend.add([row(0), row(1_000, pulse=13_500), row(1_001, pulse=4_000)]), *trend.finish()]
    assert [each.points["pulse"] for each in scores] == [0, 3, 3]
    assert [each.inputs.pulse for each in scores][1:] == [Measured(13_500, 1_000), Measured(4_000, 1_001)]


def test_a_trend_without_readings() -> None:
    """Each time has an answer: all is missing, and nothing is zero points of risk."""
    scores = Trend(range(0, 3_000, 1_000), AGES).finish()
    assert [(each.time, each.total, each.category, len(each.missing)) for each in scores] == [
        (0, None, None, 5),
        (1_000, None, None, 5),
        (2_000, None, None, 5),
    ]


sign = st.one_of(st.none(), st.sampled_from([0, 3_450, 3_950, 8_950, 9_150, 9_600, 12_345, 25_000]))


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Readings in order, with gaps as long as each greatest age."""
    rows, time = [], 0
    for gap in draw(st.lists(st.sampled_from([1, 5_000, 59_999, MINUTE, 29 * MINUTE, HOUR, 4 * HOUR]), max_size=12)):
        time += gap
        behind = draw(st.one_of(st.none(), st.sampled_from([0, 5_000, 30 * MINUTE])))
        rows.append(
            Row(
                time,
                **{name: draw(sign) for name in Inputs._fields},
                pressure_time=None if behind is None else time - behind,
            )
        )
    return rows


@given(histories(), st.integers(0, 9 * HOUR), st.sampled_from([None, 5, 100]))
def test_one_time_as_a_naive_search_finds_it(rows: list[Row], at: int, interval: float | None) -> None:
    """At any time, also between readings and before the first."""
    ages = MaxAges().of(interval)
    found = score_at(rows, at, ages)
    assert (found.inputs, found.time, found.entered) == (naive(rows, at, ages), at, ASSUMED)


@given(histories(), st.integers(0, HOUR), st.sampled_from([MINUTE, 7 * MINUTE, HOUR]), st.integers(1, 5))
def test_a_trend_is_the_score_at_each_time(rows: list[Row], first: int, every: int, piece: int) -> None:
    """However the readings are cut into pieces."""
    times = range(first, 6 * HOUR, every)
    trend = Trend(times, AGES)
    scores = [each for at in range(0, len(rows), piece) for each in trend.add(rows[at : at + piece])]
    scores += trend.finish()
    assert scores == [score_at(rows, time, AGES) for time in times]
