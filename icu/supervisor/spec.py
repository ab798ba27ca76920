"""What a supervisor is told about a child."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Start: TypeAlias = Callable[..., Awaitable[None]]
"""An actor: an `async def` with keyword `task_status`, which calls `task_status.started()` once its own resources are
ready, optionally with a text for people such as its address; runs until it is cancelled, and lets its errors out."""


class Restart(StrEnum):
    """When a child that ended is started again."""

    PERMANENT = "permanent"
    """Always."""
    TRANSIENT = "transient"
    """After an error; not after it ended by itself."""
    TEMPORARY = "temporary"
    """Never."""

    def revives(self, error: BaseException | None) -> bool:
        """Whether a child that ended so, None meaning without an error, is started again."""
        return self is Restart.PERMANENT or (self is Restart.TRANSIENT and error is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """A child: its id, how it is started, when it is started again, and how long it may take for it."""

    id: str
    start: Start
    restart: Restart = Restart.PERMANENT
    shutdown: float = 5.0
    """Seconds that it may take to stop; after that it is abandoned, for a task cannot be killed."""
    start_timeout: float = 30.0
    """Seconds until it has to have said `started`."""
    trouble: Callable[[], str | None] = lambda: None
    """What it waits for while it runs, in words; None while it works. It is shown as `waiting` meanwhile."""
