"""Patients that are stepped together, with their sensors: observations, and the truth beside them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import product
from math import ceil
from typing import Final
from uuid import UUID

import numpy as np
from numpy.random import SeedSequence

from icu.bounds import TICK
from icu.messages import SCHEMA_VERSION, Observation, Quality
from icu.patient.body import care
from icu.patient.body.body import LONGEST_STEP, Body
from icu.patient.body.signs import Floats
from icu.patient.patients import Identity, Truth
from icu.patient.scenarios import Scenario
from icu.patient.sensors import ARTEFACTS, SHOWN, Readout, Sensors, Shown
from icu.vitals.catalogue import BY_NAME
from icu.vitals.signs import format_blood_pressure

# Places in SHOWN of the signs that are no whole numbers.
_WITH_DECIMALS: Final = [number for number, sign in enumerate(SHOWN) if BY_NAME[sign].decimals]


class Cohort:
    """N patients on one clock.

    Equal seeds, identities and steps give equal readings, whatever other patients are in the cohort.
    """

    def __init__(
        self,
        identities: Sequence[Identity],
        scenarios: Mapping[str, Scenario],
        *,
        start: datetime,
        seed: int | None = None,
        rate: float = 0.0,
        artefacts: float = 0.0,
    ) -> None:
        """Admit the patients and connect their sensors.

        Args:
            identities: The patients.
            scenarios: Scenarios that may begin by chance.
            start: Time of the first step.
            seed: Without one, patients keep age and condition, but their courses differ each time.
            rate: Frequency of scenarios by chance; 1 as their files say, 0 for none.
            artefacts: Frequency of sensor failures; 1 as is usual, 0 for none.
        """
        self.identities = identities
        seeds = [_seeds(seed, each.uuid) for each in identities]
        people, courses, sensors = (list(each) for each in zip(*seeds, strict=True))
        self._body = Body(people, courses, scenarios, start=start.timestamp(), rate=rate)
        self._sensors = Sensors(sensors, self._body.now, self._body.signs, artefacts=artefacts)

    def step(self, seconds: float) -> None:
        """Advance the time by these seconds."""
        for _ in self._steps(seconds, 1):
            pass

    def show(self) -> Shown:
        """Return the values on the monitors, as arrays."""
        return Shown(*(each[0] for each in self._sensors.show([self._readout()])))

    def observe(self, times: Sequence[datetime], interval: float) -> list[Observation]:
        """Return the values on the monitors as observations, time after time, and one for each patient.

        Args:
            times: The time now, and those of later observations, to which the patients are stepped.
            interval: Seconds between two times, and until the next observations.
        """
        later = (self._sensors.read(*each) for each in self._steps(interval, len(times) - 1))
        shown = self._sensors.show([self._readout(), *later])
        # By name of sign, and not in a loop: this is made for each patient every few seconds.
        pulses, rates, saturations, temperatures, systolics, diastolics, means = _plain(shown.values)
        return [
            Observation(
                patient_uuid=identity.uuid,
                patient_name=identity.name,
                timestamp=timestamp,
                pulse=pulses[n],
                resp_rate=rates[n],
                bp=format_blood_pressure(systolics[n], diastolics[n]),
                map=means[n],
                bp_measured_at=measured_at,
                spo2=saturations[n],
                temperature=temperatures[n],
                quality=quality,
                interval=interval,
                schema_version=SCHEMA_VERSION,
            )
            for n, ((timestamp, identity), measured_at, quality) in enumerate(
                zip(product(times, self.identities), _pressure_times(shown, times), _qualities(shown), strict=True)
            )
        ]

    def _steps(self, seconds: float, count: int) -> Iterator[tuple[float, Floats]]:
        """Advance the time by `seconds`, this number of times. Yields the time and the true signs after each."""
        # In parts of equal length: treatments and scenarios begin only between steps.
        parts = max(1, ceil(seconds / LONGEST_STEP))
        for number, (now, signs) in enumerate(self._body.steps(seconds / parts, parts * count), 1):
            self._sensors.step(seconds / parts, now, signs)
            if number % parts == 0:
                yield now, signs

    def _readout(self) -> Readout:
        return self._sensors.read(self._body.now, self._body.signs)

    def begin_scenario(self, patient: int, scenario: Scenario | None) -> None:
        """Begin a scenario for a patient now; None ends the current one.

        Args:
            patient: Place in `identities`.
            scenario: Replaces the current scenario at once.
        """
        self._body.illness.begin_scenario(patient, scenario, self._body.now, self._body.generators[patient])

    def truth(self, patient: int) -> Truth:
        """Return the true state of the patient at this place in `identities`."""
        return self._truth_of(patient, tuple(self._body.care.acting[:, patient].tolist()))

    def truths(self) -> list[Truth]:
        """Return the true states of all patients, in order."""
        return [self._truth_of(*each) for each in enumerate(map(tuple, self._body.care.acting.T.tolist()))]

    def _truth_of(self, patient: int, acting: tuple[bool, ...]) -> Truth:
        scenario, phase = self._body.illness.current(patient)
        person = self._body.patients[patient]
        return Truth(scenario, phase, _event(acting), person.age, person.sex, person.condition)


# Cached: of all combinations of treatments few occur.
@lru_cache(maxsize=1_024)
def _event(acting: tuple[bool, ...]) -> str:
    return ", ".join(name for name, acts in zip(care.NAMES, acting, strict=True) if acts)


def _seeds(seed: int | None, uuid: UUID) -> tuple[SeedSequence, SeedSequence, SeedSequence]:
    """Make the seeds of a patient: of age and condition, of the course, and of the sensors."""
    # Mixed with the uuid, not with the place in the cohort: the patient is the same in any cohort. Without a seed the
    # first one is fixed all the same.
    number = (seed or 0) % 2**64
    if seed is None:
        course, sensors = SeedSequence().spawn(2)
    else:
        course, sensors = SeedSequence([number, uuid.int, 1]), SeedSequence([number, uuid.int, 2])
    return SeedSequence([number, uuid.int]), course, sensors


def _plain(values: Floats) -> list[list[float | None]]:
    """Convert values for messages: whole numbers without a fraction, None for NaN.

    Args:
        values: Time x sign x patient.

    Returns:
        A list for each sign, in the order of time and patient.
    """
    columns = values.swapaxes(0, 1).reshape(len(SHOWN), -1)
    missing = np.isnan(columns)
    plain: list[list[float | None]] = np.where(missing, 0, columns).astype(int).tolist()
    for number in _WITH_DECIMALS:
        plain[number] = columns[number].tolist()
    for sign, place in np.argwhere(missing).tolist():
        plain[sign][place] = None
    return plain


def _pressure_times(shown: Shown, times: Sequence[datetime]) -> list[datetime | None]:
    """Time of each pressure's measurement; None where it is the timestamp, as of an arterial line."""
    tick = TICK.total_seconds()
    return [
        _utc(at) if now - at >= tick else None
        for now, measured in zip([each.timestamp() for each in times], shown.pressure_at.tolist(), strict=True)
        for at in measured
    ]


def _qualities(shown: Shown) -> list[Quality | None]:
    if not shown.failing.any() and not shown.pulseless.any():
        return [None] * shown.pulseless.size
    states = np.concatenate([shown.failing, shown.pulseless[:, None]], axis=1).transpose(0, 2, 1)
    return [_quality(tuple(state)) for state in states.reshape(-1, states.shape[-1]).tolist()]


# Cached: one struct for each combination of artefacts.
@lru_cache(maxsize=64)
def _quality(state: tuple[bool, ...]) -> Quality | None:
    flags = {
        sign: artefact.flag
        for artefact, fails in zip(ARTEFACTS, state, strict=False)
        if fails
        for sign in artefact.signs
    }
    if state[-1]:
        flags["spo2"] = "low-perfusion"
    return Quality(**flags) if flags else None


# Cached, as many as there may be patients: a monitor shows the same cuff pressure until the next is measured.
@lru_cache(maxsize=16_384)
def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)
