"""A supervisor's children at one moment, for people to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class ChildState(StrEnum):
    """Where a child is."""

    # Its turn has not come: the children before it are started first.
    PENDING = "pending"
    # It has not said "started" yet, or not long ago.
    STARTING = "starting"
    RUNNING = "running"
    # It runs, and waits for something that is away, such as a broker, and goes on by itself.
    WAITING = "waiting"
    # It runs, and leaves a part of its work undone until somebody mends what `detail` names.
    DEGRADED = "degraded"
    # It died, and will be started again.
    BACKOFF = "backoff"
    STOPPING = "stopping"
    # It was told to stop, and did.
    STOPPED = "stopped"
    # It ended by itself.
    EXITED = "exited"
    # It ended with an error.
    FAILED = "failed"


class Condition(NamedTuple):
    """How the work of a running child goes, in words for people; both are None while all is well."""

    # The thing that it waits for; it goes on by itself once that is there.
    trouble: str | None = None
    # Which part of its work it leaves undone until somebody mends something, and what to do.
    degraded: str | None = None


@dataclass(frozen=True, slots=True)
class ChildView:
    """A child at one moment."""

    id: str
    state: ChildState = ChildState.PENDING
    restarts: int = 0
    # Seconds since it said "started"; 0 while it does not run.
    uptime: float = 0.0
    # What is degraded, or what it waits for, or what it said when it started, such as its address.
    detail: str | None = None
    # What it last died of.
    last_error: str | None = None
    # Its own children, where it is a supervisor.
    children: Sequence["ChildView"] = ()
