"""Who comes to intensive care: age, sex, what for, and the baselines that go with it."""

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.random import Generator

from icu.patient.body.signs import SIGNS, Floats


class Condition(NamedTuple):
    """Why a patient is there, how common that is, and how it moves the baselines (natural logarithms)."""

    name: str
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

AGE: Final = (61.6, 16.5)
"""Years, mean and SD, of the 40,336 stays of the PhysioNet/CinC Challenge 2019."""
YOUNGEST, OLDEST = 18.0, 95.0
MALE: Final = 0.56
"""Share, of the same stays."""

# The heart slows and the arteries stiffen with the years: per year beyond the mean.
_OF_AGE: Final = np.array([-0.0022, 0.0005, -0.0005, 0.0060, -0.0020, -0.00005])

TYPICAL = np.array([82.5, 17.6, 77.0, 59.0, 114.0, 37.0])
"""Medians: /min, /min, mm[Hg], mm[Hg], mm[Hg], Cel."""

SPREADS = np.array([0.140, 0.155, 0.120, 0.18, 0.28, 0.0108])
"""SD of the logarithm that age and condition leave over."""

CORRELATIONS = np.array([
    [1.00, 0.25, -0.03, -0.10, 0.00, 0.25],
    [0.25, 1.00, 0.00, 0.00, -0.20, 0.10],
    [-0.03, 0.00, 1.00, 0.33, 0.00, 0.00],
    [-0.10, 0.00, 0.33, 1.00, 0.00, 0.00],
    [0.00, -0.20, 0.00, 0.00, 1.00, 0.00],
    [0.25, 0.10, 0.00, 0.00, 0.00, 1.00],
])  # fmt: skip

RESTLESS = np.array([0.36, 0.33, 0.27, 0.27, 0.35, 0.30])
"""SD of the logarithm of how much more one patient's signs wander than another's."""

_SHARED: Final = 0.6
"""How much of that is common to all signs of one patient."""


class Patient(NamedTuple):
    """One of the population."""

    age: int
    sex: Literal["female", "male"]
    condition: str
    baseline: Floats
    """Natural logarithms, in the order of SIGNS."""
    volatility: Floats
    """How much its signs wander, 1 for the median patient."""


def _age(generator: Generator) -> float:
    while True:
        age = generator.normal(*AGE)
        if YOUNGEST <= age <= OLDEST:
            return age


def admit(generator: Generator) -> Patient:
    """Draw a patient."""
    age = _age(generator)
    sex: Literal["female", "male"] = "male" if generator.random() < MALE else "female"
    condition = CONDITIONS[generator.choice(len(CONDITIONS), p=[each.share for each in CONDITIONS])]
    own = np.linalg.cholesky(CORRELATIONS) @ generator.standard_normal(len(SIGNS))
    baseline = np.log(TYPICAL) + np.array(condition.shift) + _OF_AGE * (age - AGE[0]) + SPREADS * own
    restless = _SHARED * generator.standard_normal() + np.sqrt(1 - _SHARED**2) * generator.standard_normal(len(SIGNS))
    return Patient(int(age), sex, condition.name, baseline, np.exp(RESTLESS * restless))
