"""Orders to a child in a process of its own: those that people give to the ward, at a socket of the process's own."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Final, Protocol
from uuid import UUID

import anyio
from msgspec import Meta

from icu.control.client import ANSWER_DEADLINE, ask
from icu.control.errors import NoSupervisorError
from icu.control.places import Place
from icu.control.protocol import ControlOrder, ScenarioRefused
from icu.control.server import accepting_orders
from icu.supervisor.errors import SupervisionError

# Of the socket, which is in the folder that a process shares with its supervisor.
_NAME: Final = "orders"

# Patients of one order: a process does nothing else while it obeys.
MAX_PATIENTS: Final = 100


class OrderReceiver(Protocol):
    """A process that runs one child with patients."""

    def begin(self, patients: Sequence[UUID], scenario: str) -> dict[UUID, str]:
        """Begin a scenario for patients; those of them whom it does not befall, and why."""


class BeginForPatients(ControlOrder, frozen=True, tag="begin"):
    """Begin a scenario for patients of a process of its own, from its supervisor."""

    patients: Annotated[tuple[UUID, ...], Meta(max_length=1_000)]
    scenario: Annotated[str, Meta(min_length=1, max_length=200)]

    async def carry_out(self, receiver: OrderReceiver) -> ScenarioRefused:
        """Now."""
        return ScenarioRefused(receiver.begin(self.patients, self.scenario))


def place_in(folder: Path) -> Place:
    """Where a process takes orders, as its supervisor sees it."""
    return Place(folder / _NAME, private=False)


def accepting_supervisor_orders(
    receiver: OrderReceiver, environ: Mapping[str, str] = os.environ
) -> AbstractAsyncContextManager[None]:
    """Take orders in this process while the block runs. `ward` obeys them."""
    return accepting_orders(Path(environ["NOTIFY_SOCKET"]).with_name(_NAME), receiver, (BeginForPatients,))


async def begin(child_id: str, place: Place, patients: Sequence[UUID], scenario: str) -> dict[UUID, str]:
    """Begin a scenario for patients of a process; those of them whom it does not befall, and why."""
    refused: dict[UUID, str] = {}
    for start in range(0, len(patients), MAX_PATIENTS):
        try:
            refused |= await _ask(
                child_id, place, BeginForPatients(tuple(patients[start : start + MAX_PATIENTS]), scenario)
            )
        except SupervisionError as exc:
            return refused | dict.fromkeys(patients[start:], str(exc))
    return refused


async def _ask(child_id: str, place: Place, order: BeginForPatients) -> dict[UUID, str]:
    """Those who are refused. SupervisionError where no answer comes."""
    look = f"python -m icu status {child_id}"
    try:
        with anyio.fail_after(ANSWER_DEADLINE):
            return (await ask([place], order, ScenarioRefused)).patients
    except TimeoutError:
        raise SupervisionError(
            f"{child_id} gave no answer within {ANSWER_DEADLINE:g} s, and may do so yet: {look}"
        ) from None
    except NoSupervisorError as exc:
        if isinstance(exc.__cause__, OSError):
            raise SupervisionError(f"{child_id} cannot be reached: {exc.__cause__.strerror}: {look}") from exc
        raise SupervisionError(f"{child_id} ended before it had answered: {look}") from exc
