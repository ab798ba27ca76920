"""Patient role: a child emulates or replays patients, and sends their readings."""

import time
from functools import partial
from typing import TYPE_CHECKING, Final

from anyio.abc import TaskStatus
from msgspec.structs import replace

from icu.bootstrap.faces import face_context, with_face
from icu.bootstrap.roles.base import Role
from icu.bootstrap.shared import Shared
from icu.config.settings import PatientChild
from icu.supervisor.spec import Start
from icu.supervisor.view import WorkStatus
from icu.ward import children
from icu.ward.processes import Processes
from icu.ward.remote import OrderReceiver

if TYPE_CHECKING:
    from litestar import Litestar

    from icu.patient.patients import EmulatedPatients


def actor(child: PatientChild, shared: Shared) -> Start:
    """Build an emulator, with its HTTP face where the child has a port.

    Raises:
        ConfigurationError: The patients cannot be built as configured.
        RecordingError: The recording cannot be replayed.
    """
    from icu.bootstrap.emulated import emulated_patients
    from icu.patient.emulator import emulate
    from icu.patient.telemetry import Telemetry
    from icu.transports.sending import SendBuffer

    telemetry = shared.telemetry(Telemetry)
    patients = emulated_patients(
        child,
        shared.scenarios,
        interval=shared.settings.metrics_interval,
        telemetry=telemetry,
        launch=shared.launch,
    )
    emulator = partial(
        emulate,
        bays=patients.bays,
        buffer=SendBuffer(),
        transport=shared.transport,
        telemetry=telemetry,
        monotonic=time.monotonic,
    )
    registered = partial(_run_registered, emulator, str(child.id), patients, shared)
    return with_face(registered, child, partial(app, patients, shared, child.host), shared)


async def _run_registered(
    emulator: Start, child_id: str, patients: "EmulatedPatients", shared: Shared, *, task_status: TaskStatus[None]
) -> None:
    """Run an emulator, and register its patients meanwhile.

    Not registered when they are built: a child that is built for a change of the ward may never run.
    """
    shared.patients[child_id] = patients
    try:
        await emulator(task_status=task_status)
    finally:
        if shared.patients.get(child_id) is patients:  # else a replacement has registered its own
            del shared.patients[child_id]


def app(patients: "EmulatedPatients", shared: Shared, host: str) -> "Litestar":
    """Build the HTTP face of the patients."""
    from icu.patient.bedside import create_app

    return create_app(face_context(shared, host), patients=patients)


def work_status(shared: Shared) -> WorkStatus:
    """Return the status of sending."""
    return WorkStatus(shared.transport.sending_trouble, shared.transport.sending_degraded)


def patients(child: PatientChild, shared: Shared, processes: Processes) -> children.Patients:
    """Return the patients of a child in this process or in its own, for orders."""
    from icu.bootstrap.patients import LocalPatients, RemotePatients

    return RemotePatients(child, processes) if child.process else LocalPatients(child, shared.patients)


def repeatable(child: PatientChild) -> PatientChild:
    """Give a child with a past a seed: each life of its process simulates that past again, and must get the same."""
    if child.start is not None and child.seed is None:
        return replace(child, seed=int(child.start.timestamp()))
    return child


def order_receiver(shared: Shared) -> OrderReceiver:
    """Return the patients of this process's only child, for its supervisor's orders."""
    from icu.bootstrap.patients import ChildProcessPatients

    return ChildProcessPatients(shared.patients)


PATIENT: Final = Role(
    settings=PatientChild,
    grace=3.0,
    actor=actor,
    work_status=work_status,
    patients=patients,
    repeatable=repeatable,
    order_receiver=order_receiver,
)
