"""Groups of children in the same state for the same reason: a broker that is away is one trouble, not a hundred."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from icu.cli.listing import reason
from icu.supervisor.view import ChildState, ChildView

# An id that ends in a number without leading zeros: bed-08 does not follow bed-7.
_NUMBERED_ID: Final = re.compile(r"(.*?)(0|[1-9][0-9]*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ChildGroup:
    """Children with the same state and reason; at least one."""

    state: ChildState
    reason: str
    children: Sequence[ChildView]

    @property
    def names(self) -> str:
        """Ids of the children; consecutive ones as `bed-1 to bed-40`."""
        return ", ".join(shorten_ids([child.id for child in self.children]))

    @property
    def restarts(self) -> int:
        """Restarts of all of them together."""
        return sum(child.restarts for child in self.children)


def group_alike(children: Iterable[ChildView]) -> list[ChildGroup]:
    """Group children by state and reason, in the order of the first child of each group."""
    groups: dict[tuple[ChildState, str], list[ChildView]] = {}
    for child in children:
        groups.setdefault((child.state, reason(child) or ""), []).append(child)
    return [ChildGroup(state, why, members) for (state, why), members in groups.items()]


def shorten_ids(ids: Iterable[str]) -> list[str]:
    """Replace three and more consecutive ids by `first to last`."""
    runs: list[list[str]] = []
    for name in ids:
        if runs and _follows(runs[-1][-1], name):
            runs[-1].append(name)
        else:
            runs.append([name])
    return [each for run in runs for each in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else run)]


def _follows(before: str, name: str) -> bool:
    match = _NUMBERED_ID.match(before)
    return match is not None and name == f"{match[1]}{int(match[2]) + 1}"
