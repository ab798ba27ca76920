"""Orders about one emulated patient: to a ward, and from it to the process in which the patient is emulated."""

from typing import Annotated, Final, Protocol, TypeVar
from uuid import UUID

from msgspec import Meta

from icu.control.protocol import Answer, ControlOrder, ScenarioChanged, Truth
from icu.emulation import Emulation, State

_Answer = TypeVar("_Answer", bound=Answer)


class ReadTruth(ControlOrder, frozen=True, tag="truth"):
    """Read the true state of a patient."""

    patient: UUID

    async def carry_out(self, emulation: Emulation) -> Truth:
        return Truth(await emulation.truth(self.patient))


class ChangeScenario(ControlOrder, frozen=True, tag="change"):
    """Begin a scenario for a patient."""

    patient: UUID
    scenario: Annotated[str, Meta(min_length=1, max_length=200)]

    async def carry_out(self, emulation: Emulation) -> ScenarioChanged:
        return ScenarioChanged(*await emulation.change_scenario(self.patient, self.scenario))


ORDERS: Final = (ReadTruth, ChangeScenario)


class Send(Protocol):
    """Sends an order to the other end, and returns its answer."""

    async def __call__(self, order: ControlOrder, kind: type[_Answer]) -> _Answer:
        """Send an order.

        Args:
            order: The order.
            kind: The class of the answer.
        """


class RemoteEmulation:
    """Emulated patients of another process. Implements `icu.emulation.Emulation`."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def truth(self, patient: UUID) -> State:
        return (await self._send(ReadTruth(patient), Truth)).state

    async def change_scenario(self, patient: UUID, scenario: str) -> tuple[State, State]:
        answer = await self._send(ChangeScenario(patient, scenario), ScenarioChanged)
        return answer.before, answer.after
