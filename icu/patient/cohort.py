"""Patients who are stepped together, with their sensors: bodies in, observations out, and the truth beside them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import ceil, isnan
from uuid import UUID

import numpy as np
from numpy.random import SeedSequence

from icu.bounds import TICK
from icu.messages import SCHEMA_VERSION, Observation, Quality
from icu.patient.beds import Identity, Truth
from icu.patient.body import care
from icu.patient.body.body import LONGEST_STEP, Body
from icu.patient.scenarios import Scenario
from icu.patient.sensors import ARTEFACTS, Sensors, Shown
from icu.vitals.signs import format_blood_pressure


class Cohort:
    """N patients on one clock. Equal seeds, identities and steps give equal readings, whoever else is among them."""

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
        """`rate`: how often scenarios befall the patients, and `artefacts`: how often sensors fail; 1 as is usual.

        Without a seed the patients are who they are, but what happens to them is new each time.
        """
        self.identities = identities
        seeds = [_seeds(seed, each.uuid) for each in identities]
        people, courses, sensors = (list(each) for each in zip(*seeds, strict=True))
        self._body = Body(people, courses, scenarios, start=start.timestamp(), rate=rate)
        self._sensors = Sensors(sensors, self._body.now, self._body.signs, artefacts=artefacts)

    def step(self, seconds: float) -> None:
        """Let time pass."""
        steps = max(1, ceil(seconds / LONGEST_STEP))
        for _ in range(steps):
            self._body.step(seconds / steps)
            self._sensors.step(seconds / steps, self._body.now, self._body.signs)

    def show(self) -> Shown:
        """What the monitors show, as arrays."""
        return self._sensors.show(self._body.now, self._body.signs)

    def observe(self, timestamp: datetime, interval: float) -> list[Observation]:
        """What the monitors show, as messages: one of each patient. `interval`: seconds until the next."""
        shown = self.show()
        rows = shown.values.tolist()
        temperatures = [None if isnan(value) else value for value in rows.pop(3)]
        pulses, rates, saturations, systolics, diastolics, means = (
            [None if isnan(value) else int(value) for value in row] for row in rows
        )
        return [
            Observation(
                patient_uuid=identity.uuid,
                patient_name=identity.name,
                timestamp=timestamp,
                pulse=pulses[n],
                resp_rate=rates[n],
                bp=format_blood_pressure(systolics[n], diastolics[n]),
                map=means[n],
                bp_measured_at=measured,
                spo2=saturations[n],
                temperature=temperatures[n],
                quality=quality,
                interval=interval,
                schema_version=SCHEMA_VERSION,
            )
            for n, (identity, measured, quality) in enumerate(
                zip(self.identities, _measured(shown, timestamp), _qualities(shown), strict=True)
            )
        ]

    def begin_scenario(self, patient: int, scenario: Scenario | None) -> None:
        """Let a scenario befall the patient of this number now; None ends what does."""
        self._body.illness.begin_scenario(patient, scenario, self._body.now, self._body.generators[patient])

    def truth(self, patient: int) -> Truth:
        """What really goes on in the patient of this number."""
        return self._truth(patient, tuple(self._body.care.acting[:, patient].tolist()))

    def truths(self) -> list[Truth]:
        """What really goes on in each."""
        return [self._truth(*each) for each in enumerate(map(tuple, self._body.care.acting.T.tolist()))]

    def _truth(self, patient: int, acting: tuple[bool, ...]) -> Truth:
        scenario, phase = self._body.illness.current(patient)
        person = self._body.patients[patient]
        return Truth(scenario, phase, _event(acting), person.age, person.sex, person.condition)


@lru_cache(maxsize=1_024)
def _event(acting: tuple[bool, ...]) -> str:
    return ", ".join(name for name, acts in zip(care.NAMES, acting, strict=True) if acts)


def _seeds(seed: int | None, uuid: UUID) -> tuple[SeedSequence, SeedSequence, SeedSequence]:
    """Of who the patient is, of what befalls them, and of their sensors."""
    number = (seed or 0) % 2**64
    if seed is None:
        course, sensors = SeedSequence().spawn(2)
    else:
        course, sensors = SeedSequence([number, uuid.int, 1]), SeedSequence([number, uuid.int, 2])
    return SeedSequence([number, uuid.int]), course, sensors


def _measured(shown: Shown, timestamp: datetime) -> list[datetime | None]:
    """When each pressure was measured, where that is not the timestamp."""
    now = timestamp.timestamp()
    return [_moment(round(at, 3)) if now - at >= TICK.total_seconds() else None for at in shown.pressure_at.tolist()]


def _qualities(shown: Shown) -> list[Quality | None]:
    if not shown.failing.any() and not shown.pulseless.any():
        return [None] * len(shown.pulseless)
    states = np.vstack([shown.failing, shown.pulseless[None]]).T.tolist()
    return [_quality(tuple(state)) for state in states]


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


# As many as there may be patients: a monitor shows its last pressure until the next, and never again.
@lru_cache(maxsize=16_384)
def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
