"""The scorecard tells simulated patients from noise, by the statistics of real ones."""

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
    """At least four of five statistics of simulated patients are inside, with any seed."""
    card = judge(simulated(Plan(seed=seed)))
    assert (card.patients, card.measured) == (200, 91)
    assert card.share >= 80


def test_noise_is_told_from_patients() -> None:
    """The same values in random order score far lower than the patients."""
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
    """Each kind of statistic has its documented band."""
    assert band(name, reference()[name]) == pytest.approx(width)


@pytest.mark.parametrize("plan", [Plan(patients=9), Plan(patients=50, hours=11)], ids=["patients", "hours"])
def test_too_few(plan: Plan) -> None:
    """Nine patients, or eleven hours, are too few for a scorecard."""
    with pytest.raises(RecordingError, match="a scorecard takes 10 of them at least"):
        judge(simulated(plan))


def test_the_fewest() -> None:
    """Ten patients of twelve hours have a scorecard, without a warning."""
    assert judge(simulated(Plan(patients=10, hours=12))).measured > 80
