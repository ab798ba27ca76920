"""What a supervisor is told about its children, in OTP's words."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from icu.supervisor.view import ChildView, Condition

# An actor: an `async def` with keyword `task_status`, which calls `task_status.started()` once its own resources are
# ready, optionally with a text for people such as its address; runs until it is cancelled, and lets its errors out.
Start: TypeAlias = Callable[..., Awaitable[None]]

# A `shutdown` without grace. A task cannot be killed: it is cancelled, and not waited for.
BRUTAL_KILL: Final = 0.0


class Restart(StrEnum):
    """When a child that ended is started again."""

    # Always.
    PERMANENT = "permanent"
    # After an error; not after it ended by itself.
    TRANSIENT = "transient"
    # Never, not even when a sibling's death has ended it.
    TEMPORARY = "temporary"

    def revives(self, error: BaseException | None) -> bool:
        """Whether a child that ended so, None meaning without an error, is started again."""
        return self is Restart.PERMANENT or (self is Restart.TRANSIENT and error is not None)


class Strategy(StrEnum):
    """Who is started again when a child dies."""

    # It alone.
    ONE_FOR_ONE = "one_for_one"
    # All children: the others are stopped first.
    ONE_FOR_ALL = "one_for_all"
    # It, and those that were started after it, which are stopped first.
    REST_FOR_ONE = "rest_for_one"

    def affected(self, children: Sequence[str], dead: str) -> Sequence[str]:
        """The children, in their order, that are started again when one has died."""
        match self:
            case Strategy.ONE_FOR_ONE:
                return [dead]
            case Strategy.ONE_FOR_ALL:
                return children
            case Strategy.REST_FOR_ONE:
                return children[children.index(dead) :]


class AutoShutdown(StrEnum):
    """Whether the supervisor ends by itself when significant children have."""

    NEVER = "never"
    # As soon as one has.
    ANY_SIGNIFICANT = "any_significant"
    # When the last one has.
    ALL_SIGNIFICANT = "all_significant"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """A child: its id, how it is started, when it is started again, and how long it may take for it."""

    id: str
    start: Start
    restart: Restart = Restart.PERMANENT
    # Seconds that it may take to stop, BRUTAL_KILL for none; after that it is abandoned, for no task can be killed.
    shutdown: float = 5.0
    # Seconds until it has to have said `started`.
    start_timeout: float = 30.0
    # Seconds from then on until it is shown as running: one that dies at once never is.
    min_uptime: float = 1.0
    # Neighbours of one stage are told to stop together: nothing runs between them.
    stage: str | None = None
    # Whether its end counts for the supervisor's `auto_shutdown`. Not for permanent children, which never end.
    significant: bool = False
    # How its work goes while it runs: it is shown as `waiting` or `degraded` where all is not well.
    condition: Callable[[], Condition] = Condition
    # Its own children, where it is a supervisor.
    children: Callable[[], Sequence[ChildView]] = tuple

    def __post_init__(self) -> None:
        """ValueError for what no child can be."""
        if self.significant and self.restart is Restart.PERMANENT:
            raise ValueError(f"{self.id} cannot be significant and permanent: it never ends")
        for what in ("shutdown", "start_timeout", "min_uptime"):
            if not getattr(self, what) >= 0:
                raise ValueError(f"{self.id} cannot have a {what} of {getattr(self, what):g} s: 0 is the least")
