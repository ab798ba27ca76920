"""Scorecard of a set of vital signs: its statistics beside those of 20,336 real stays, each with a band.

Bands are wide enough for another hospital's patients, and narrow enough to tell a body from noise. A statistic that
cannot be computed (no such sign, too few values) counts neither way.
"""

import json
import math
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

import numpy as np

from icu.config.load import packaged
from icu.patient.body.signs import Floats
from icu.patient.errors import RecordingError
from icu.study.statistics import FEWEST, statistics_of

# Patients with enough values that a scorecard needs.
FEWEST_PATIENTS: Final = 10


class Judged(NamedTuple):
    """A statistic beside the reference's."""

    name: str
    reference: float
    # NaN where it cannot be computed.
    measured: float
    # Largest difference to the reference that counts as inside.
    band: float

    @property
    def inside(self) -> bool:
        """True if the difference is within the band; False for NaN."""
        return abs(self.measured - self.reference) <= self.band


class Scorecard(NamedTuple):
    """All statistics of a set of vital signs."""

    patients: int
    # Hours of all patients in which anything was measured.
    hours: int
    rows: Sequence[Judged]

    @property
    def measured(self) -> int:
        """Number of statistics that could be computed."""
        return sum(not math.isnan(each.measured) for each in self.rows)

    @property
    def inside(self) -> int:
        """Number of statistics within their bands."""
        return sum(each.inside for each in self.rows)

    @property
    def share(self) -> float:
        """Share of the computed statistics that are within their bands, in percent."""
        return 100 * self.inside / self.measured


def judge(signs: Floats) -> Scorecard:
    """Make the scorecard of a set of vital signs.

    Args:
        signs: Patients x hours x SIGNS; NaN where nothing was measured.

    Raises:
        RecordingError: There are too few patients or hours.
    """
    there = np.isfinite(signs).any(axis=2)
    patients = int((there.sum(axis=1) >= FEWEST).sum())
    if patients < FEWEST_PATIENTS:
        raise RecordingError(
            f"{patients} of {len(signs)} patients have {FEWEST} hours or more: "
            f"a scorecard takes {FEWEST_PATIENTS} of them at least, and says little of fewer than 100"
        )
    statistics = statistics_of(signs)
    rows = [Judged(name, value, statistics[name], band(name, value)) for name, value in reference().items()]
    return Scorecard(len(signs), int(there.sum()), rows)


def reference() -> dict[str, float]:
    """Return the statistics of real stays, by name."""
    return _read()["statistics"]


@cache
def _read() -> dict[str, dict[str, float]]:
    path = packaged("config", "reference", "icu_hourly_statistics.json")
    content: dict[str, dict[str, float]] = json.loads(path.read_text("utf-8"))
    return content


def band(name: str, value: float) -> float:
    """Compute the largest difference to the reference that counts as inside.

    Args:
        name: Name of the statistic, such as `q50.HR`.
        value: The reference's value of it.
    """
    kind, _, sign = name.partition(".")
    # Quantiles: a share of the sign's spread, for a share of 37 Cel would let any temperature pass.
    if kind.startswith("q"):
        return 0.35 * _read()["spreads"][sign]
    # Correlations lie between -1 and 1, whatever the sign.
    if kind.startswith("acf") or kind in {"within", "between"}:
        return 0.15
    if kind == "NEWS2p":
        return 0.6 if sign == "mean" else max(0.5 * value, 0.02)
    return {"MAPresSD": 0.6, "PPmean": 0.25, "PPsd": 0.25}.get(kind, 0.35) * value
