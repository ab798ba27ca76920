"""Points of the Royal College of Physicians' chart 1, at both sides of every border."""

import pytest

from icu.vitals.news2 import chart
from icu.vitals.news2.chart import Bands

CHART: list[tuple[Bands, list[tuple[float, int]]]] = [
    (chart.RESP_RATE, [(0, 3), (8, 3), (9, 1), (11, 1), (12, 0), (20, 0), (21, 2), (24, 2), (25, 3), (60, 3)]),
    (chart.SPO2, [(50, 3), (91, 3), (92, 2), (93, 2), (94, 1), (95, 1), (96, 0), (100, 0)]),
    (chart.SYSTOLIC, [(0, 3), (90, 3), (91, 2), (100, 2), (101, 1), (110, 1), (111, 0), (219, 0), (220, 3), (300, 3)]),
    (
        chart.PULSE,
        [
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
    ),
    (
        chart.TEMPERATURE,
        [(30, 3), (35.0, 3), (35.1, 1), (36.0, 1), (36.1, 0), (38.0, 0), (38.1, 1), (39.0, 1), (39.1, 2), (42, 2)],
    ),
]


@pytest.mark.parametrize(("bands", "cells"), CHART, ids=["resp_rate", "spo2", "systolic", "pulse", "temperature"])
def test_the_chart(bands: Bands, cells: list[tuple[float, int]]) -> None:
    """Every cell of the chart, by its lowest and its highest value."""
    assert [(value, bands.score(value)) for value, _ in cells] == cells
