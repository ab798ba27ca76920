"""The statistics that a set of hourly vital signs is judged by: those of `config/reference/icu_hourly_statistics.json`.

Signs come as one array, patients x hours x signs in the order of `SIGNS`, NaN where nothing was measured.
"""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from icu.vitals import news2
from icu.vitals.news2 import Bands

Floats: TypeAlias = NDArray[np.float64]

SIGNS: Final = ("HR", "O2Sat", "Temp", "SBP", "MAP", "DBP", "Resp")
"""The reference's names: /min, %, Cel, three times mm[Hg], /min."""

QUANTILES: Final = (1, 5, 50, 95, 99)
LAGS: Final = (1, 4)
"""Hours."""

FEWEST: Final = 12
"""Values that a patient needs for a mean and an SD of their own."""

_WITHIN: Final = ("HR~Resp", "HR~Temp", "HR~O2Sat", "O2Sat~Resp", "SBP~DBP", "SBP~MAP", "HR~SBP")
_SCORED: Final[dict[str, tuple[Bands, int]]] = {
    "HR": (news2.PULSE, 0),
    "O2Sat": (news2.SPO2, 0),
    "Temp": (news2.TEMPERATURE, 1),
    "SBP": (news2.SYSTOLIC, 0),
    "Resp": (news2.RESP_RATE, 0),
}
"""The table of each sign, and the decimals that it knows."""


def statistics_of(signs: Floats) -> dict[str, float]:
    """All statistics by name; NaN where there are too few values for one."""
    result: dict[str, float] = {}
    means = _means(signs)
    deviations = signs - np.nanmean(_present(signs), axis=1, keepdims=True)
    for number, name in enumerate(SIGNS):
        result |= _of_sign(name, signs[:, :, number], deviations[:, :, number], means[:, number])
    for pair in _WITHIN:
        one, other = (SIGNS.index(each) for each in pair.split("~"))
        result[f"within.{pair}"] = _correlation(deviations[:, :, one], deviations[:, :, other])
        result[f"between.{pair}"] = _correlation(means[:, one], means[:, other])
    return result | _of_pressure(signs) | _of_news2(signs)


def _of_sign(name: str, values: Floats, deviations: Floats, means: Floats) -> dict[str, float]:
    seen = values[np.isfinite(values)]
    spreads = np.nanstd(_present(values)[_often_measured(values)], axis=1, ddof=1)
    return {
        **{f"q{each:02}.{name}": float(np.quantile(seen, each / 100)) for each in QUANTILES},
        f"betweenSD.{name}": float(np.nanstd(means, ddof=1)),
        f"withinSD.{name}": float(np.median(spreads)),
        **{f"acf{lag}h.{name}": _correlation(deviations[:, :-lag], deviations[:, lag:]) for lag in LAGS},
        f"dSD.{name}": float(np.nanstd(np.diff(values, axis=1), ddof=1)),
    }


def _of_pressure(signs: Floats) -> dict[str, float]:
    systolic, mean, diastolic = (signs[:, :, SIGNS.index(each)] for each in ("SBP", "MAP", "DBP"))
    width = systolic - diastolic
    return {
        "MAPresSD": float(np.nanstd(mean - (diastolic + width / 3), ddof=1)),
        "PPmean": float(np.nanmean(width)),
        "PPsd": float(np.nanstd(width, ddof=1)),
    }


def _of_news2(signs: Floats) -> dict[str, float]:
    """Of the hours in which all five signs were measured: without oxygen and consciousness."""
    columns = [SIGNS.index(each) for each in _SCORED]
    complete = signs[np.isfinite(signs[:, :, columns]).all(axis=2)]
    points = np.stack([_points(complete[:, SIGNS.index(name)], *_SCORED[name]) for name in _SCORED])
    total = points.sum(axis=0)
    return {
        "NEWS2p.mean": float(total.mean()),
        "NEWS2p.ge5": float((total >= 5).mean()),
        "NEWS2p.ge7": float((total >= 7).mean()),
        "NEWS2p.anyred": float((points == 3).any(axis=0).mean()),
    }


def _points(values: Floats, bands: Bands, decimals: int) -> NDArray[np.int64]:
    return np.array(bands.points)[np.searchsorted(bands.bounds, values.round(decimals))]


def _means(signs: Floats) -> Floats:
    """Patients x signs, NaN for those with too few values."""
    return np.where(_often_measured(signs), np.nanmean(_present(signs), axis=1), np.nan)


def _often_measured(values: Floats) -> NDArray[np.bool_]:
    often: NDArray[np.bool_] = np.isfinite(values).sum(axis=1) >= FEWEST
    return often


def _present(values: Floats) -> Floats:
    return values


def _correlation(one: Floats, other: Floats) -> float:
    both = np.isfinite(one) & np.isfinite(other)
    return float(np.corrcoef(one[both], other[both])[0, 1])
