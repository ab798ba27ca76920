"""What staff do: treatments that follow a sign out of bounds after a while, and the nursing that disturbs everybody.

A treatment builds up and wears off as a drug does between two compartments. Thresholds are those at which intensive
care commonly acts (mean pressure: 65 mm[Hg] by the Surviving Sepsis Campaign 2021, acted on here when clearly missed);
delays and sizes are made up, plausibly.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from icu.patient.body.signs import MAP, OXYGEN, PULSE, RESP_RATE, SIGNS, TEMPERATURE, Floats
from icu.patient.body.thinning import threshold

_ONE_AT_A_TIME: Final = 0.3
"""What is left of a dose before another is given."""


class Treatment(NamedTuple):
    """A thing that staff do. Times in seconds; effects are natural logarithms at the full dose."""

    name: str
    delay: float
    """Until somebody acts, on average."""
    onset: float
    wear: float
    effect: dict[int, float]
    sign: int | None = None
    """The sign that calls for it; None: nothing does, it comes by itself."""
    below: float = -np.inf
    above: float = np.inf


TREATMENTS: Final = (
    Treatment("vasopressor", 600, 480, 14_400, {MAP: 0.20, PULSE: -0.03}, MAP, below=58),
    Treatment("antihypertensive", 900, 900, 14_400, {MAP: -0.16}, MAP, above=115),
    Treatment("oxygen", 240, 240, 10_800, {OXYGEN: 0.38, RESP_RATE: -0.06}, OXYGEN, below=63),
    Treatment("rate control", 1_200, 900, 18_000, {PULSE: -0.16}, PULSE, above=132),
    Treatment("antipyretic", 1_800, 2_400, 18_000, {TEMPERATURE: -0.020, PULSE: -0.06}, TEMPERATURE, above=38.6),
    Treatment("nursing", 9_000, 60, 360, {PULSE: 0.07, RESP_RATE: 0.14, MAP: 0.08, OXYGEN: -0.10}),
)
NAMES: Final = tuple(each.name for each in TREATMENTS)

_SIGN: Final = np.array([0 if each.sign is None else each.sign for each in TREATMENTS])
_BELOW: Final = np.array([[np.inf if each.sign is None else each.below] for each in TREATMENTS])
_ABOVE: Final = np.array([[each.above] for each in TREATMENTS])
_DELAY: Final = np.array([each.delay for each in TREATMENTS])
_ONSET: Final = np.array([each.onset for each in TREATMENTS])
_WEAR: Final = np.array([each.wear for each in TREATMENTS])
_EFFECT: Final = np.array([[each.effect.get(sign, 0.0) for each in TREATMENTS] for sign in range(len(SIGNS))])

WIDTH: Final = len(TREATMENTS)
"""Deviates that a step takes."""


class Care:
    """What staff have done to each patient, treatment x patient."""

    def __init__(self, patients: int) -> None:
        self._dose = np.zeros((len(TREATMENTS), patients))
        self._acting = np.zeros((len(TREATMENTS), patients))

    @property
    def effect(self) -> Floats:
        """What it adds to the logarithm of each sign, sign x patient."""
        effect: Floats = np.einsum("ik,kn->in", _EFFECT, self._acting)
        return effect

    @property
    def acting(self) -> NDArray[np.bool_]:
        """Which treatments show, treatment x patient."""
        return self._acting > 0.1

    def step(self, seconds: float, signs: Floats, deviates: Floats, *, withheld: NDArray[np.bool_]) -> None:
        """Let time pass, and act on `signs` (sign x patient). Patients `withheld` get only what they had."""
        left, rise, rare = _pace(seconds)
        self._dose *= left
        self._acting += rise * (self._dose - self._acting)
        shown = signs[_SIGN]
        called = (shown < _BELOW) | (shown > _ABOVE)
        given = called & (deviates > rare) & (self._dose < _ONE_AT_A_TIME) & ~withheld
        self._dose += given


@lru_cache(maxsize=64)
def _pace(seconds: float) -> tuple[Floats, Floats, Floats]:
    rare = np.array([[threshold(seconds / each)] for each in _DELAY])
    return np.exp(-seconds / _WEAR)[:, None], -np.expm1(-seconds / _ONSET)[:, None], rare
