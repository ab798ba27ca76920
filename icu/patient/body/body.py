"""Bodies of N patients, stepped together."""

from collections.abc import Iterator, Mapping, Sequence
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

# Patient-seconds between two treatments, about. Steps are computed together for as long as none is given: more of them
# would be computed in vain.
_CALM: Final = 4_000.0

_WIDTH: Final = fluctuation.WIDTH + care.WIDTH + illness.WIDTH


class Body:
    """N patients on one clock.

    Equal seeds and steps give equal courses, whatever other patients are stepped with them, and however many steps are
    asked for at a time: many at once cost little more than one.
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
        [first] = self._chance.draw()
        self._fluctuation = Fluctuation(first[: fluctuation.WIDTH], volatility)
        self._phase = np.array([each.standard_normal() for each in self._chance.generators])
        self.care = Care(len(people))
        self.illness = Illness(scenarios, np.exp(self._baseline), rate)
        # True values now, sign x patient, in the units of SIGNS. Monitors show them through sensors.
        self.signs = self._signs(self.now, self._fluctuation.now + circadian_effect(self.now, self._phase))
        self.steps(_WARM_UP_STEP, round(WARM_UP / _WARM_UP_STEP))

    @property
    def generators(self) -> Sequence[np.random.Generator]:
        """Random generators, one for each patient."""
        return self._chance.generators

    def steps(self, seconds: float, count: int) -> list[tuple[float, Floats]]:
        """Advance the time by some steps of equal length.

        Args:
            seconds: Length of a step; at most LONGEST_STEP while the signs are observed.
            count: Number of steps.

        Returns:
            Time and true signs after each step; sign x patient.
        """
        course: list[tuple[float, Floats]] = []
        at_once = max(1, int(_CALM / (seconds * len(self.patients))))
        while len(course) < count:
            course += self._steps(seconds, self._chance.draw(min(at_once, count - len(course))))
        return course

    def _steps(self, seconds: float, deviates: Floats) -> Iterator[tuple[float, Floats]]:
        """Advance the time by as many steps as there are deviates."""
        count = len(deviates)
        # Added one by one, as a clock does: a multiple of the step would differ by a rounding.
        times = np.add.accumulate([self.now, *[seconds] * count])[1:]
        # Of all steps at once: nothing that happens to a patient changes it.
        wandering = self._fluctuation.steps(seconds, deviates[:, : fluctuation.WIDTH])
        wandering += circadian_effect(times[:, None, None], self._phase)
        done = 0
        while done < count:
            rest = slice(done, None)
            signs = self._until_change(seconds, times[rest], wandering[rest], deviates[rest, fluctuation.WIDTH :])
            yield from zip(times[rest].tolist(), signs, strict=False)
            done += len(signs)

    def _until_change(self, seconds: float, times: Floats, wandering: Floats, deviates: Floats) -> Floats:
        """Advance the time up to the first step that changes treatments or scenarios, or to the last one.

        Returns:
            True signs after each of these steps, step x sign x patient.
        """
        course = self.care.course(seconds, len(times))
        wandering = wandering + course.effect
        signs = self._signs(times[:, None, None], wandering)
        # Staff react to the signs at the end of the last step, and give nothing new while a scenario goes on.
        before = np.concatenate([self.signs[None], signs[:-1]])
        given = self.care.given(seconds, course, before, deviates[:, :-1], withheld=self.illness.ill)
        changes = np.any(given, axis=(1, 2)) | self.illness.changes(seconds, times, deviates[:, -1])
        last = int(changes.argmax()) if changes.any() else len(times) - 1
        self.now = float(times[last])
        self.care.follow(course, last, given[last])
        if changes[last]:
            self.illness.step(seconds, self.now, deviates[last, -1], self.generators)
            signs[last] = self._signs(self.now, wandering[last])
        self.signs = signs[last]
        return signs[: last + 1]

    def _signs(self, now: float | Floats, wandering: Floats) -> Floats:
        # Limits are for the body by itself. A scenario multiplies afterwards: an arrest must be able to pass them.
        factor, steadiness = self.illness.influence(now)
        return np.exp(bounded(self._baseline + (1 - steadiness) * wandering)) * factor
