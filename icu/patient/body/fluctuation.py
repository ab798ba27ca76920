"""How the signs wander about their baselines: on four scales of time at once, dragging each other along.

Each scale is an Ornstein-Uhlenbeck process, exact for any step. Spreads and correlations are fitted, by simulation, to
hourly statistics of 20,336 stays (config/reference) and, for the two fast scales, to the changes from minute to minute
of one bedside monitor over 32 h.
"""

from functools import lru_cache
from typing import Final

import numpy as np

from icu.patient.body.signs import SIGNS, Floats

SCALES: Final = np.array([50_000.0, 9_000.0, 600.0, 80.0])
"""Seconds in which each scale forgets itself: the drift of a day, an hour's course, minutes, breaths."""

#             pulse  resp   map    width  oxygen temperature
SPREADS = np.array([
    [0.102, 0.150, 0.094, 0.108, 0.21, 0.0165],
    [0.034, 0.080, 0.056, 0.075, 0.12, 0.0028],
    [0.015, 0.040, 0.035, 0.050, 0.05, 0.0004],
    [0.026, 0.095, 0.020, 0.030, 0.03, 0.0001],
])  # fmt: skip
"""SD of the logarithm, scale x sign."""

CORRELATIONS = np.array([
    [1.00, 0.25, 0.22, 0.00, -0.13, 0.30],
    [0.25, 1.00, 0.08, 0.00, -0.13, 0.10],
    [0.22, 0.08, 1.00, 0.43, 0.00, 0.00],
    [0.00, 0.00, 0.43, 1.00, 0.00, 0.00],
    [-0.13, -0.13, 0.00, 0.00, 1.00, 0.00],
    [0.30, 0.10, 0.00, 0.00, 0.00, 1.00],
])  # fmt: skip
"""Between the signs, on each scale."""

WIDTH: Final = len(SCALES) * len(SIGNS)
"""Deviates that a step takes."""


class Fluctuation:
    """Where each patient's signs are off their baselines: logarithms, sign x patient."""

    def __init__(self, deviates: Floats, volatility: Floats) -> None:
        """`volatility` is how restless each patient is: sign x patient, 1 for the median patient."""
        self._volatility = volatility
        self._state = deviates
        drag = np.linalg.cholesky(CORRELATIONS)
        # Sign x (scale and source): from what wanders by itself to what the signs do.
        self._mix = np.concatenate([spread[:, None] * drag for spread in SPREADS], axis=1)

    @property
    def now(self) -> Floats:
        """The deviation of each sign, sign x patient."""
        deviation: Floats = self._volatility * np.einsum("ik,kn->in", self._mix, self._state)
        return deviation

    def step(self, seconds: float, deviates: Floats) -> None:
        """Let time pass; `deviates` is WIDTH x patients."""
        kept, added = _pace(seconds)
        self._state = kept * self._state + added * deviates


@lru_cache(maxsize=64)
def _pace(seconds: float) -> tuple[Floats, Floats]:
    kept = np.repeat(np.exp(-seconds / SCALES), len(SIGNS))[:, None]
    return kept, np.sqrt(1 - kept**2)
