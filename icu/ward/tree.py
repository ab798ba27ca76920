"""Supervised ward, with the operations that orders ask for."""

import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias
from uuid import UUID

from icu.config.settings import Settings
from icu.control.protocol import Supervisors
from icu.emulation import State
from icu.supervisor.events import Handler
from icu.supervisor.tree import Supervisor
from icu.supervisor.view import ChildView
from icu.ward.changes import Changes, Members, describe_error
from icu.ward.children import Children
from icu.ward.events import log_event
from icu.ward.outcomes import Outcomes
from icu.ward.scenarios import Scenarios

_Order: TypeAlias = Callable[[Supervisor, str], Awaitable[None]]


class Ward:
    """A supervised ward."""

    def __init__(
        self,
        settings: Settings,
        members: Members,
        *,
        patients_grace: float,
        check_scenario: Callable[[str], object],
        reread: Callable[[], Settings] | None = None,
        on_event: Handler = lambda _: None,
        on_giving_up: Callable[[], None] = lambda: None,
    ) -> None:
        """Build the ward. Starts nothing yet.

        Args:
            settings: Settings with which the ward begins.
            members: Makes the children of settings.
            patients_grace: Seconds that all patients may take together to stop.
            check_scenario: Raises UnknownScenarioError for an unknown name.
            reread: Reads the settings anew; None to go on with the first ones.
            on_event: Called with each event of the supervisors.
            on_giving_up: Called before all are stopped because the root supervisor gives up.

        Raises:
            ConfigurationError: A child cannot run as it is configured.
        """
        self.children = Children(
            members(settings),
            settings.supervisor,
            patients_grace=patients_grace,
            on_event=[log_event, on_event],
            on_giving_up=on_giving_up,
        )
        self.changes = Changes(self.children, settings, members, reread)
        self.scenarios = Scenarios(self.children, check_scenario)
        self.outcomes = Outcomes(self.children)

    async def supervisors(self) -> Supervisors:
        """Return all children, with the rules of their supervisors."""
        return Supervisors(os.getpid(), self.children.rules, self.children.view(), await self.children.unready())

    def matching(self, patterns: Iterable[str]) -> list[ChildView]:
        """Return the children that match, for the log of the control socket. See `Children.matching`."""
        return self.children.matching(patterns)

    async def truth(self, patient: UUID) -> State:
        """Return the true state of a patient, from the child that emulates the patient. See `Emulation`."""
        return await self.scenarios.emulation_of(patient).truth(patient)

    async def change_scenario(self, patient: UUID, scenario: str) -> tuple[State, State]:
        """Begin a scenario for a patient, in the child that emulates the patient. See `Emulation`."""
        return await self.scenarios.emulation_of(patient).change_scenario(patient, scenario)

    async def start(self, *patterns: str) -> dict[str, str | None]:
        """Start the children that match, one after the other.

        Args:
            patterns: As for `Children.matching`.

        Returns:
            Problem of each child by its id; None for a child without one.

        Raises:
            UnknownChildError: A pattern matches no child; none is started then.
        """
        return await self._order(patterns, Supervisor.start_child)

    async def stop(self, *patterns: str) -> dict[str, str | None]:
        """Stop the children that match, the last one first, until an order starts them. As `start`."""
        return await self._order(patterns, Supervisor.stop_child, backwards=True)

    async def restart(self, *patterns: str) -> dict[str, str | None]:
        """Restart the children that match, one after the other. As `start`."""
        return await self._order(patterns, Supervisor.restart_child)

    async def _order(self, patterns: Sequence[str], order: _Order, *, backwards: bool = False) -> dict[str, str | None]:
        found = self.children.find(patterns)
        problems: dict[str, str | None] = {child.id: None for _, child in found}
        for owner, child in reversed(found) if backwards else found:
            try:
                self.children.refuse_while_down(owner)
                await order(owner, child.id)
            except KeyError:
                problems[child.id] = "it was removed meanwhile"
            except Exception as exc:  # noqa: BLE001 - the failure of one child must not keep the order from the others
                problems[child.id] = describe_error(exc)
        return problems
