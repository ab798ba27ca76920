"""Answers to orders, with the states of the children once they have settled."""

import pytest

from icu.control.protocol import Children, ControlOrder, Done
from icu.supervisor.view import ChildState, ChildView
from icu.ward import outcomes
from icu.ward.orders import Restart, Scale, Start, Status, Stop
from tests.unit.control.conftest import Ward

STARTED = ChildView("sink", ChildState.STARTING, uptime=0.1)


class Watched(Ward):
    """A ward whose children change with each look."""

    def __init__(self, *steps: list[ChildView]) -> None:
        super().__init__()
        self.steps = list(steps)

    @property
    def children(self) -> list[ChildView]:
        """Children of the next step; the last step stays."""
        return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]

    @children.setter
    def children(self, children: list[ChildView]) -> None:
        self.steps = [children]


@pytest.mark.parametrize(
    "after", [ChildState.RUNNING, ChildState.WAITING, ChildState.DEGRADED, ChildState.BACKOFF, ChildState.FAILED]
)
@pytest.mark.parametrize("order", [Start(("sink",)), Restart(("sink",)), Scale("sink", 1)], ids=str)
async def test_an_order_answers_with_the_state_after_it(order: ControlOrder, after: ChildState) -> None:
    """An order answers with the settled state, not with that of a child that has just begun."""
    ward = Watched([STARTED], [STARTED], [STARTED], [ChildView("sink", after)])
    if isinstance(order, Scale):
        ward.scaled = ["sink"]
    said = await order.carry_out(ward)
    assert isinstance(said, Children | Done)
    assert [child.state for child in said.children] == [after]


async def test_settling_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that neither stays up nor dies is shown as it is after a while."""
    monkeypatch.setattr(outcomes, "SETTLING", 0.2)
    ward = Watched([ChildView("sink", ChildState.STOPPING)])
    said = await Stop(("sink",)).carry_out(ward)
    assert [child.state for child in said.children] == [ChildState.STOPPING]


async def test_a_dead_supervisor_is_the_reason() -> None:
    """A dead supervisor explains why its children are down; an answer about others does not mention it."""
    ward, beds = Ward(), [ChildView("bed-1", ChildState.STOPPED)]
    ward.children = [ChildView("sink", ChildState.RUNNING), *beds]
    ward.view = lambda: [  # type: ignore[method-assign] # the view of the moment
        ward.children[0],
        ChildView("beds", ChildState.BACKOFF, last_error="RestartIntensityError: bed-1 died 11 times", children=beds),
    ]
    everybody = await Status().carry_out(ward)
    assert everybody.problems == ["beds is backoff: RestartIntensityError: bed-1 died 11 times"]
    assert everybody.beds == ["bed-1"]
    assert (await Status(("sink",)).carry_out(ward)).problems == []
    ward.view = lambda: [ward.children[0], ChildView("beds", ChildState.STARTING, children=beds)]  # type: ignore[method-assign] # the view of the moment
    assert (await Status().carry_out(ward)).problems == []
