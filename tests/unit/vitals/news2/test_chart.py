"""Points and categories of the Royal College of Physicians' charts, at both sides of every border."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from icu.vitals.news2 import chart
from icu.vitals.news2.chart import Bands
from tests import news2_oracle as oracle

ROWS: dict[str, Bands] = {
    "resp_rate": chart.RESP_RATE,
    "spo2 scale 1": chart.SPO2,
    "spo2 scale 2 on air": chart.SPO2_ON_AIR,
    "spo2 scale 2 on oxygen": chart.SPO2_ON_OXYGEN,
    "systolic": chart.SYSTOLIC,
    "pulse": chart.PULSE,
    "temperature": chart.TEMPERATURE,
}
# Hundredths: beyond what each sign can be.
HIGHEST = 36_100

# Printed values, both ends of each field, and their points.
CELLS: dict[str, list[tuple[float, int]]] = {
    "resp_rate": [(0, 3), (8, 3), (9, 1), (11, 1), (12, 0), (20, 0), (21, 2), (24, 2), (25, 3), (60, 3)],
    "spo2 scale 1": [(50, 3), (91, 3), (92, 2), (93, 2), (94, 1), (95, 1), (96, 0), (100, 0)],
    "spo2 scale 2 on air": [(50, 3), (83, 3), (84, 2), (85, 2), (86, 1), (87, 1), (88, 0), (92, 0), (93, 0), (100, 0)],
    "spo2 scale 2 on oxygen": [
        (50, 3),
        (83, 3),
        (84, 2),
        (85, 2),
        (86, 1),
        (87, 1),
        (88, 0),
        (92, 0),
        (93, 1),
        (94, 1),
        (95, 2),
        (96, 2),
        (97, 3),
        (100, 3),
    ],
    "systolic": [(0, 3), (90, 3), (91, 2), (100, 2), (101, 1), (110, 1), (111, 0), (219, 0), (220, 3), (300, 3)],
    "pulse": [
        (0, 3),
        (40, 3),
        (41, 1),
        (50, 1),
        (51, 0),
        (90, 0),
        (91, 1),
        (110, 1),
        (111, 2),
        (130, 2),
        (131, 3),
        (200, 3),
    ],
    "temperature": [
        (30, 3),
        (35.0, 3),
        (35.1, 1),
        (36.0, 1),
        (36.1, 0),
        (38.0, 0),
        (38.1, 1),
        (39.0, 1),
        (39.1, 2),
        (42, 2),
    ],
}


@pytest.mark.parametrize("row", ROWS)
def test_the_chart(row: str) -> None:
    """Every cell of the chart, by its lowest and its highest value."""
    assert [(value, ROWS[row].score(round(100 * value))) for value, _ in CELLS[row]] == CELLS[row]


@pytest.mark.parametrize("row", ROWS)
def test_every_hundredth(row: str) -> None:
    """Every value that can be stored has the points that the printed chart gives it, halves rounded up."""
    bands = ROWS[row]
    assert [bands.score(value) for value in range(HIGHEST)] == [oracle.points(value, row) for value in range(HIGHEST)]


@pytest.mark.parametrize("row", ROWS)
def test_a_half_goes_up_at_every_border(row: str) -> None:
    """Half a step above the highest value of a field is in the next field, and a hundredth less is not."""
    bands = ROWS[row]
    for bound, (below, above) in zip(bands.bounds, pairwise(bands.points), strict=True):
        half = bound * bands.step + bands.step // 2
        assert (bands.score(half - 1), bands.score(half)) == (below, above), bound


@pytest.mark.parametrize(
    ("row", "hundredths", "rounded"),
    [
        ("spo2 scale 1", 9_140, 91),
        ("resp_rate", 9_050, 91),
        ("temperature", 3_605, 361),
        ("temperature", 3_604, 360),
        ("pulse", 4_050, 41),
        ("systolic", 9_049, 90),
    ],
)
def test_rounding(row: str, hundredths: int, rounded: int) -> None:
    """91.4 % is 91, 90.5 /min is 91 and 36.05 Cel is 36.1: to the steps of the chart, halves up."""
    assert ROWS[row].rounded(hundredths) == rounded


@pytest.mark.parametrize("value", [math.nan, 91.0, np.float64(91.5), np.nan, None])
def test_there_are_no_floats(value: Any) -> None:
    """NaN is no value with 3 points, and a float is not rounded to even: neither is taken at all."""
    for bands in ROWS.values():
        with pytest.raises(TypeError):
            bands.score(value)


def test_the_scales_of_the_saturation() -> None:
    """Oxygen changes scale 2 alone: 97 % is too much for a patient with hypercapnic failure on oxygen."""
    scores = {
        (scale, oxygen): chart.bands_of_spo2(scale, oxygen=oxygen).score(9_700)
        for scale in (1, 2)
        for oxygen in (False, True)
    }
    assert scores == {(1, False): 0, (1, True): 0, (2, False): 0, (2, True): 3}


@pytest.mark.parametrize(
    ("total", "highest", "category"),
    [
        (0, 0, "zero"),
        (1, 1, "low"),
        (4, 2, "low"),
        (3, 3, "low-medium"),
        (4, 3, "low-medium"),
        (5, 3, "medium"),
        (5, 2, "medium"),
        (6, 3, "medium"),
        (7, 2, "high"),
        (20, 3, "high"),
    ],
)
def test_categories(total: int, highest: int, category: str) -> None:
    """0, 1 to 4, a single 3 below a total of 5, 5 to 6, and 7 or more."""
    assert chart.category_of(total, highest) == category
