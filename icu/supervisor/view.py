"""Views of a supervisor's children at one moment, for display."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class ChildState(StrEnum):
    """The state of a child."""

    # Not started yet: the children before it start first.
    PENDING = "pending"
    # Not started yet, or running for less than `min_uptime`.
    STARTING = "starting"
    RUNNING = "running"
    # Running, and waiting for something that is away, such as a broker. It goes on by itself.
    WAITING = "waiting"
    # Running, with a part of its work undone until a person mends what `detail` names.
    DEGRADED = "degraded"
    # Dead, and about to be restarted.
    BACKOFF = "backoff"
    STOPPING = "stopping"
    # Ended by a stop request.
    STOPPED = "stopped"
    # Ended by itself.
    EXITED = "exited"
    # Ended with an error.
    FAILED = "failed"


class WorkStatus(NamedTuple):
    """The status of a running child's work, in words for people. Both are None while all is well."""

    # The thing that the child waits for. It goes on by itself once that is there.
    trouble: str | None = None
    # The part of its work that is undone until a person mends something, and the remedy.
    degraded: str | None = None


@dataclass(frozen=True, slots=True)
class ChildView:
    """A child at one moment."""

    id: str
    state: ChildState = ChildState.PENDING
    restarts: int = 0
    # Seconds since it said "started"; 0 while it does not run.
    uptime: float = 0.0
    # Its degradation, or else its trouble, or else the text that it gave with "started", such as its address.
    detail: str | None = None
    # Class and text of the error that ended its last life; None without one.
    last_error: str | None = None
    # Its own children, if it is a supervisor.
    children: Sequence["ChildView"] = ()
