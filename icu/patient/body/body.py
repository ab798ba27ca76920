"""Bodies of N patients, stepped together."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.random import SeedSequence, default_rng

from icu.patient.body import care, fluctuation, illness
from icu.patient.body.bounds import bounded
from icu.patient.body.care import Care
from icu.patient.body.chance import Chance
from icu.patient.body.circadian import circadian_effect
from icu.patient.body.fluctuation import Fluctuation
from icu.patient.body.illness import Illness
from icu.patient.body.population import admit
from icu.patient.body.signs import Floats
from icu.patient.scenarios import Scenario

# Seconds. Treatments and scenarios begin at the end of a step, so a longer one would delay them.
LONGEST_STEP: Final = 60.0

# Seconds simulated before the start, and their step: a patient in intensive care has been treated already.
WARM_UP: Final = 7_200.0
_WARM_UP_STEP: Final = 300.0

_WIDTH: Final = fluctuation.WIDTH + care.WIDTH + illness.WIDTH


class Body:
    """N patients on one clock.

    Equal seeds and steps give equal courses, whatever other patients are stepped with them.
    """

    def __init__(
        self,
        people: Sequence[SeedSequence],
        courses: Sequence[SeedSequence],
        scenarios: Mapping[str, Scenario],
        *,
        start: float,
        rate: float = 0.0,
    ) -> None:
        """Draw the patients and simulate the time before the start.

        Args:
            people: Seeds of the patients' age, condition and baselines.
            courses: Seeds of the patients' courses, in the same order.
            scenarios: Scenarios that may begin by chance.
            start: Seconds since 1970, UTC.
            rate: Factor on the scenarios' own frequency; 0 for none by chance.
        """
        self.now = start - WARM_UP
        self.patients = [admit(default_rng(each)) for each in people]
        self._chance = Chance(courses, _WIDTH)
        self._baseline = np.stack([each.baseline for each in self.patients], axis=1)
        volatility = np.stack([each.volatility for each in self.patients], axis=1)
        # The fluctuation begins in its stationary state, not at the baseline.
        first = self._chance.draw()
        self._fluctuation = Fluctuation(first[: fluctuation.WIDTH], volatility)
        self._phase = np.array([each.standard_normal() for each in self._chance.generators])
        self.care = Care(len(people))
        self.illness = Illness(scenarios, np.exp(self._baseline), rate)
        # True values now, sign x patient, in the units of SIGNS. Monitors show them through sensors.
        self.signs = self._signs()
        while self.now < start:
            self.step(_WARM_UP_STEP)

    @property
    def generators(self) -> Sequence[np.random.Generator]:
        """Random generators, one for each patient."""
        return self._chance.generators

    def step(self, seconds: float) -> None:
        """Advance the time.

        Args:
            seconds: At most LONGEST_STEP while the signs are observed.
        """
        self.now += seconds
        deviates = self._chance.draw()
        self._fluctuation.step(seconds, deviates[: fluctuation.WIDTH])
        # Staff react to the signs at the end of the last step, and give nothing new while a scenario goes on.
        self.care.step(seconds, self.signs, deviates[fluctuation.WIDTH : -1], withheld=self.illness.ill)
        self.illness.step(seconds, self.now, deviates[-1], self.generators)
        self.signs = self._signs()

    def _signs(self) -> Floats:
        # Limits are for the body by itself. A scenario multiplies afterwards: an arrest must be able to pass them.
        factor, steadiness = self.illness.influence(self.now)
        wandering = self._fluctuation.now + circadian_effect(self.now, self._phase) + self.care.effect
        return np.exp(bounded(self._baseline + (1 - steadiness) * wandering)) * factor
