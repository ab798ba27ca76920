"""Scenarios of the patients: their current phase, and its influence on the signs.

Each sign is multiplied by a factor that moves towards the value at which the patient's own baseline would be on target.
The fluctuation about the baseline goes on in proportion, but less for a sign that is driven to a value: a ventricular
tachycardia leaves the rest of the body little influence on the pulse.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from icu.patient.body.circadian import DAY
from icu.patient.body.oxygen import pressure_at, saturation
from icu.patient.body.population import TYPICAL
from icu.patient.body.signs import OXYGEN, SIGNS, Floats
from icu.patient.body.thinning import threshold
from icu.patient.scenarios import Phase, Scenario

# Names of the signs in scenarios.
NAMES: Final = tuple("spo2" if each == "oxygen" else each for each in SIGNS)

# Share of a sign's fluctuation that a phase suppresses: one that drives it `to` a value, and one that changes it `by`
# an amount.
_STEADY_TO, _STEADY_BY = 0.7, 0.35

# Normal deviates that a step takes for each patient.
WIDTH: Final = 1


class Illness:
    """Scenarios of N patients. Times are seconds on the body's clock."""

    def __init__(self, scenarios: Mapping[str, Scenario], baselines: Floats, rate: float) -> None:
        """Begin without any scenario.

        Args:
            scenarios: All scenarios; those with `per_day` above 0 also begin by chance.
            baselines: The patients' own, sign x patient, in the units of SIGNS.
            rate: Factor on `per_day`.
        """
        patients = baselines.shape[1]
        self._baselines = baselines
        self._by_chance = [each for each in scenarios.values() if each.per_day > 0]
        self._weights = np.array([each.per_day for each in self._by_chance])
        self._per_second = rate * float(self._weights.sum()) / DAY
        self._scenario: list[Scenario | None] = [None] * patients
        self._phase = [0] * patients
        self._severity = np.ones(patients)
        # Factors and suppressed shares at the begin and at the target of the current phase.
        self._factor_from = np.ones((len(SIGNS), patients))
        self._factor_to = np.ones((len(SIGNS), patients))
        self._steady_from = np.zeros((len(SIGNS), patients))
        self._steady_to = np.zeros((len(SIGNS), patients))
        self._phase_start = np.zeros(patients)
        self._transition = np.ones(patients)
        self._phase_end = np.full(patients, np.inf)
        # Patients in a scenario.
        self.ill = np.zeros(patients, bool)
        # Spares the arrays' arithmetic while no patient is.
        self._anyone_ill = False

    def influence(self, now: float | Floats, patients: slice | int = slice(None)) -> tuple[Floats, Floats]:
        """Compute the influence of the scenarios on the signs.

        Args:
            now: Seconds on the body's clock; one, or step x 1 x 1.
            patients: All of them, or one.

        Returns:
            Factor on each sign, and suppressed share of its fluctuation, 0 to 1; both sign x patient, after the step if
            there are several.
        """
        factor_to, steady_to = self._factor_to[:, patients], self._steady_to[:, patients]
        if not self._anyone_ill:
            return factor_to, steady_to
        factor_from, steady_from = self._factor_from[:, patients], self._steady_from[:, patients]
        progress = np.clip((now - self._phase_start[patients]) / self._transition[patients], 0, 1)
        progress = progress * progress * (3 - 2 * progress)  # smoothstep: a phase begins and ends without a corner
        factor = factor_from + (factor_to - factor_from) * progress
        return factor, steady_from + (steady_to - steady_from) * progress

    def begin_scenario(self, patient: int, scenario: Scenario | None, now: float, generator: Generator) -> None:
        """Begin a scenario for a patient, in place of the current one; None ends that at once."""
        self._scenario[patient] = scenario
        self._severity[patient] = 1.0 if scenario is None else generator.uniform(*scenario.severity)
        self._enter(patient, 0, now)

    def current(self, patient: int) -> tuple[str, str]:
        """Names of the patient's current scenario and phase; empty without one."""
        scenario = self._scenario[patient]
        return ("", "") if scenario is None else (scenario.id, scenario.phase[self._phase[patient]].name)

    def changes(self, seconds: float, times: Floats, deviates: Floats) -> NDArray[np.bool_]:
        """Find the steps in which a phase is due or a scenario begins by chance, if none did before.

        Args:
            seconds: Length of a step.
            times: Ends of the steps.
            deviates: Step x patient.
        """
        falls_ill = (deviates > _chance_threshold(seconds * self._per_second)) & ~self.ill
        changes: NDArray[np.bool_] = np.any(falls_ill, axis=1)
        if self._anyone_ill:
            changes |= times >= self._phase_end.min()
        return changes

    def step(self, seconds: float, now: float, deviates: Floats, generators: Sequence[Generator]) -> None:
        """Enter the phases that are due at `now`, and begin scenarios by chance.

        Args:
            seconds: Length of the step.
            now: Time at its end.
            deviates: One for each patient.
            generators: One for each patient.
        """
        for patient in np.flatnonzero(self._phase_end <= now).tolist() if self._anyone_ill else ():
            self._enter(patient, self._phase[patient] + 1, now)
        fell_ill = deviates > _chance_threshold(seconds * self._per_second)
        for patient in np.flatnonzero(fell_ill & ~self.ill).tolist() if fell_ill.any() else ():
            generator = generators[patient]
            scenario = self._by_chance[generator.choice(len(self._by_chance), p=self._weights / self._weights.sum())]
            self.begin_scenario(patient, scenario, now, generator)

    def _enter(self, patient: int, number: int, now: float) -> None:
        # From the current values, not from the last targets: a new scenario may begin in the middle of a phase.
        self._factor_from[:, patient], self._steady_from[:, patient] = self.influence(now, patient)
        scenario = self._scenario[patient]
        if scenario is None or number == len(scenario.phase):
            self._scenario[patient] = None
            self._factor_from[:, patient] = self._factor_to[:, patient] = 1.0
            self._steady_from[:, patient] = self._steady_to[:, patient] = 0.0
            self._phase_end[patient] = np.inf
            self.ill[patient] = False
            self._anyone_ill = bool(self.ill.any())
            return
        phase = scenario.phase[number]
        self._phase[patient] = number
        self._factor_to[:, patient] = factors(phase, self._baselines[:, patient], self._severity[patient])
        self._steady_to[:, patient] = steadiness(phase)
        self._phase_start[patient], self._transition[patient] = now, phase.within
        self._phase_end[patient] = now + phase.within + phase.lasting
        self.ill[patient] = self._anyone_ill = True


# Cached: almost all steps have the same length.
@lru_cache(maxsize=64)
def _chance_threshold(expected: float) -> float:
    return threshold(expected)


def steadiness(phase: Phase) -> list[float]:
    """Compute the share of each sign's fluctuation that a phase suppresses at its target."""
    return [
        _STEADY_TO if getattr(phase.to, name) is not None else _STEADY_BY * (getattr(phase.by, name) is not None)
        for name in NAMES
    ]


def factors(phase: Phase, baseline: Floats, severity: float) -> Floats:
    """Compute the factor on each sign at a phase's target.

    Args:
        phase: Targets and changes.
        baseline: The patient's own signs, in the units of SIGNS.
        severity: Share of the way to the targets; may exceed 1.
    """
    goal = baseline.copy()
    for number, name in enumerate(NAMES):
        to, by = getattr(phase.to, name), getattr(phase.by, name)
        if to is not None:
            goal[number] = _target(_pressure(number, to), baseline[number], float(TYPICAL[number]))
        if by is not None:
            goal[number] = _changed(number, goal[number], by)
    # A target of 0, an arrest, is 0 at any severity; all others scale with it.
    return np.where(goal > 0, np.maximum(0.0, 1 + severity * (goal / baseline - 1)), 0.0)


def _pressure(sign: int, value: float) -> float:
    return float(pressure_at(value)) if sign == OXYGEN else value


def _target(target: float, own: float, typical: float) -> float:
    """The target, or the patient's own value where that is beyond it already: a bleeding never raises a pressure."""
    return min(target, own) if target < typical else max(target, own)


def _changed(sign: int, value: float, by: float) -> float:
    # Scenarios speak of saturation, the body of oxygen pressure.
    if sign == OXYGEN:
        return float(pressure_at(float(saturation(np.array(value))) + by))
    return value + by
