"""How the children are after an order, once each has shown whether it stays up."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final, Protocol

import anyio

from icu.control import protocol
from icu.control.protocol import Done
from icu.supervisor.view import ChildState, ChildView
from icu.ward.changes import Change

# Seconds for which an order that is done waits until the children are shown as what they are: a start takes 1 s to
# count.
SETTLING: Final = 3.0

# Seconds between two looks meanwhile.
LOOK_EVERY: Final = 0.1

_ON_THE_WAY: Final = frozenset({ChildState.PENDING, ChildState.STARTING, ChildState.STOPPING})


class ChildrenViews(Protocol):
    """The children that are looked at."""

    def view(self) -> Sequence[ChildView]:
        """All of them, those of supervisors below them."""

    def matching(self, patterns: Iterable[str]) -> Sequence[ChildView]:
        """Those that match, and are no supervisors; all of them without patterns. UnknownChildError."""


class Outcomes:
    """Answers that tell of children."""

    def __init__(self, children: ChildrenViews) -> None:
        self._children = children

    def of(self, patterns: Iterable[str]) -> protocol.Children:
        """How the children are that match; all of them without patterns."""
        return self._answer(self._children.matching(patterns))

    async def after(self, problems: Mapping[str, str | None]) -> protocol.Children:
        """How the children are that an order was about: their ids, each with what went wrong."""
        children = await self._settled(problems)
        return self._answer(children, [f"{name}: {problem}" for name, problem in problems.items() if problem])

    async def done(self, change: Change) -> Done:
        """What was changed, and how the children are that were started for it."""
        children = await self._settled(change.started)
        return Done(change.what, children, self._answer(children).beds)

    def _answer(self, children: Sequence[ChildView], problems: Sequence[str] = ()) -> protocol.Children:
        """The children, and what is wrong with the supervisors of theirs that are down."""
        above = [(each, {child.id for child in each.children}) for each in self._children.view() if each.children]
        asked = {child.id for child in children}
        down = [
            f"{each.id} is {each.state}: {each.last_error}" for each, ids in above if _is_down(each) and ids & asked
        ]
        beds = [child.id for child in children if any(child.id in ids for _, ids in above)]
        return protocol.Children(children, [*problems, *down], beds)

    async def _settled(self, ids: Container[str]) -> list[ChildView]:
        until = anyio.current_time() + SETTLING
        children = self._named(ids)
        while not all(map(_is_settled, children)) and anyio.current_time() < until:
            await anyio.sleep(LOOK_EVERY)
            children = self._named(ids)
        return children

    def _named(self, ids: Container[str]) -> list[ChildView]:
        return [child for child in self._children.matching(()) if child.id in ids]


def _is_settled(child: ChildView) -> bool:
    """Whether a child is somewhere, and not on its way: one that dies at each start is found dead."""
    return child.state not in _ON_THE_WAY


def _is_down(supervisor: ChildView) -> bool:
    return supervisor.state in {ChildState.BACKOFF, ChildState.FAILED}
