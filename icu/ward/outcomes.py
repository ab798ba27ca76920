"""Answers to orders, with the states of the children once they have settled."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final, Protocol

import anyio

from icu.control import protocol
from icu.control.protocol import Done
from icu.supervisor.view import ChildState, ChildView
from icu.ward.changes import Change

# Seconds to wait at most for the children to settle. A child counts as started after 1 s.
SETTLING: Final = 3.0

# Seconds between two looks at the children meanwhile.
LOOK_EVERY: Final = 0.1

_ON_THE_WAY: Final = frozenset({ChildState.PENDING, ChildState.STARTING, ChildState.STOPPING})


class ChildrenViews(Protocol):
    """Views of the children of a ward."""

    def view(self) -> Sequence[ChildView]:
        """Return the children of the root supervisor, with those of other supervisors below these."""

    def matching(self, patterns: Iterable[str]) -> Sequence[ChildView]:
        """Return the children that match, without supervisors; all of them without patterns.

        Raises:
            UnknownChildError: A pattern matches no child.
        """


class Outcomes:
    """Maker of answers with the states of children."""

    def __init__(self, children: ChildrenViews) -> None:
        self._children = children

    def of(self, patterns: Iterable[str]) -> protocol.Children:
        """Answer with the children that match; all of them without patterns."""
        return self._answer(self._children.matching(patterns))

    async def after(self, problems: Mapping[str, str | None]) -> protocol.Children:
        """Answer with the children of an order, once they have settled.

        Args:
            problems: Problem of each child by its id; None for a child without one.
        """
        children = await self._settled(problems)
        return self._answer(children, [f"{name}: {problem}" for name, problem in problems.items() if problem])

    async def done(self, change: Change) -> Done:
        """Answer with a change, and the children that were started for it once they have settled."""
        children = await self._settled(change.started)
        return Done(change.what, children, self._answer(children).beds)

    def _answer(self, children: Sequence[ChildView], problems: Sequence[str] = ()) -> protocol.Children:
        """Add the problems of the children's supervisors that are down, which explain why the children are."""
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
    """Check that a child is in no transition. A child that dies at each start settles as dead."""
    return child.state not in _ON_THE_WAY


def _is_down(supervisor: ChildView) -> bool:
    return supervisor.state in {ChildState.BACKOFF, ChildState.FAILED}
