"""Simulated data sets: what the monitors of so many patients would have sent, block by block.

Patients come one after the other, each with all of their time. As none depends on who lies beside, they are simulated
in groups that fit in memory, and a patient is the same in a data set of ten as in one of a thousand.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final, NamedTuple
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray

from icu.bounds import check_time
from icu.config.load import packaged
from icu.errors import UsageError
from icu.patient.beds import Identity, Truth
from icu.patient.cohort import Cohort
from icu.patient.errors import UnknownScenarioError
from icu.patient.scenarios import Scenario, load_scenarios
from icu.patient.sensors import SHOWN
from icu.vitals import catalogue

# Fixed, so that the same arguments give the same data set on any day.
START: Final = datetime(2026, 1, 1, tzinfo=UTC)

_SIMULATED: Final = [each for each in catalogue.IN_DATA_SETS if each.name in SHOWN]
_PLACES: Final = [SHOWN.index(each.name) for each in _SIMULATED]

SIGNS: Final = tuple(each.data_set for each in _SIMULATED)
# Values are whole numbers of which so many make one unit of the sign.
UNITS: Final = tuple(10**each.decimals for each in _SIMULATED)
HIGHEST: Final = tuple(int(each.limits.high) for each in _SIMULATED)
MISSING: Final = -1

# Not the namespace of the wards', whose patients are named otherwise.
_PATIENTS: Final = UUID("0d6b5d0f-8c1e-4f0b-9d0c-3e0a5f2b7c44")

# That are held at once at most.
_ROWS: Final = 2**22
# Patients who are stepped together; with more, a step no longer fits in the processor's cache.
_GROUP: Final = 512


class Plan(NamedTuple):
    """What to simulate."""

    patients: int = 200
    hours: float = 38.0
    # Seconds.
    every: float = 3_600.0
    seed: int = 0
    start: datetime = START
    # What befalls everybody at the start.
    scenario: str | None = None
    scenario_rate: float = 1.0
    artefacts: float = 1.0

    @property
    def readings(self) -> int:
        """Of each patient: the last is before the hours are over."""
        # To the millionth: 0.1 h are 360 s, whatever the floating point says.
        return max(1, ceil(round(self.hours * 3_600 / self.every, 6)))

    def time(self, number: int) -> datetime:
        """Of the reading of this number, from 0; the emulator's own rule."""
        return self.start + timedelta(milliseconds=round(1_000 * number * self.every))


class Block(NamedTuple):
    """Some patients at some times."""

    uuids: Sequence[UUID]
    times: Sequence[datetime]
    # Patients x times x SIGNS, in their UNITS; MISSING where there is none.
    values: NDArray[np.int16]
    # Patients x times, places in `truths`; empty where nobody asked.
    labels: NDArray[np.int32]
    truths: Sequence[Truth]

    @property
    def rows(self) -> int:
        """How many readings there are."""
        return len(self.uuids) * len(self.times)

    def pieces(self, rows: int) -> Iterator["Block"]:
        """Itself in the same order, about so many rows at a time."""
        long = min(len(self.times), rows)
        wide = max(1, rows // long)
        for at in range(0, len(self.uuids), wide):
            some = slice(at, at + wide)
            for begin in range(0, len(self.times), long):
                then = slice(begin, begin + long)
                values, labels = self.values[some, then], self.labels[some, then]
                yield Block(self.uuids[some], self.times[then], values, labels, self.truths)


def patient(seed: int, number: int) -> Identity:
    """Who a patient is: the uuid5 of `SEED/NUMBER` in a namespace of data sets; numbers begin with 1."""
    return Identity(uuid5(_PATIENTS, f"{seed}/{number}"), f"Patient {number}")


def blocks(plan: Plan, *, labelled: bool = False, told: Callable[[int], None] | None = None) -> Iterator[Block]:
    """The data set. `told` hears how many rows have been simulated since it was last told.

    UsageError and UnknownScenarioError where the plan cannot be.
    """
    scenarios = load_scenarios(packaged("config", "scenarios"))
    plan = _in_time(plan)
    if plan.scenario is not None and plan.scenario not in scenarios:
        raise UnknownScenarioError(plan.scenario, list(scenarios))
    scenario = None if plan.scenario is None else scenarios[plan.scenario]
    # Not a generator itself: a mistake is told before a file is opened.
    return _blocks(plan, scenarios, scenario, labelled=labelled, told=told or (lambda _: None))


def _blocks(
    plan: Plan,
    scenarios: Mapping[str, Scenario],
    scenario: Scenario | None,
    *,
    labelled: bool,
    told: Callable[[int], None],
) -> Iterator[Block]:
    size = min(_GROUP, max(1, _ROWS // plan.readings))
    for first in range(0, plan.patients, size):
        numbers = range(first + 1, min(first + size, plan.patients) + 1)
        cohort = Cohort(
            [patient(plan.seed, number) for number in numbers],
            scenarios,
            start=plan.start,
            seed=plan.seed,
            rate=plan.scenario_rate,
            artefacts=plan.artefacts,
        )
        for place in range(len(numbers) if scenario else 0):
            cohort.begin_scenario(place, scenario)
        yield from _course(cohort, plan, labelled=labelled, told=told)


def _in_time(plan: Plan) -> Plan:
    """The plan with its start in UTC."""
    try:
        plan = plan._replace(start=check_time(plan.start))
        check_time(plan.time(plan.readings - 1))
    except (ValueError, OverflowError) as exc:
        raise UsageError(f"the data set would begin or end at a time that {exc}") from exc
    return plan


def _course(cohort: Cohort, plan: Plan, *, labelled: bool, told: Callable[[int], None]) -> Iterator[Block]:
    """All of the time of one group: one block, or for a patient with very many readings several."""
    patients = len(cohort.identities)
    long = max(1, _ROWS // patients)
    for begin in range(0, plan.readings, long):
        numbers = range(begin, min(begin + long, plan.readings))
        values = np.empty((patients, len(numbers), len(SIGNS)), np.int16)
        labels = np.empty((patients, len(numbers) if labelled else 0), np.int32)
        truths: dict[Truth, int] = {}
        for place, number in enumerate(numbers):
            if number:
                cohort.step(plan.every)
            values[:, place] = _whole(cohort)
            if labelled:
                labels[:, place] = [truths.setdefault(each, len(truths)) for each in cohort.truths()]
            told(patients)
        uuids = [each.uuid for each in cohort.identities]
        yield Block(uuids, [plan.time(number) for number in numbers], values, labels, list(truths))


def _whole(cohort: Cohort) -> NDArray[np.int16]:
    """What the monitors show, patients x SIGNS."""
    shown = cohort.show().values[_PLACES].T * UNITS
    # Shown to the tenth, a temperature is the nearest to it that floating point knows, and ten of it seldom whole.
    return np.where(np.isnan(shown), MISSING, np.rint(shown)).astype(np.int16)
