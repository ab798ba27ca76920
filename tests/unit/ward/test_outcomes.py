"""What an order answers: how the children are once each has shown whether it stays up."""

import pytest

from icu.control.protocol import Children, ControlOrder, Done
from icu.supervisor.view import ChildState, ChildView
from icu.ward import outcomes
from icu.ward.orders import Restart, Scale, Start, Status, Stop
from tests.unit.control.conftest import Ward

STARTED = ChildView("sink", ChildState.STARTING, uptime=0.1)


class Watched(Ward):
    """A ward whose children change when somebody has looked at them for the second time."""

    def __init__(self, *steps: list[ChildView]) -> None:
        super().__init__()
        self.steps = list(steps)

    @property
    def children(self) -> list[ChildView]:
        """The next step, the last one for ever."""
        return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]

    @children.setter
    def children(self, children: list[ChildView]) -> None:
        self.steps = [children]


@pytest.mark.parametrize(
    "after", [ChildState.RUNNING, ChildState.WAITING, ChildState.DEGRADED, ChildState.BACKOFF, ChildState.FAILED]
)
@pytest.mark.parametrize("order", [Start(("sink",)), Restart(("sink",)), Scale("sink", 1)], ids=str)
async def test_an_order_answers_with_the_state_after_it(order: ControlOrder, after: ChildState) -> None:
    """Not that the child has just begun: it may die, or find out that it is refused, a moment later."""
    ward = Watched([STARTED], [STARTED], [STARTED], [ChildView("sink", after)])
    if isinstance(order, Scale):
        ward.scaled = ["sink"]
    said = await order.carry_out(ward)
    assert isinstance(said, Children | Done)
    assert [child.state for child in said.children] == [after]


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that neither stays up nor dies is shown as it is after a while."""
    monkeypatch.setattr(outcomes, "SETTLING", 0.2)
    ward = Watched([ChildView("sink", ChildState.STOPPING)])
    said = await Stop(("sink",)).carry_out(ward)
    assert [child.state for child in said.children] == [ChildState.STOPPING]


async def test_a_supervisor_that_is_down_is_why() -> None:
    """Its children can only say that they were stopped. Who asks for others hears nothing of it."""
    ward, beds = Ward(), [ChildView("bed-1", ChildState.STOPPED)]
    ward.children = [ChildView("sink", ChildState.RUNNING), *beds]
    ward.view = lambda: [  # type: ignore[method-assign]
        ward.children[0],
        ChildView("beds", ChildState.BACKOFF, last_error="RestartIntensityError: bed-1 died 11 times", children=beds),
    ]
    everybody = await Status().carry_out(ward)
    assert everybody.problems == ["beds is backoff: RestartIntensityError: bed-1 died 11 times"]
    assert everybody.beds == ["bed-1"]
    assert (await Status(("sink",)).carry_out(ward)).problems == []
    ward.view = lambda: [ward.children[0], ChildView("beds", ChildState.STARTING, children=beds)]  # type: ignore[method-assign]
    assert (await Status().carry_out(ward)).problems == []
