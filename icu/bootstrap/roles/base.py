"""A role, as the supervised tree and a process of its own see it."""

from collections.abc import Callable
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


def _no_trouble(_: Shared) -> WorkStatus:
    return WorkStatus()


@dataclass(frozen=True, slots=True, kw_only=True)
class Role(Generic[C]):
    """All that has to be known of a role to run its children."""

    # The struct of a child, whose tag is the role's name.
    settings: type[C]
    # Seconds that a child may take to stop.
    grace: float
    # The work of a child, ready to be started. May read files. ConfigurationError where it cannot be had as it is
    # configured.
    actor: Callable[[C, Shared], Start]
    # How that work goes in this process.
    work_status: Callable[[Shared], WorkStatus] = _no_trouble
    # True where the ward is not ready while a child is down, unless the child says otherwise.
    critical: bool = False
    # False where it neither sends nor reads what is on the topic.
    needs_transport: bool = True
    # True where children that stand side by side are told to stop together: nothing runs between them.
    stops_with_neighbours: bool = False
    # The patients of a child, if it has any, wherever it runs: it stands under the patients' supervisor then.
    patients: Callable[[C, Shared, Processes], Patients] | None = None
    # The child as each life of a process of its own is to have it.
    repeatable: Callable[[C], C] = _unchanged
    # Takes the supervisor's orders in a process of its own.
    order_receiver: Callable[[Shared], OrderReceiver] | None = None
    # True where a process of its own is not ready while the ward is not.
    ready_with_ward: bool = False
