"""Cohorts and their readings, for tests."""

from collections.abc import Sequence

import numpy as np

from icu.config.load import packaged
from icu.messages import uuid_of_name
from icu.patient.body.signs import Floats
from icu.patient.cohort import Cohort
from icu.patient.patients import Identity
from icu.patient.scenarios import load_scenarios
from icu.patient.sensors import SHOWN
from tests.samples import START

SCENARIOS = load_scenarios(packaged("config", "scenarios"))


def cohort(
    patients: int | Sequence[str] = 1, *, seed: int | None = 7, rate: float = 0.0, artefacts: float = 0.0
) -> Cohort:
    """Make this number of patients, or those of these names."""
    names = [f"patient {number}" for number in range(patients)] if isinstance(patients, int) else patients
    identities = [Identity(uuid_of_name(name), name) for name in names]
    return Cohort(identities, SCENARIOS, start=START, seed=seed, rate=rate, artefacts=artefacts)


def course(patients: Cohort, steps: int, seconds: float = 5.0) -> dict[str, Floats]:
    """Return the readings by sign, step x patient."""
    shown = []
    for _ in range(steps):
        patients.step(seconds)
        shown.append(patients.show().values)
    return dict(zip(SHOWN, np.array(shown).transpose(1, 0, 2), strict=True))
