"""Fluctuation of the signs about their baselines, on four time scales at once, with correlated signs.

Each scale is an Ornstein-Uhlenbeck process, exact for any step. Spreads and correlations are fitted, by simulation, to
hourly statistics of 20,336 stays (config/reference) and, for the two fast scales, to the changes from minute to minute
of one bedside monitor over 32 h.
"""

from functools import lru_cache
from typing import Final

import numpy as np

from icu.patient.body.signs import SIGNS, Floats

# Time constants, seconds: the drift of a day, the course of an hour, minutes, breaths.
SCALES: Final = np.array([50_000.0, 9_000.0, 600.0, 80.0])

# SD of the logarithm, scale x sign.
#             pulse  resp   map    width  oxygen temperature
SPREADS = np.array([
    [0.102, 0.150, 0.094, 0.108, 0.21, 0.0165],
    [0.034, 0.080, 0.056, 0.075, 0.12, 0.0028],
    [0.015, 0.040, 0.035, 0.050, 0.05, 0.0004],
    [0.026, 0.095, 0.020, 0.030, 0.03, 0.0001],
])  # fmt: skip

# Sign x sign, the same on each scale.
CORRELATIONS = np.array([
    [1.00, 0.25, 0.22, 0.00, -0.13, 0.30],
    [0.25, 1.00, 0.08, 0.00, -0.13, 0.10],
    [0.22, 0.08, 1.00, 0.43, 0.00, 0.00],
    [0.00, 0.00, 0.43, 1.00, 0.00, 0.00],
    [-0.13, -0.13, 0.00, 0.00, 1.00, 0.00],
    [0.30, 0.10, 0.00, 0.00, 0.00, 1.00],
])  # fmt: skip

# Normal deviates that a step takes for each patient.
WIDTH: Final = len(SCALES) * len(SIGNS)


class Fluctuation:
    """Deviation of each patient's signs from their baselines, sign x patient, as logarithms."""

    def __init__(self, deviates: Floats, volatility: Floats) -> None:
        """Begin at a random state.

        Args:
            deviates: WIDTH x patient, normal: the stationary distribution.
            volatility: Factor on the spread, sign x patient; 1 for the median patient.
        """
        self._volatility = volatility
        self._state = deviates
        # Sign x (scale and source): independent processes in, correlated signs out.
        correlated = np.linalg.cholesky(CORRELATIONS)
        self._mix = np.concatenate([spread[:, None] * correlated for spread in SPREADS], axis=1)

    @property
    def now(self) -> Floats:
        """Deviation of each sign from its baseline, sign x patient."""
        deviation: Floats = self._volatility * np.einsum("ik,kn->in", self._mix, self._state)
        return deviation

    def steps(self, seconds: float, deviates: Floats) -> Floats:
        """Advance the time by some steps of equal length.

        Args:
            seconds: Length of a step.
            deviates: Step x WIDTH x patient.

        Returns:
            Deviations after each step, step x sign x patient.
        """
        kept, added = _pace(seconds)
        states = added * deviates
        for state in states:
            state += kept * self._state  # noqa: PLW2901 - in place
            self._state = state
        deviations: Floats = self._volatility * np.einsum("ik,tkn->tin", self._mix, states)
        return deviations


# Cached: almost all steps have the same length.
@lru_cache(maxsize=64)
def _pace(seconds: float) -> tuple[Floats, Floats]:
    """Share of the state that a step keeps, and size of the noise that keeps the variance at 1."""
    kept = np.repeat(np.exp(-seconds / SCALES), len(SIGNS))[:, None]
    return kept, np.sqrt(1 - kept**2)
