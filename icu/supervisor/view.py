"""A supervisor's children at one moment, for people to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """Where a child is."""

    PENDING = "pending"
    """Its turn has not come: the children before it are started first."""
    STARTING = "starting"
    """It has not said "started" yet, or not long ago."""
    RUNNING = "running"
    WAITING = "waiting"
    """It runs, and waits for something that is away, such as a broker, and goes on by itself."""
    DEGRADED = "degraded"
    """It runs, and leaves a part of its work undone until somebody mends what `detail` names."""
    BACKOFF = "backoff"
    """It died, and will be started again."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    """It was told to stop, and did."""
    EXITED = "exited"
    """It ended by itself."""
    FAILED = "failed"
    """It ended with an error."""


class Condition(NamedTuple):
    """How the work of a running child goes, in words for people; both are None while all is well."""

    trouble: str | None = None
    """The thing that it waits for; it goes on by itself once that is there."""
    degraded: str | None = None
    """Which part of its work it leaves undone until somebody mends something, and what to do."""


@dataclass(frozen=True, slots=True)
class ChildView:
    """A child at one moment."""

    id: str
    state: State = State.PENDING
    restarts: int = 0
    uptime: float = 0.0
    """Seconds since it said "started"; 0 while it does not run."""
    detail: str | None = None
    """What is degraded, or what it waits for, or what it said when it started, such as its address."""
    last_error: str | None = None
    """What it last died of."""
    children: Sequence["ChildView"] = ()
    """Its own children, where it is a supervisor."""
