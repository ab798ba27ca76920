"""Beds for tests, and their HTTP face on a real port."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import anyio
from anyio import to_thread

from icu.config.load import packaged
from icu.http.asgi import serve
from icu.messages import uuid_of_name
from icu.patient.bedside import create_app
from icu.patient.cohort import Cohort
from icu.patient.patients import Bay, EmulatedPatients, Identity
from icu.patient.recordings.recording import Recording, Row
from icu.patient.replayed import ReplayedBay
from icu.patient.scenarios import load_scenarios
from icu.patient.simulated import SimulatedBay
from icu.vitals.catalogue import VitalSigns
from tests.faces import context
from tests.samples import START


def identity(name: str) -> Identity:
    """Make a patient."""
    return Identity(uuid_of_name(name), name)


def patients_of(names: Sequence[str], recorded: Sequence[str] = ()) -> EmulatedPatients:
    """Simulated and recorded patients, whom nobody reads as long as the test does not."""
    scenarios = load_scenarios(packaged("config", "scenarios"))
    cohort = Cohort([identity(each) for each in names], scenarios, start=START, seed=7)
    bays: list[Bay] = [SimulatedBay(cohort, interval=5, offset=0, start=START, launch=START, speed=1)]
    recording = Recording([Row(0.0, VitalSigns(pulse=70))], 0.0, 0)
    bays += [ReplayedBay(identity(each), recording, origin=START, speed=1) for each in recorded]
    return EmulatedPatients(bays, scenarios)


@asynccontextmanager
async def serving(patients: EmulatedPatients) -> AsyncIterator[str]:
    """The address at which the beds are served."""
    build = partial(create_app, context(), patients=patients)
    app = await to_thread.run_sync(build)
    async with anyio.create_task_group() as group:
        yield await group.start(partial(serve, app, host="127.0.0.1", port=0))
        group.cancel_scope.cancel()
