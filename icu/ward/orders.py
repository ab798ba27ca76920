"""Orders of people to a ward. Server, client and command line are made from these classes.

The tag of an order is the name of its command, the docstring is the help, and the fields are the arguments on the
command line and on the wire.
"""

from typing import TYPE_CHECKING, Annotated, ClassVar, Final

from msgspec import Meta

from icu.config.settings import HIGHEST_COUNT
from icu.control.protocol import Children, ControlOrder, Done, Pattern, Patterns, ScenarioStarted, Supervisors

if TYPE_CHECKING:  # the command line imports this file, and needs no supervisor
    from icu.ward.tree import Ward


class Status(ControlOrder, frozen=True):
    """Show the children; all of them, or those that match."""

    ids: Annotated[tuple[Pattern, ...], Meta(max_length=1_000)] = ()

    async def carry_out(self, ward: "Ward") -> Children:
        return ward.outcomes.of(self.ids)


class Tree(ControlOrder, frozen=True):
    """Show the supervisors with their rules, and below each its children."""

    async def carry_out(self, ward: "Ward") -> Supervisors:
        return await ward.supervisors()


class Start(ControlOrder, frozen=True):
    """Start children that do not run. Ends with 3 where one of them does not run then."""

    ids: Patterns

    async def carry_out(self, ward: "Ward") -> Children:
        return await ward.outcomes.after(await ward.start(*self.ids))


class Stop(ControlOrder, frozen=True):
    """Stop children, the last one first, until somebody starts them."""

    ids: Patterns
    leaves_up: ClassVar[bool] = False

    async def carry_out(self, ward: "Ward") -> Children:
        return await ward.outcomes.after(await ward.stop(*self.ids))


class Restart(ControlOrder, frozen=True):
    """Stop and start children, one after the other. Ends with 3 where one of them does not run then."""

    ids: Patterns

    async def carry_out(self, ward: "Ward") -> Children:
        return await ward.outcomes.after(await ward.restart(*self.ids))


class Scale(ControlOrder, frozen=True):
    """Run the child ID, which has a `count`, N times: as ID-1 to ID-N."""

    id: Pattern
    count: Annotated[int, Meta(ge=0, le=HIGHEST_COUNT)]

    async def carry_out(self, ward: "Ward") -> Done:
        return await ward.outcomes.done(await ward.changes.scale(self.id, self.count))


class Reload(ControlOrder, frozen=True):
    """Read the settings again, and start, stop and change only the children that differ.

    Ends with 3 where one that was started does not run then.
    """

    async def carry_out(self, ward: "Ward") -> Done:
        return await ward.outcomes.done(await ward.changes.reload())


class BeginScenario(ControlOrder, frozen=True, tag="befall"):
    """Begin a scenario for patients. The tag keeps its name on the wire, for older clients."""

    # A child's id, a patient's name or uuid, a pattern of them, or `beds`.
    bed: Pattern
    scenario: Annotated[str, Meta(min_length=1, max_length=200)]

    async def carry_out(self, ward: "Ward") -> ScenarioStarted:
        return await ward.scenarios.begin_scenario(self.bed, self.scenario)


# All orders of this file, in the order of the commands. Other files define orders too, for other receivers.
ORDERS: Final = tuple(each for each in ControlOrder.__subclasses__() if each.__module__ == __name__)
