"""A role, as the supervised tree and a process of its own see it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from icu.bootstrap.shared import Shared
from icu.config.settings import Child
from icu.supervisor.spec import Start
from icu.supervisor.view import Condition
from icu.ward.children import Patients
from icu.ward.processes import Processes
from icu.ward.remote import Lone

C = TypeVar("C", bound=Child)


def _as_it_is(child: C) -> C:
    return child


def _well(_: Shared) -> Condition:
    return Condition()


@dataclass(frozen=True, slots=True, kw_only=True)
class Role(Generic[C]):
    """All that has to be known of a role to run its children."""

    settings: type[C]
    """The struct of a child, whose tag is the role's name."""
    grace: float
    """Seconds that a child may take to stop."""
    actor: Callable[[C, Shared], Start]
    """The work of a child, ready to be started. May read files. ConfigurationError where it cannot be had as it is
    configured."""
    condition: Callable[[Shared], Condition] = _well
    """How that work goes in this process."""
    critical: bool = False
    """True where the ward is not ready while a child is down, unless the child says otherwise."""
    needs_transport: bool = True
    """False where it neither sends nor reads what is on the topic."""
    stops_with_neighbours: bool = False
    """True where children that stand side by side are told to stop together: nothing runs between them."""
    patients: Callable[[C, Shared, Processes], Patients] | None = None
    """The patients of a child, if it has any, wherever it runs: it stands under the patients' supervisor then."""
    repeatable: Callable[[C], C] = _as_it_is
    """The child as each life of a process of its own is to have it."""
    obeys: Callable[[Shared], Lone] | None = None
    """Takes the supervisor's orders in a process of its own."""
    ready_with_ward: bool = False
    """True where a process of its own is not ready while the ward is not."""
