"""The bodies of N patients, all stepped at once."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.random import SeedSequence, default_rng

from icu.patient.body import care, fluctuation, illness
from icu.patient.body.bounds import bounded
from icu.patient.body.care import Care
from icu.patient.body.chance import Chance
from icu.patient.body.circadian import tide
from icu.patient.body.fluctuation import Fluctuation
from icu.patient.body.illness import Illness
from icu.patient.body.population import admit
from icu.patient.body.signs import Floats
from icu.patient.scenarios import Scenario

LONGEST_STEP: Final = 60.0
"""Seconds: what staff do and what befalls a patient is looked at no more seldom."""

BEFORE: Final = 7_200.0
_STRIDE: Final = 300.0
"""Seconds that pass before anybody looks, and in which steps: nobody comes to intensive care untreated."""

_WIDTH: Final = fluctuation.WIDTH + care.WIDTH + illness.WIDTH


class Body:
    """N patients. Equal seeds and steps give equal courses, whoever else is among them."""

    def __init__(
        self,
        people: Sequence[SeedSequence],
        courses: Sequence[SeedSequence],
        scenarios: Mapping[str, Scenario],
        *,
        start: float,
        rate: float = 0.0,
    ) -> None:
        """`people` are the seeds of who they are and `courses` of what becomes of them; `start` in seconds since 1970,
        UTC; `rate`: how often scenarios befall them, 1 as their files say."""
        self.now = start - BEFORE
        self.patients = [admit(default_rng(each)) for each in people]
        self._chance = Chance(courses, _WIDTH)
        self._baseline = np.stack([each.baseline for each in self.patients], axis=1)
        volatility = np.stack([each.volatility for each in self.patients], axis=1)
        first = self._chance.draw()
        self._fluctuation = Fluctuation(first[: fluctuation.WIDTH], volatility)
        self._phase = np.array([each.standard_normal() for each in self._chance.generators])
        self.care = Care(len(people))
        self.illness = Illness(scenarios, np.exp(self._baseline), rate)
        self.signs = self._signs()
        """What is true now, sign x patient, in the units of SIGNS."""
        while self.now < start:
            self.step(_STRIDE)

    @property
    def generators(self) -> Sequence[np.random.Generator]:
        """Each patient's own."""
        return self._chance.generators

    def step(self, seconds: float) -> None:
        """Let some time pass, no more than LONGEST_STEP where somebody looks."""
        self.now += seconds
        deviates = self._chance.draw()
        self._fluctuation.step(seconds, deviates[: fluctuation.WIDTH])
        self.care.step(seconds, self.signs, deviates[fluctuation.WIDTH : -1], withheld=self.illness.ill)
        self.illness.step(seconds, self.now, deviates[-1], self.generators)
        self.signs = self._signs()

    def _signs(self) -> Floats:
        factor, steadiness = self.illness.grip(self.now)
        wandering = self._fluctuation.now + tide(self.now, self._phase) + self.care.effect
        return np.exp(bounded(self._baseline + (1 - steadiness) * wandering)) * factor
