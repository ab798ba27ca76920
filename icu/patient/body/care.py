"""Care: treatments that staff give some time after a sign leaves its bounds, and nursing, which disturbs every patient.

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

# Remaining dose, as a share, below which another is given.
_REPEAT_BELOW: Final = 0.3

# Share of its full effect from which a treatment counts as visible.
_VISIBLE: Final = 0.1


class Treatment(NamedTuple):
    """A treatment by staff. Times are seconds, effects natural logarithms at the full dose."""

    name: str
    # Mean time until staff act.
    delay: float
    # Time constant of the effect's rise, and of its decay.
    onset: float
    wear: float
    effect: dict[int, float]
    # The indication: a sign that is `below` or `above` its threshold. None for a treatment that comes by itself.
    sign: int | None = None
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

# The table above as arrays, treatment first. A treatment without indication is indicated always.
_SIGN: Final = np.array([0 if each.sign is None else each.sign for each in TREATMENTS])
_BELOW: Final = np.array([[np.inf if each.sign is None else each.below] for each in TREATMENTS])
_ABOVE: Final = np.array([[each.above] for each in TREATMENTS])
_DELAY: Final = np.array([each.delay for each in TREATMENTS])
_ONSET: Final = np.array([each.onset for each in TREATMENTS])
_WEAR: Final = np.array([each.wear for each in TREATMENTS])
_EFFECT: Final = np.array([[each.effect.get(sign, 0.0) for each in TREATMENTS] for sign in range(len(SIGNS))])

# Normal deviates that a step takes for each patient.
WIDTH: Final = len(TREATMENTS)


class Course(NamedTuple):
    """Treatments of N patients after each of some steps, step x treatment x patient."""

    dose: Floats
    acting: Floats

    @property
    def effect(self) -> Floats:
        """Change of the logarithm of each sign, step x sign x patient."""
        effect: Floats = np.einsum("ik,tkn->tin", _EFFECT, self.acting)
        return effect


class Care:
    """Treatments of N patients, treatment x patient."""

    def __init__(self, patients: int) -> None:
        self._dose = np.zeros((len(TREATMENTS), patients))
        self._acting = np.zeros((len(TREATMENTS), patients))

    @property
    def acting(self) -> NDArray[np.bool_]:
        """Treatments whose effect is visible, treatment x patient."""
        return self._acting > _VISIBLE

    def course(self, seconds: float, steps: int) -> Course:
        """Compute the next steps, each of this length, if no new dose is given. Nothing is changed yet."""
        remaining, rise, _ = _pace(seconds)
        dose, acting = self._dose, self._acting
        course = Course(np.empty((steps, *dose.shape)), np.empty((steps, *acting.shape)))
        for step in range(steps):
            dose = np.multiply(dose, remaining, out=course.dose[step])
            acting = np.add(acting, rise * (dose - acting), out=course.acting[step])
        return course

    def given(
        self, seconds: float, course: Course, signs: Floats, deviates: Floats, *, withheld: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Choose the treatments that staff give at the end of each step, if they gave none before.

        Args:
            seconds: Length of a step.
            course: Without these doses.
            signs: Signs before each step, step x sign x patient, in the units of SIGNS.
            deviates: Step x WIDTH x patient.
            withheld: Patients that get no new dose.

        Returns:
            Step x treatment x patient.
        """
        chance_threshold = _pace(seconds)[2]
        chosen = (deviates > chance_threshold) & (course.dose < _REPEAT_BELOW) & ~withheld
        shown = signs[:, _SIGN]
        chosen &= (shown < _BELOW) | (shown > _ABOVE)
        return chosen

    def follow(self, course: Course, step: int, given: NDArray[np.bool_]) -> None:
        """Advance the time along a course up to one of its steps, at whose end these doses are given."""
        self._dose = course.dose[step] + given
        self._acting = course.acting[step].copy()


# Cached: almost all steps have the same length.
@lru_cache(maxsize=64)
def _pace(seconds: float) -> tuple[Floats, Floats, Floats]:
    """Share of each dose that remains, share of the rise towards it, and deviate above which staff act in this step."""
    chance_threshold = np.array([[threshold(seconds / each)] for each in _DELAY])
    return np.exp(-seconds / _WEAR)[:, None], -np.expm1(-seconds / _ONSET)[:, None], chance_threshold
