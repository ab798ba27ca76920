"""The population of an intensive-care unit: age, sex, condition, and the baselines that go with them."""

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.random import Generator

from icu.emulation import Admission
from icu.patient.body.signs import SIGNS, Floats


class Condition(NamedTuple):
    """A reason for admission: its share of the patients, and its shift of the baselines (natural logarithms)."""

    name: Admission
    share: float
    shift: tuple[float, ...]


#                                        pulse  resp   map    width  oxygen temperature
CONDITIONS: Final = (
    Condition("surgery", 0.30, (0.00, -0.05, -0.01, 0.00, 0.08, -0.003)),
    Condition("cardiac", 0.20, (-0.03, 0.00, -0.03, -0.05, 0.00, -0.004)),
    Condition("sepsis", 0.15, (0.12, 0.10, -0.08, -0.03, -0.06, 0.009)),
    Condition("respiratory", 0.15, (0.05, 0.12, 0.01, 0.00, -0.14, 0.002)),
    Condition("neurological", 0.12, (-0.06, -0.03, 0.09, 0.08, 0.05, 0.002)),
    Condition("trauma", 0.08, (0.04, 0.00, 0.00, 0.00, 0.05, 0.004)),
)

# Years, mean and SD, of the 40,336 stays of the PhysioNet/CinC Challenge 2019.
AGE: Final = (61.6, 16.5)
# Years. An age outside is drawn again.
YOUNGEST, OLDEST = 18.0, 95.0
# Share, of the same stays.
MALE: Final = 0.56

# Change of the baselines per year beyond the mean age: the heart slows, the arteries stiffen.
_PER_YEAR: Final = np.array([-0.0022, 0.0005, -0.0005, 0.0060, -0.0020, -0.00005])

# Medians: /min, /min, mm[Hg], mm[Hg], mm[Hg], Cel.
TYPICAL = np.array([82.5, 17.6, 77.0, 59.0, 114.0, 37.0])

# SD of the logarithm of the baselines beside age and condition.
SPREADS = np.array([0.140, 0.155, 0.120, 0.18, 0.28, 0.0108])

# Of the same, sign x sign.
CORRELATIONS = np.array([
    [1.00, 0.25, -0.03, -0.10, 0.00, 0.25],
    [0.25, 1.00, 0.00, 0.00, -0.20, 0.10],
    [-0.03, 0.00, 1.00, 0.33, 0.00, 0.00],
    [-0.10, 0.00, 0.33, 1.00, 0.00, 0.00],
    [0.00, -0.20, 0.00, 0.00, 1.00, 0.00],
    [0.25, 0.10, 0.00, 0.00, 0.00, 1.00],
])  # fmt: skip

# SD among patients of the logarithm of their volatility.
VOLATILITY_SPREAD = np.array([0.36, 0.33, 0.27, 0.27, 0.35, 0.30])

# Weight of the part of the volatility that is common to all signs of one patient.
_COMMON_SHARE: Final = 0.6


class Patient(NamedTuple):
    """A patient of the population."""

    age: int
    sex: Literal["female", "male"]
    condition: Admission
    # Natural logarithms, in the order of SIGNS.
    baseline: Floats
    # Factor on the fluctuation of each sign; 1 for the median patient.
    volatility: Floats


def _age(generator: Generator) -> float:
    while True:
        age = generator.normal(*AGE)
        if YOUNGEST <= age <= OLDEST:
            return age


def admit(generator: Generator) -> Patient:
    """Draw a patient at random."""
    age = _age(generator)
    sex: Literal["female", "male"] = "male" if generator.random() < MALE else "female"
    condition = CONDITIONS[generator.choice(len(CONDITIONS), p=[each.share for each in CONDITIONS])]
    own = np.linalg.cholesky(CORRELATIONS) @ generator.standard_normal(len(SIGNS))
    baseline = np.log(TYPICAL) + np.array(condition.shift) + _PER_YEAR * (age - AGE[0]) + SPREADS * own
    common, single = generator.standard_normal(), generator.standard_normal(len(SIGNS))
    volatility = _COMMON_SHARE * common + np.sqrt(1 - _COMMON_SHARE**2) * single  # variance 1
    return Patient(int(age), sex, condition.name, baseline, np.exp(VOLATILITY_SPREAD * volatility))
