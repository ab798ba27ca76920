"""What people may ask of a ward: each order is one entry here, from which server, client and command line are made.

Its name is the command's, its docstring the command's help, its fields are what the command is given and what travels.
"""

from typing import TYPE_CHECKING, Annotated, ClassVar, Final

from msgspec import Meta

from icu.config.settings import HIGHEST_COUNT
from icu.control.protocol import Children, ControlOrder, Done, Pattern, Patterns, ScenarioStarted, Supervisors

if TYPE_CHECKING:  # the command line, which needs no supervisor, reads this
    from icu.ward.tree import Ward


class Status(ControlOrder, frozen=True):
    """How the children are; all of them, or those that match."""

    ids: Annotated[tuple[Pattern, ...], Meta(max_length=1_000)] = ()

    async def carry_out(self, ward: "Ward") -> Children:
        """Look at them."""
        return ward.outcomes.of(self.ids)


class Tree(ControlOrder, frozen=True):
    """The supervisors with their rules, and below each its children."""

    async def carry_out(self, ward: "Ward") -> Supervisors:
        """Look at them."""
        return await ward.supervisors()


class Start(ControlOrder, frozen=True):
    """Start children that do not run. Ends with 3 where one of them does not run then."""

    ids: Patterns

    async def carry_out(self, ward: "Ward") -> Children:
        """One after the other."""
        return await ward.outcomes.after(await ward.start(*self.ids))


class Stop(ControlOrder, frozen=True):
    """Stop children, the last one first, until somebody starts them."""

    ids: Patterns
    leaves_up: ClassVar[bool] = False

    async def carry_out(self, ward: "Ward") -> Children:
        """One after the other."""
        return await ward.outcomes.after(await ward.stop(*self.ids))


class Restart(ControlOrder, frozen=True):
    """Stop and start children, one after the other. Ends with 3 where one of them does not run then."""

    ids: Patterns

    async def carry_out(self, ward: "Ward") -> Children:
        """One after the other."""
        return await ward.outcomes.after(await ward.restart(*self.ids))


class Scale(ControlOrder, frozen=True):
    """Let the child ID, which has a `count`, run N times: as ID-1 to ID-N."""

    id: Pattern
    count: Annotated[int, Meta(ge=0, le=HIGHEST_COUNT)]

    async def carry_out(self, ward: "Ward") -> Done:
        """Start and stop as many as that takes."""
        return await ward.outcomes.done(await ward.changes.scale(self.id, self.count))


class Reload(ControlOrder, frozen=True):
    """Read the settings again, and start, stop and change only the children that differ.

    Ends with 3 where one that was started does not run then.
    """

    async def carry_out(self, ward: "Ward") -> Done:
        """Apply what has changed in the file."""
        return await ward.outcomes.done(await ward.changes.reload())


class BeginScenario(ControlOrder, frozen=True, tag="befall"):
    """Let a scenario befall patients, who are named by a child's id, a name or a uuid, or by a pattern of them."""

    bed: Pattern
    scenario: Annotated[str, Meta(min_length=1, max_length=200)]

    async def carry_out(self, ward: "Ward") -> ScenarioStarted:
        """Now."""
        return await ward.scenarios.begin_scenario(self.bed, self.scenario)


# All orders of this file, in their order.
ORDERS: Final = tuple(each for each in ControlOrder.__subclasses__() if each.__module__ == __name__)
