"""What an order answers: how the children are once each has shown whether it stays up."""

from functools import partial
from pathlib import Path

import anyio
import pytest

from icu.config.settings import Settings
from icu.control import server
from icu.control.client import ask
from icu.control.places import places
from icu.control.protocol import Children, Done, Request, Restart, Scale, Start, Status, Stop
from icu.supervisor.view import ChildView, State
from tests.unit.control.conftest import Ward

STARTED = ChildView("sink", State.STARTING, uptime=0.1)


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


async def answered(settings: Settings, ward: Ward, request: Request, kind: type[Children | Done]) -> Children | Done:
    """The answer of a control room over this ward."""
    async with anyio.create_task_group() as group:
        await group.start(partial(server.serve, ward, server.Records(), places(settings)))
        answer = await ask(places(settings), request, kind)
        group.cancel_scope.cancel()
    return answer


@pytest.mark.parametrize("after", [State.RUNNING, State.WAITING, State.DEGRADED, State.BACKOFF, State.FAILED])
@pytest.mark.parametrize("order", [Start(("sink",)), Restart(("sink",)), Scale("sink", 1)], ids=str)
async def test_an_order_answers_with_the_state_after_it(settings: Settings, order: Request, after: State) -> None:
    """Not that the child has just begun: it may die, or find out that it is refused, a moment later."""
    ward = Watched([STARTED], [STARTED], [STARTED], [ChildView("sink", after)])
    if isinstance(order, Scale):
        ward.scaled = ["sink"]
    said = await answered(settings, ward, order, Done if isinstance(order, Scale) else Children)
    assert [child.state for child in said.children] == [after]


async def test_nobody_waits_for_ever(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that neither stays up nor dies is shown as it is after a while."""
    monkeypatch.setattr(server, "SETTLING", 0.2)
    ward = Watched([ChildView("sink", State.STOPPING)])
    said = await answered(settings, ward, Stop(("sink",)), Children)
    assert [child.state for child in said.children] == [State.STOPPING]


async def test_a_supervisor_that_is_down_is_why(settings: Settings, room: Path, ward: Ward) -> None:
    """Its children can only say that they were stopped. Who asks for others hears nothing of it."""
    beds = [ChildView("bed-1", State.STOPPED)]
    ward.children = [ChildView("sink", State.RUNNING), *beds]
    ward.view = lambda: [  # type: ignore[method-assign]
        ward.children[0],
        ChildView("beds", State.BACKOFF, last_error="RestartIntensityError: bed-1 died 11 times", children=beds),
    ]
    everybody = await ask(places(settings), Status(), Children)
    assert everybody.problems == ["beds is backoff: RestartIntensityError: bed-1 died 11 times"]
    assert everybody.beds == ["bed-1"]
    assert (await ask(places(settings), Status(("sink",)), Children)).problems == []
    ward.view = lambda: [ward.children[0], ChildView("beds", State.STARTING, children=beds)]  # type: ignore[method-assign]
    assert (await ask(places(settings), Status(), Children)).problems == []
