"""Orders of the supervisor to a child in a process of its own, over a socket of that process."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Final, Protocol, TypeVar
from uuid import UUID

import anyio
from msgspec import Meta

from icu.control.client import ANSWER_DEADLINE, ask
from icu.control.errors import NoAnswerError, NoSupervisorError
from icu.control.places import Place
from icu.control.protocol import Answer, ControlOrder, ScenarioRefused
from icu.control.server import accepting_orders
from icu.emulation import Emulation
from icu.supervisor.errors import SupervisionError
from icu.ward.emulation import ORDERS

# File name of the socket, in the folder that a process shares with its supervisor.
_NAME: Final = "orders"

# Patients in one order at most: the process does nothing else while it carries one out.
MAX_PATIENTS: Final = 100


_Answer = TypeVar("_Answer", bound=Answer)


class OrderReceiver(Emulation, Protocol):
    """Receiver of orders in a process with a single patient child."""

    def begin(self, patients: Sequence[UUID], scenario: str) -> dict[UUID, str]:
        """Begin a scenario for patients.

        Returns:
            Reasons by the uuids of patients for whom it did not begin.
        """


class BeginForPatients(ControlOrder, frozen=True, tag="begin"):
    """Begin a scenario for some patients of the process."""

    patients: Annotated[tuple[UUID, ...], Meta(max_length=1_000)]
    scenario: Annotated[str, Meta(min_length=1, max_length=200)]

    async def carry_out(self, receiver: OrderReceiver) -> ScenarioRefused:
        return ScenarioRefused(receiver.begin(self.patients, self.scenario))


def place_in(folder: Path) -> Place:
    """Return the place where a process accepts orders, for its supervisor.

    Args:
        folder: Folder that the two share.
    """
    return Place(folder / _NAME, private=False)


def accepting_supervisor_orders(
    receiver: OrderReceiver, environ: Mapping[str, str] = os.environ
) -> AbstractAsyncContextManager[None]:
    """Accept orders of the supervisor in this process while the context is open.

    Args:
        receiver: Carries the orders out.
        environ: Environment, which names the supervisor's socket for notifications.
    """
    return accepting_orders(Path(environ["NOTIFY_SOCKET"]).with_name(_NAME), receiver, (BeginForPatients, *ORDERS))


async def begin(child_id: str, place: Place, patients: Sequence[UUID], scenario: str) -> dict[UUID, str]:
    """Begin a scenario for patients of a process. Trouble with the process is a reason, not an error.

    Args:
        child_id: Id of the child, for the reasons.
        place: Place where its process accepts orders.
        patients: Uuids of the patients.
        scenario: Name of the scenario.

    Returns:
        Reasons by the uuids of patients for whom it did not begin.
    """
    refused: dict[UUID, str] = {}
    for start in range(0, len(patients), MAX_PATIENTS):
        try:
            order = BeginForPatients(tuple(patients[start : start + MAX_PATIENTS]), scenario)
            refused |= (await send(child_id, place, order, ScenarioRefused)).patients
        except SupervisionError as exc:
            # The orders before this one were answered: their patients keep their own outcome.
            return refused | dict.fromkeys(patients[start:], str(exc))
    return refused


async def send(child_id: str, place: Place, order: ControlOrder, kind: type[_Answer]) -> _Answer:
    """Send an order to a process, and return its answer.

    Args:
        child_id: Id of the child, for the errors.
        place: Place where its process accepts orders.
        order: The order.
        kind: The class of the answer.

    Raises:
        NoAnswerError: No answer came.
        OrderRefusedError: The process refused the order.
    """
    look = f"python -m icu status {child_id}"
    try:
        with anyio.fail_after(ANSWER_DEADLINE):
            return await ask([place], order, kind)
    except TimeoutError:
        raise NoAnswerError(
            f"{child_id} gave no answer within {ANSWER_DEADLINE:g} s, and may do so yet: {look}"
        ) from None
    except NoSupervisorError as exc:
        # An error of the socket, such as too many open files, says nothing about the process.
        if isinstance(exc.__cause__, OSError):
            raise NoAnswerError(f"{child_id} cannot be reached: {exc.__cause__.strerror}: {look}") from exc
        raise NoAnswerError(f"{child_id} ended before it had answered: {look}") from exc
