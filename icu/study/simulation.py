"""Simulated data sets: the readings of the monitors of many patients, block by block.

Patients come one after the other, each with all readings. No patient depends on the others: they are simulated in
groups that fit in memory, and a patient is the same in a data set of ten as in one of a thousand.
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
from icu.patient.cohort import Cohort
from icu.patient.errors import UnknownScenarioError
from icu.patient.patients import Identity, Truth
from icu.patient.scenarios import Scenario, load_scenarios
from icu.patient.sensors import SHOWN
from icu.vitals import catalogue

# Fixed, so that the same arguments give the same data set on any day.
START: Final = datetime(2026, 1, 1, tzinfo=UTC)

_SIMULATED: Final = [each for each in catalogue.IN_DATA_SETS if each.name in SHOWN]
_PLACES: Final = [SHOWN.index(each.name) for each in _SIMULATED]

# Columns of a data set.
SIGNS: Final = tuple(each.data_set for each in _SIMULATED)
# Steps in one unit of each sign: values are stored as whole numbers of steps.
UNITS: Final = tuple(10**each.decimals for each in _SIMULATED)
HIGHEST: Final = tuple(int(each.limits.high) for each in _SIMULATED)
# Stored for a value that was not measured.
MISSING: Final = -1

# Namespace of the patients of data sets; the wards' is another, so that no patient of both has one uuid.
_PATIENTS: Final = UUID("0d6b5d0f-8c1e-4f0b-9d0c-3e0a5f2b7c44")

# Rows held in memory at once, at most.
_ROWS: Final = 2**22
# Patients stepped together; with more, a step no longer fits in the processor's cache.
_GROUP: Final = 512


class Plan(NamedTuple):
    """Size and contents of a data set."""

    patients: int = 200
    hours: float = 38.0
    # Seconds between two readings of a patient.
    every: float = 3_600.0
    seed: int = 0
    start: datetime = START
    # Scenario of every patient at the start; None for none.
    scenario: str | None = None
    # Frequency of scenarios by chance; 1 as their files say, 0 for none.
    scenario_rate: float = 1.0
    # Frequency of sensor failures; 1 as is usual, 0 for none.
    artefacts: float = 1.0

    @property
    def readings(self) -> int:
        """Number of readings of each patient; the last is before the end of the hours."""
        # To the millionth: 0.1 h are 360 s, also in floating point.
        return max(1, ceil(round(self.hours * 3_600 / self.every, 6)))

    def time(self, number: int) -> datetime:
        """Compute the time of a reading, counted from 0, by the emulator's rule: to the millisecond."""
        return self.start + timedelta(milliseconds=round(1_000 * number * self.every))


class Block(NamedTuple):
    """Readings of some patients at some times."""

    uuids: Sequence[UUID]
    times: Sequence[datetime]
    # Patients x times x SIGNS, in steps of UNITS; MISSING where there is none.
    values: NDArray[np.int16]
    # Patients x times, indices of `truths`; patients x 0 in an unlabelled data set.
    labels: NDArray[np.int32]
    truths: Sequence[Truth]

    @property
    def rows(self) -> int:
        """Number of readings."""
        return len(self.uuids) * len(self.times)

    def pieces(self, rows: int) -> Iterator["Block"]:
        """Split the block into smaller ones of at most this many rows, in the same order."""
        long = min(len(self.times), rows)
        wide = max(1, rows // long)
        for at in range(0, len(self.uuids), wide):
            some = slice(at, at + wide)
            for begin in range(0, len(self.times), long):
                then = slice(begin, begin + long)
                values, labels = self.values[some, then], self.labels[some, then]
                yield Block(self.uuids[some], self.times[then], values, labels, self.truths)


def patient(seed: int, number: int) -> Identity:
    """Make the identity of a patient: its uuid is the uuid5 of `SEED/NUMBER` in the namespace of data sets.

    Args:
        seed: Seed of the data set.
        number: From 1.
    """
    return Identity(uuid5(_PATIENTS, f"{seed}/{number}"), f"Patient {number}")


def blocks(plan: Plan, *, labelled: bool = False, on_rows: Callable[[int], None] | None = None) -> Iterator[Block]:
    """Simulate a data set, patient after patient.

    Args:
        plan: Size and contents.
        labelled: Add the true state of the patient to each reading.
        on_rows: Called with the number of rows simulated since its last call.

    Raises:
        UsageError: The data set would begin or end at an impossible time.
        UnknownScenarioError: There is no such scenario.
    """
    scenarios = load_scenarios(packaged("config", "scenarios"))
    plan = _checked(plan)
    if plan.scenario is not None and plan.scenario not in scenarios:
        raise UnknownScenarioError(plan.scenario, list(scenarios))
    scenario = None if plan.scenario is None else scenarios[plan.scenario]
    # Not a generator itself, so that errors are raised before the caller opens a file.
    return _blocks(plan, scenarios, scenario, labelled=labelled, on_rows=on_rows or (lambda _: None))


def cohorts(plan: Plan, scenarios: Mapping[str, Scenario], *, size: int = _GROUP) -> Iterator[Cohort]:
    """Make the patients of a plan, in groups of at most this size, before their first reading."""
    for first in range(0, plan.patients, size):
        numbers = range(first + 1, min(first + size, plan.patients) + 1)
        yield Cohort(
            [patient(plan.seed, number) for number in numbers],
            scenarios,
            start=plan.start,
            seed=plan.seed,
            rate=plan.scenario_rate,
            artefacts=plan.artefacts,
        )


def _blocks(
    plan: Plan,
    scenarios: Mapping[str, Scenario],
    scenario: Scenario | None,
    *,
    labelled: bool,
    on_rows: Callable[[int], None],
) -> Iterator[Block]:
    for cohort in cohorts(plan, scenarios, size=min(_GROUP, max(1, _ROWS // plan.readings))):
        for place in range(len(cohort.identities) if scenario else 0):
            cohort.begin_scenario(place, scenario)
        yield from _course(cohort, plan, labelled=labelled, on_rows=on_rows)


def _checked(plan: Plan) -> Plan:
    """Check the times of a plan, and convert its start to UTC."""
    try:
        plan = plan._replace(start=check_time(plan.start))
        check_time(plan.time(plan.readings - 1))
    except (ValueError, OverflowError) as exc:
        raise UsageError(f"the data set would begin or end at a time that {exc}") from exc
    return plan


def _course(cohort: Cohort, plan: Plan, *, labelled: bool, on_rows: Callable[[int], None]) -> Iterator[Block]:
    """Simulate one group: one block, or several for patients with very many readings."""
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
            values[:, place] = _in_steps(cohort)
            if labelled:
                # Equal states are stored once: there are few, and a label is an index of them.
                labels[:, place] = [truths.setdefault(each, len(truths)) for each in cohort.truths()]
            on_rows(patients)
        uuids = [each.uuid for each in cohort.identities]
        yield Block(uuids, [plan.time(number) for number in numbers], values, labels, list(truths))


def _in_steps(cohort: Cohort) -> NDArray[np.int16]:
    """Convert the values on the monitors to steps of UNITS, patients x SIGNS."""
    shown = cohort.show().values[_PLACES].T * UNITS
    # Rounded, for ten times a temperature such as 37.3 is not quite whole in floating point.
    return np.where(np.isnan(shown), MISSING, np.rint(shown)).astype(np.int16)
