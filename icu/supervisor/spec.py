"""Specifications of children, in OTP's words."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from icu.supervisor.view import ChildView, WorkStatus

# An actor: an `async def` with the keyword `task_status`. It calls `task_status.started()` once its own resources are
# ready, optionally with a text for people, such as its address; it runs until cancelled, and raises its errors.
Start: TypeAlias = Callable[..., Awaitable[None]]

# A `shutdown` without grace. Since a task cannot be killed, the child is cancelled and not waited for.
BRUTAL_KILL: Final = 0.0


class Restart(StrEnum):
    """The ends after which a child is restarted."""

    # Always.
    PERMANENT = "permanent"
    # After an error, not after an end by itself.
    TRANSIENT = "transient"
    # Never, not even with the siblings of a dead child.
    TEMPORARY = "temporary"

    def applies_after(self, error: BaseException | None) -> bool:
        """Check if a child that ended with this error, or by itself (None), is restarted."""
        return self is Restart.PERMANENT or (self is Restart.TRANSIENT and error is not None)


class Strategy(StrEnum):
    """The children that are restarted when one dies."""

    # The dead one.
    ONE_FOR_ONE = "one_for_one"
    # All children. The others are stopped first.
    ONE_FOR_ALL = "one_for_all"
    # The dead one and the children behind it, which are stopped first.
    REST_FOR_ONE = "rest_for_one"

    def affected(self, children: Sequence[str], dead: str) -> Sequence[str]:
        """Ids of the children to restart, in the order of `children`, after the death of one of them."""
        match self:
            case Strategy.ONE_FOR_ONE:
                return [dead]
            case Strategy.ONE_FOR_ALL:
                return children
            case Strategy.REST_FOR_ONE:
                return children[children.index(dead) :]


class AutoShutdown(StrEnum):
    """The ends of significant children that end their supervisor."""

    NEVER = "never"
    # The end of the first one.
    ANY_SIGNIFICANT = "any_significant"
    # The end of the last one.
    ALL_SIGNIFICANT = "all_significant"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """A child: its id, its actor, its restarts and its deadlines in seconds."""

    id: str
    start: Start
    restart: Restart = Restart.PERMANENT
    # The grace for its stop, BRUTAL_KILL for none. A child that takes longer is abandoned, since no task can be killed.
    shutdown: float = 5.0
    # The time until it has said "started".
    start_timeout: float = 30.0
    # The time from then on until it is shown as running: a child that dies at once never is.
    min_uptime: float = 1.0
    # Neighbours of the same stage are stopped together. None for a stage of its own.
    stage: str | None = None
    # True if its end counts for `auto_shutdown`. Not for permanent children, which never end.
    significant: bool = False
    # The status of its work, asked while it runs, and shown as `waiting` or `degraded`.
    work_status: Callable[[], WorkStatus] = WorkStatus
    # Its own children, if it is a supervisor.
    children: Callable[[], Sequence[ChildView]] = tuple

    def __post_init__(self) -> None:
        """Refuse contradictions and negative deadlines, by ValueError."""
        if self.significant and self.restart is Restart.PERMANENT:
            raise ValueError(f"{self.id} cannot be significant and permanent: it never ends")
        for what in ("shutdown", "start_timeout", "min_uptime"):
            if not getattr(self, what) >= 0:  # NaN too
                raise ValueError(f"{self.id} cannot have a {what} of {getattr(self, what):g} s: 0 is the least")
