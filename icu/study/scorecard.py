"""How near a set of vital signs is to real ones: its statistics beside those of 20,336 stays, each with a band.

Bands are wide enough for another hospital's patients and narrow enough to tell a body from noise. A statistic that
cannot be had (no such sign, too few values) counts neither way.
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

FEWEST_PATIENTS: Final = 10


class Judged(NamedTuple):
    """A statistic beside the reference's."""

    name: str
    reference: float
    # NaN where it cannot be had.
    measured: float
    # How far off it may be.
    band: float

    @property
    def inside(self) -> bool:
        """Whether it is near enough."""
        return abs(self.measured - self.reference) <= self.band


class Scorecard(NamedTuple):
    """All of them."""

    patients: int
    # In which anything was measured, of all patients.
    hours: int
    rows: Sequence[Judged]

    @property
    def measured(self) -> int:
        """How many statistics could be had."""
        return sum(not math.isnan(each.measured) for each in self.rows)

    @property
    def inside(self) -> int:
        """How many are within their bands."""
        return sum(each.inside for each in self.rows)

    @property
    def share(self) -> float:
        """The part of those that could be had, in percent."""
        return 100 * self.inside / self.measured


def judge(signs: Floats) -> Scorecard:
    """The scorecard of signs, patients x hours x SIGNS. RecordingError where there are too few to say anything."""
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
    """The statistics of real stays, by name."""
    return _read()["statistics"]


@cache
def _read() -> dict[str, dict[str, float]]:
    path = packaged("config", "reference", "icu_hourly_statistics.json")
    content: dict[str, dict[str, float]] = json.loads(path.read_text("utf-8"))
    return content


def band(name: str, value: float) -> float:
    """How far a statistic may be off the reference's value."""
    kind, _, sign = name.partition(".")
    if kind.startswith("q"):
        return 0.35 * _read()["spreads"][sign]
    if kind.startswith("acf") or kind in {"within", "between"}:
        return 0.15
    if kind == "NEWS2p":
        return 0.6 if sign == "mean" else max(0.5 * value, 0.02)
    return {"MAPresSD": 0.6, "PPmean": 0.25, "PPsd": 0.25}.get(kind, 0.35) * value
