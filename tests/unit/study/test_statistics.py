"""The statistics equal those computed by hand."""

import math

import numpy as np
import pytest

from icu.patient.body.signs import Floats
from icu.study.statistics import SIGNS, statistics_of

HOURS = 24


def signs(**given: object) -> Floats:
    """Make two patients of a day with only these values, patients x hours x SIGNS."""
    result = np.full((2, HOURS, len(SIGNS)), np.nan)
    for name, values in given.items():
        result[:, :, SIGNS.index(name)] = values
    return result


def test_quantiles_are_of_all_hours() -> None:
    """Quantiles are of all hours: of one each from 51 to 98, the median lies between two."""
    statistics = statistics_of(signs(HR=np.arange(51, 99).reshape(2, HOURS)))
    assert statistics["q50.HR"] == 74.5
    assert statistics["q05.HR"] == pytest.approx(51 + 0.05 * 47)
    assert statistics["q99.HR"] == pytest.approx(51 + 0.99 * 47)


def test_spread_is_told_from_difference() -> None:
    """Constant pulses of 60 and 80 give SD 14.14 between patients, and none within."""
    statistics = statistics_of(signs(HR=[[60] * HOURS, [80] * HOURS]))
    assert statistics["betweenSD.HR"] == pytest.approx(math.sqrt(200))
    assert statistics["withinSD.HR"] == 0
    assert statistics["dSD.HR"] == 0


def test_what_alternates() -> None:
    """A pulse that alternates each hour has an autocorrelation of -1 after an hour, and 1 after four."""
    statistics = statistics_of(signs(HR=np.tile([71.0, 69.0], (2, HOURS // 2))))
    assert statistics["acf1h.HR"] == pytest.approx(-1)
    assert statistics["acf4h.HR"] == pytest.approx(1)
    assert statistics["withinSD.HR"] == pytest.approx(math.sqrt(24 / 23))
    # 23 changes of each patient, 12 down and 11 up: mean -2/23, and the SD of 46 such values.
    assert statistics["dSD.HR"] == pytest.approx(math.sqrt((46 * 4 - 46 * (2 / 23) ** 2) / 45))


def test_correlations_within_and_between() -> None:
    """Breaths rise with the pulse within each patient, and fall with it between them."""
    wave = np.tile([1.0, -1.0], HOURS // 2)
    statistics = statistics_of(signs(HR=[60 + wave, 80 + wave], Resp=[20 + wave, 10 + wave]))
    assert statistics["within.HR~Resp"] == pytest.approx(1)
    assert statistics["between.HR~Resp"] == pytest.approx(-1)


def test_pressures() -> None:
    """120/60 has a pulse pressure of 60 and a mean of 80 by the rule of thirds: 83 and 77 are off it by 3."""
    mean = np.tile([83.0, 77.0], (2, HOURS // 2))
    statistics = statistics_of(signs(SBP=120, DBP=60, MAP=mean))
    assert statistics["PPmean"] == 60
    assert statistics["PPsd"] == 0
    assert statistics["MAPresSD"] == pytest.approx(3 * math.sqrt(48 / 47))


def test_news2_is_of_complete_hours() -> None:
    """One patient scores 0, the other 3 + 1 + 1 + 0 + 2 = 7 with one red sign, in the hours with a rate."""
    rate = np.where(np.arange(HOURS) % 2, np.nan, 21)
    statistics = statistics_of(
        signs(
            HR=[[70] * HOURS, [100] * HOURS],
            O2Sat=[[97] * HOURS, [91] * HOURS],
            Temp=[[37] * HOURS, [38.5] * HOURS],
            SBP=[[120] * HOURS, [120] * HOURS],
            Resp=[[16] * HOURS, rate],
        )
    )
    assert statistics["NEWS2p.mean"] == pytest.approx(7 / 3)
    assert statistics["NEWS2p.ge5"] == statistics["NEWS2p.ge7"] == statistics["NEWS2p.anyred"] == pytest.approx(1 / 3)


def test_fewer_than_twelve_values_make_no_mean() -> None:
    """A patient of 11 hours has no mean of their own, but their hours count among all."""
    values = np.full((2, HOURS), 60.0)
    values[1] = np.where(np.arange(HOURS) < 11, 80.0, np.nan)
    statistics = statistics_of(signs(HR=values))
    assert math.isnan(statistics["betweenSD.HR"])
    assert statistics["q95.HR"] == 80


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (3, 1), (3, HOURS)])
def test_nothing_measured_is_no_warning(shape: tuple[int, int]) -> None:
    """Missing values give no statistic, and no warning of NumPy, which would be an error here."""
    assert all(map(math.isnan, statistics_of(np.full((*shape, len(SIGNS)), np.nan)).values()))
