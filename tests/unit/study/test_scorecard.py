"""Simulated patients are near real ones; what is not, is told so."""

import math

import numpy as np
import pytest

from icu.patient.errors import RecordingError
from icu.study.hourly import simulated
from icu.study.scorecard import band, judge, reference
from icu.study.simulation import Plan
from icu.study.statistics import SIGNS


@pytest.mark.parametrize("seed", range(1, 6))
def test_simulated_patients_are_near_real_ones(seed: int) -> None:
    """Four of five statistics at least, whichever patients they are."""
    card = judge(simulated(Plan(seed=seed)))
    assert (card.patients, card.measured) == (200, 91)
    assert card.share >= 80


def test_noise_is_told_from_patients() -> None:
    """The same values in any order within each sign: no patient is themself, and no hour like the one before."""
    signs = simulated(Plan(seed=1))
    flat = np.random.default_rng(0).permuted(signs.reshape(-1, len(SIGNS)), axis=0)
    assert judge(flat.reshape(signs.shape)).share < 60


def test_a_sign_that_nobody_measured_counts_neither_way() -> None:
    """Without temperatures there are fewer statistics, and the share is of those."""
    signs = simulated(Plan(seed=1))
    signs[:, :, SIGNS.index("Temp")] = np.nan
    card = judge(signs)
    lacking = [each.name for each in card.rows if math.isnan(each.measured)]
    assert card.measured == 91 - len(lacking) > 70
    assert "q50.Temp" in lacking
    assert not any(each.inside for each in card.rows if each.name in lacking)
    assert card.share == 100 * card.inside / card.measured


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("q95.HR", 0.35 * 17.3),
        ("q01.Temp", 0.35 * 0.77),
        ("acf4h.Resp", 0.15),
        ("within.HR~Resp", 0.15),
        ("between.SBP~MAP", 0.15),
        ("betweenSD.HR", 0.35 * 14.0541),
        ("dSD.HR", 0.35 * 7.6329),
        ("MAPresSD", 0.6 * 6.784),
        ("PPmean", 0.25 * 60.9258),
        ("NEWS2p.mean", 0.6),
        ("NEWS2p.ge5", 0.5 * 0.1343),
        ("NEWS2p.ge7", 0.02),
    ],
)
def test_bands(name: str, width: float) -> None:
    """As wide as they are said to be."""
    assert band(name, reference()[name]) == pytest.approx(width)


@pytest.mark.parametrize("plan", [Plan(patients=9), Plan(patients=50, hours=11)], ids=["patients", "hours"])
def test_too_few(plan: Plan) -> None:
    """Of nine patients, or of eleven hours, nothing can be said."""
    with pytest.raises(RecordingError, match="a scorecard takes 10 of them at least"):
        judge(simulated(plan))


def test_the_fewest() -> None:
    """Ten patients of twelve hours are judged, without a warning."""
    assert judge(simulated(Plan(patients=10, hours=12))).measured > 80
