"""Children that are in the same state for the same reason, as one row: a broker that is away is one thing to mend."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from icu.cli.listing import reason
from icu.supervisor.view import ChildState, ChildView

_NUMBERED: Final = re.compile(r"(.*?)(0|[1-9][0-9]*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Alike:
    """Children, one at least, and what they have in common."""

    state: ChildState
    reason: str
    children: Sequence[ChildView]

    @property
    def names(self) -> str:
        """Their ids; those that follow each other as `bed-1 to bed-40`."""
        return ", ".join(spans([child.id for child in self.children]))

    @property
    def restarts(self) -> int:
        """Of all of them together."""
        return sum(child.restarts for child in self.children)


def alike(children: Iterable[ChildView]) -> list[Alike]:
    """The children by state and reason, in the order of the first of each."""
    found: dict[tuple[ChildState, str], list[ChildView]] = {}
    for child in children:
        found.setdefault((child.state, reason(child) or ""), []).append(child)
    return [Alike(state, why, members) for (state, why), members in found.items()]


def spans(ids: Iterable[str]) -> list[str]:
    """The ids, and in place of three and more that count up, `first to last`."""
    runs: list[list[str]] = []
    for name in ids:
        if runs and _follows(runs[-1][-1], name):
            runs[-1].append(name)
        else:
            runs.append([name])
    return [each for run in runs for each in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else run)]


def _follows(before: str, name: str) -> bool:
    match = _NUMBERED.match(before)
    return match is not None and name == f"{match[1]}{int(match[2]) + 1}"
