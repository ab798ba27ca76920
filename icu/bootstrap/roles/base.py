"""Description of a role, for the supervised tree and for processes of one role."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from icu.bootstrap.shared import Shared
from icu.config.settings import Child
from icu.supervisor.spec import Start
from icu.supervisor.view import WorkStatus
from icu.ward.children import Patients
from icu.ward.processes import Processes
from icu.ward.remote import OrderReceiver

C = TypeVar("C", bound=Child)


def _unchanged(child: C) -> C:
    return child


async def _always(_child: C, _shared: Shared) -> None:
    return


def _no_trouble(_: Shared) -> WorkStatus:
    return WorkStatus()


@dataclass(frozen=True, slots=True, kw_only=True)
class Role(Generic[C]):
    """Description of a role: how its children are built, run and stopped."""

    # Struct of a child's settings. Its tag is the role's name.
    settings: type[C]
    # Seconds that a child may take to stop.
    grace: float
    # Builds the work of a child. May read files. Raises ConfigurationError for a child that cannot run as configured.
    actor: Callable[[C, Shared], Start]
    # Checks, before any child starts, that a child may run as configured. Raises ConfigurationError.
    check_start: Callable[[C, Shared], Awaitable[None]] = _always
    # Returns the status of that work in this process.
    work_status: Callable[[Shared], WorkStatus] = _no_trouble
    # True if the ward is not ready while a child is down. The child's own setting overrides it.
    critical: bool = False
    # True if several share their work, so that the ward is ready while one of them runs.
    is_shared: bool = False
    # False for a role that neither sends to the topic nor reads it.
    needs_transport: bool = True
    # Neighbouring children of the same stage stop together. Nothing flows between them, so no order is needed.
    stage: str | None = None
    # Returns the patients of a child, wherever it runs. Children of such a role belong to the patients' supervisor.
    patients: Callable[[C, Shared, Processes], Patients] | None = None
    # Completes the settings for a child in a process of its own, so that each life of the process is alike.
    repeatable: Callable[[C], C] = _unchanged
    # Makes the receiver of the supervisor's orders in a process of its own.
    order_receiver: Callable[[Shared], OrderReceiver] | None = None
    # True if a process of the role is not ready while the ward is not.
    ready_with_ward: bool = False
