"""Courses for pictures: one patient's signs over time, as the monitor shows them, with the phases of a scenario."""

from collections.abc import Sequence
from datetime import timedelta
from math import isinf
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from icu.config.load import packaged
from icu.patient.body.signs import Floats
from icu.patient.cohort import Cohort
from icu.patient.errors import UnknownScenarioError
from icu.patient.scenarios import Scenario, load_scenarios
from icu.patient.sensors import SHOWN
from icu.study.simulation import START, patient

# Readings of a course: a picture is not wide enough for more.
_POINTS: Final = 360
# Patients among whom the most ordinary one is sought.
_CANDIDATES: Final = 60
# Medians of the population, in the units of the signs.
_ORDINARY: Final = {
    "pulse": 84,
    "resp_rate": 18,
    "spo2": 98,
    "temperature": 37,
    "systolic": 120,
    "diastolic": 60,
    "map": 80,
}
# Share of a scenario's length that is shown before it, and again after it.
_LEAD: Final = 0.12
# Seconds shown of a phase that never ends.
_ENDLESS_PHASE: Final = 3_600.0
# Pictures begin at this time of day: at night the circadian rhythm would hide what a scenario does.
_MORNING: Final = timedelta(hours=9)


class Phase(NamedTuple):
    """A phase of a scenario; seconds from the beginning of the course."""

    name: str
    begin: float
    end: float


class Course(NamedTuple):
    """One patient's signs over time."""

    title: str
    # Time of each reading since the beginning of the course, or of the scenario where there is one.
    seconds: Floats
    # Sign x time, in the order of SHOWN; NaN where there is none.
    values: Floats
    # True where the pressure is a new measurement, and not the cuff's last one.
    measured: NDArray[np.bool_]
    phases: Sequence[Phase]


def day(number: int, seed: int, hours: float) -> Course:
    """Simulate some hours of a patient, with scenarios and artefacts by chance.

    Args:
        number: Number of the patient in a data set, from 1.
        seed: Seed of the data set.
        hours: Length of the course.
    """
    cohort = _cohort([number], seed, rate=1.0, artefacts=1.0)
    truth = cohort.truth(0)
    return _observe(cohort, f"{truth.sex}, {truth.age}, {truth.condition}", hours * 3_600)


def scenario(name: str, seed: int) -> Course:
    """Simulate a scenario at its usual severity, with some time before and after it.

    Raises:
        UnknownScenarioError: There is no such scenario.
    """
    known = load_scenarios(packaged("config", "scenarios"))
    if name not in known:
        raise UnknownScenarioError(name, list(known))
    chosen = known[name]
    phases = _phases(chosen)
    lead = _LEAD * phases[-1].end
    cohort = _cohort([_ordinary(seed)], seed)
    course = _observe(cohort, chosen.title, phases[-1].end + 2 * lead, chosen, lead)
    return course._replace(seconds=course.seconds - lead, phases=phases)


def _ordinary(seed: int) -> int:
    """Find the patient nearest to the medians, with an arterial line: a cuff would miss most of a scenario."""
    cohort = _cohort(range(1, _CANDIDATES + 1), seed)
    shown = cohort.show()
    values = shown.values[[SHOWN.index(sign) for sign in _ORDINARY]]
    distance = np.abs(np.log(values / np.array(list(_ORDINARY.values()))[:, None])).sum(axis=0)
    # A line measures now, a cuff measured earlier.
    by_line = shown.pressure_at == shown.pressure_at.max()
    return 1 + int(np.where(by_line, distance, np.inf).argmin())


def _cohort(numbers: Sequence[int], seed: int, *, rate: float = 0.0, artefacts: float = 0.0) -> Cohort:
    start = START + _MORNING
    scenarios = load_scenarios(packaged("config", "scenarios"))
    people = [patient(seed, number) for number in numbers]
    return Cohort(people, scenarios, start=start, seed=seed, rate=rate, artefacts=artefacts)


def _observe(cohort: Cohort, title: str, span: float, chosen: Scenario | None = None, lead: float = 0.0) -> Course:
    every = span / _POINTS
    values = np.empty((len(SHOWN), _POINTS))
    measured = np.zeros(_POINTS, bool)
    last = -np.inf
    for number in range(_POINTS):
        if chosen is not None and number * every >= lead:
            cohort.begin_scenario(0, chosen)
            chosen = None
        shown = cohort.show()
        values[:, number] = shown.values[:, 0]
        measured[number], last = shown.pressure_at[0] > last, shown.pressure_at[0]
        cohort.step(every)
    return Course(title, every * np.arange(_POINTS, dtype=np.float64), values, measured, ())


def _phases(chosen: Scenario) -> list[Phase]:
    phases = []
    begin = 0.0
    for each in chosen.phase:
        end = begin + each.within + (_ENDLESS_PHASE if isinf(each.lasting) else each.lasting)
        phases.append(Phase(each.name, begin, end))
        begin = end
    return phases
