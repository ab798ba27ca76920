"""What befalls the patients: where each is in a scenario, and how far that moves their signs.

Each sign is multiplied by a factor that seeks the one at which a patient's own baseline would be on target. What
wanders about the baseline goes on wandering, in proportion, but less where a sign is driven to a value: a ventricle
that runs away leaves the rest of the body little say.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.random import Generator

from icu.patient.body.circadian import DAY
from icu.patient.body.oxygen import pressure_at, saturation
from icu.patient.body.population import TYPICAL
from icu.patient.body.signs import OXYGEN, SIGNS, Floats
from icu.patient.body.thinning import threshold
from icu.patient.scenarios import Phase, Scenario

NAMES: Final = tuple("spo2" if each == "oxygen" else each for each in SIGNS)
"""What the signs are called in scenarios."""

_HELD_TO, _HELD_BY = 0.7, 0.35
"""How much less a sign wanders that is driven to a value, or by so much."""

WIDTH: Final = 1
"""Deviates that a step takes."""


class Illness:
    """The scenarios of N patients. Times are seconds, on the clock of the body."""

    def __init__(self, scenarios: Mapping[str, Scenario], baselines: Floats, rate: float) -> None:
        """`baselines` are each patient's own, sign x patient; `rate` multiplies the scenarios' `per_day`."""
        patients = baselines.shape[1]
        self._baselines = baselines
        self._drawn = [each for each in scenarios.values() if each.per_day > 0]
        self._weights = np.array([each.per_day for each in self._drawn])
        self._per_second = rate * float(self._weights.sum()) / DAY
        self._scenario: list[Scenario | None] = [None] * patients
        self._phase = [0] * patients
        self._severity = np.ones(patients)
        self._from = np.ones((len(SIGNS), patients))
        self._to = np.ones((len(SIGNS), patients))
        self._held_from = np.zeros((len(SIGNS), patients))
        self._held_to = np.zeros((len(SIGNS), patients))
        self._began = np.zeros(patients)
        self._within = np.ones(patients)
        self._ends = np.full(patients, np.inf)
        self.ill = np.zeros(patients, bool)
        """Who is in a scenario."""
        self._anybody = False

    def grip(self, now: float) -> tuple[Floats, Floats]:
        """What each sign is multiplied by, and how much of its wandering is held, 0 to 1; both sign x patient."""
        if not self._anybody:
            return self._to, self._held_to
        share = np.clip((now - self._began) / self._within, 0, 1)
        share = share * share * (3 - 2 * share)
        return self._from + (self._to - self._from) * share, self._held_from + (self._held_to - self._held_from) * share

    def begin(self, patient: int, scenario: Scenario | None, now: float, generator: Generator) -> None:
        """Let a scenario befall a patient, in place of what did; None ends it at once."""
        self._scenario[patient] = scenario
        self._severity[patient] = 1.0 if scenario is None else generator.uniform(*scenario.severity)
        self._enter(patient, 0, now)

    def told(self, patient: int) -> tuple[str, str]:
        """The scenario and the phase that a patient is in; empty where there is none."""
        scenario = self._scenario[patient]
        return ("", "") if scenario is None else (scenario.id, scenario.phase[self._phase[patient]].name)

    def step(self, seconds: float, now: float, deviates: Floats, generators: Sequence[Generator]) -> None:
        """Go on to the phases that are due at `now`, and let chance strike."""
        for patient in np.flatnonzero(self._ends <= now).tolist() if self._anybody else ():
            self._enter(patient, self._phase[patient] + 1, now)
        struck = deviates > _rare(seconds * self._per_second)
        for patient in np.flatnonzero(struck & ~self.ill).tolist() if struck.any() else ():
            generator = generators[patient]
            scenario = self._drawn[generator.choice(len(self._drawn), p=self._weights / self._weights.sum())]
            self.begin(patient, scenario, now, generator)

    def _enter(self, patient: int, number: int, now: float) -> None:
        factor, holding = self.grip(now)
        self._from[:, patient], self._held_from[:, patient] = factor[:, patient], holding[:, patient]
        scenario = self._scenario[patient]
        if scenario is None or number == len(scenario.phase):
            self._scenario[patient] = None
            self._from[:, patient] = self._to[:, patient] = 1.0
            self._held_from[:, patient] = self._held_to[:, patient] = 0.0
            self._ends[patient] = np.inf
            self.ill[patient] = False
            self._anybody = bool(self.ill.any())
            return
        phase = scenario.phase[number]
        self._phase[patient] = number
        self._to[:, patient] = factors(phase, self._baselines[:, patient], self._severity[patient])
        self._held_to[:, patient] = held(phase)
        self._began[patient], self._within[patient] = now, phase.within
        self._ends[patient] = now + phase.within + phase.lasting
        self.ill[patient] = self._anybody = True


@lru_cache(maxsize=64)
def _rare(expected: float) -> float:
    return threshold(expected)


def held(phase: Phase) -> list[float]:
    """How much of each sign's wandering a phase holds at its height."""
    return [
        _HELD_TO if getattr(phase.to, name) is not None else _HELD_BY * (getattr(phase.by, name) is not None)
        for name in NAMES
    ]


def factors(phase: Phase, baseline: Floats, severity: float) -> Floats:
    """What a patient of this baseline is to be multiplied by at the phase's height."""
    goal = baseline.copy()
    for number, name in enumerate(NAMES):
        to, by = getattr(phase.to, name), getattr(phase.by, name)
        if to is not None:
            goal[number] = _beyond(_pressure(number, to), baseline[number], float(TYPICAL[number]))
        if by is not None:
            goal[number] = _shifted(number, goal[number], by)
    # However severe, nothing is nothing.
    return np.where(goal > 0, np.maximum(0.0, 1 + severity * (goal / baseline - 1)), 0.0)


def _pressure(sign: int, value: float) -> float:
    return float(pressure_at(value)) if sign == OXYGEN else value


def _beyond(target: float, own: float, typical: float) -> float:
    """The target, unless the patient is beyond it already: a bleeding never raises a pressure."""
    return min(target, own) if target < typical else max(target, own)


def _shifted(sign: int, value: float, by: float) -> float:
    if sign == OXYGEN:
        return float(pressure_at(float(saturation(np.array(value))) + by))
    return value + by
