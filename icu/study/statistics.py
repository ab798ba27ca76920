"""Statistics of hourly vital signs: those of `config/reference/icu_hourly_statistics.json`, by the same names.

Signs are one array, patients x hours x signs in the order of `SIGNS`; NaN where nothing was measured.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from icu.patient.body.signs import Floats
from icu.vitals import catalogue
from icu.vitals.news2 import chart
from icu.vitals.news2.chart import Bands

# Signs of the reference.
COMPARED: Final = tuple(each for each in catalogue.SIGNS if each.reference is not None)

# Names of COMPARED in the reference.
SIGNS: Final = tuple(each.reference for each in COMPARED if each.reference is not None)

# Percent.
QUANTILES: Final = (1, 5, 50, 95, 99)
# Lags of the autocorrelations, in hours.
LAGS: Final = (1, 4)

# Values that a patient's own mean and SD need.
FEWEST: Final = 12

# Pairs of signs that are correlated, within patients and between them.
_WITHIN: Final = ("HR~Resp", "HR~Temp", "HR~O2Sat", "O2Sat~Resp", "SBP~DBP", "SBP~MAP", "HR~SBP")
# NEWS2's bands of each sign.
_SCORED: Final[dict[str, Bands]] = {
    "HR": chart.PULSE,
    "O2Sat": chart.SPO2,
    "Temp": chart.TEMPERATURE,
    "SBP": chart.SYSTOLIC,
    "Resp": chart.RESP_RATE,
}


def statistics_of(signs: Floats) -> dict[str, float]:
    """Compute all statistics.

    Args:
        signs: Patients x hours x SIGNS.

    Returns:
        Values by name; NaN where there are too few values for a statistic.
    """
    result: dict[str, float] = {}
    own = _means(signs)
    deviations = signs - own[:, None]
    means = np.where(_often_measured(signs), own, np.nan)
    for number, name in enumerate(SIGNS):
        result |= _of_sign(name, signs[:, :, number], deviations[:, :, number], means[:, number])
    for pair in _WITHIN:
        one, other = (SIGNS.index(each) for each in pair.split("~"))
        result[f"within.{pair}"] = _correlation(deviations[:, :, one], deviations[:, :, other])
        result[f"between.{pair}"] = _correlation(means[:, one], means[:, other])
    return result | _of_pressure(signs) | _of_news2(signs)


def _of_sign(name: str, values: Floats, deviations: Floats, means: Floats) -> dict[str, float]:
    seen = _measured(values)
    quantiles = np.quantile(seen, [each / 100 for each in QUANTILES]) if seen.size else np.full(len(QUANTILES), np.nan)
    return {
        **{f"q{each:02}.{name}": float(value) for each, value in zip(QUANTILES, quantiles, strict=True)},
        f"betweenSD.{name}": _sd(means),
        f"withinSD.{name}": _typical_spread(deviations),
        **{f"acf{lag}h.{name}": _correlation(deviations[:, :-lag], deviations[:, lag:]) for lag in LAGS},
        f"dSD.{name}": _sd(np.diff(values, axis=1)),
    }


def _of_pressure(signs: Floats) -> dict[str, float]:
    systolic, mean, diastolic = (signs[:, :, SIGNS.index(each)] for each in ("SBP", "MAP", "DBP"))
    width = systolic - diastolic
    return {
        "MAPresSD": _sd(mean - (diastolic + width / 3)),
        "PPmean": _mean(_measured(width)),
        "PPsd": _sd(width),
    }


def _of_news2(signs: Floats) -> dict[str, float]:
    """Compute NEWS2 of the hours with all five signs, without its points for oxygen and consciousness."""
    columns = [SIGNS.index(each) for each in _SCORED]
    complete = signs[np.isfinite(signs[:, :, columns]).all(axis=2)]
    points = np.stack([_points(complete[:, SIGNS.index(name)], bands) for name, bands in _SCORED.items()])
    total = points.sum(axis=0)
    return {
        "NEWS2p.mean": _mean(total),
        "NEWS2p.ge5": _mean(total >= 5),
        "NEWS2p.ge7": _mean(total >= 7),
        "NEWS2p.anyred": _mean((points == 3).any(axis=0)),
    }


def _points(values: Floats, bands: Bands) -> NDArray[np.int64]:
    """Score many values as `Bands.score` does each of them."""
    hundredths = np.rint(values * 100).astype(np.int64)
    return np.array(bands.points)[np.searchsorted(bands.bounds, (hundredths + bands.step // 2) // bands.step)]


def _means(signs: Floats) -> Floats:
    """Compute the means of each patient, patients x signs; NaN where a patient has no value of a sign."""
    # By hand: nanmean warns of patients without values, and warnings are errors in tests.
    there = np.isfinite(signs)
    count = there.sum(axis=1)
    means = np.full(count.shape, np.nan)
    np.divide(np.where(there, signs, 0).sum(axis=1), count, out=means, where=count > 0)
    return means


def _typical_spread(deviations: Floats) -> float:
    """Compute the SD of the median patient."""
    often = deviations[_often_measured(deviations)]
    return float(np.median(np.nanstd(often, axis=1, ddof=1))) if len(often) else np.nan


def _often_measured(values: Floats) -> NDArray[np.bool_]:
    often: NDArray[np.bool_] = np.isfinite(values).sum(axis=1) >= FEWEST
    return often


def _measured(values: Floats) -> Floats:
    return values[np.isfinite(values)]


def _mean(values: NDArray[np.float64] | NDArray[np.int64] | NDArray[np.bool_]) -> float:
    return float(values.mean()) if values.size else np.nan


def _sd(values: Floats) -> float:
    seen = _measured(values)
    return float(seen.std(ddof=1)) if seen.size > 1 else np.nan


def _correlation(one: Floats, other: Floats) -> float:
    """Compute Pearson's correlation; NaN where one side does not vary."""
    both = np.isfinite(one) & np.isfinite(other)
    if not both.any() or np.ptp(one[both]) == 0 or np.ptp(other[both]) == 0:
        return np.nan
    return float(np.corrcoef(one[both], other[both])[0, 1])
