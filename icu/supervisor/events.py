"""Events of supervision, for handlers that write logs and metrics. Durations are in seconds."""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class ChildStarted:
    """The child is ready."""

    id: str
    # Counts the lives of the child, from 1.
    attempt: int
    # The text that the child gave with "started", such as its address.
    detail: str | None


@dataclass(frozen=True, slots=True)
class ChildExited:
    """The child ended by itself, without an error."""

    id: str
    uptime: float


@dataclass(frozen=True, slots=True)
class ChildFailed:
    """The child ended with an error, or did not start."""

    id: str
    error: BaseException
    uptime: float


@dataclass(frozen=True, slots=True)
class ChildRestarting:
    """The child will start again after `delay` seconds."""

    id: str
    delay: float
    # The error that ended it; None if it ended by itself.
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class ChildStopped:
    """The child stopped `seconds` after the request."""

    id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ChildAbandoned:
    """The child did not stop within its grace. The other children are stopped nevertheless."""

    id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Escalated:
    """The supervisor gives up: it stops all children, and ends with this error."""

    id: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class AutoShutdownBegun:
    """A significant child has ended, and its supervisor stops all children and ends."""

    id: str


Event: TypeAlias = (
    ChildStarted
    | ChildExited
    | ChildFailed
    | ChildRestarting
    | ChildStopped
    | ChildAbandoned
    | Escalated
    | AutoShutdownBegun
)
Handler: TypeAlias = Callable[[Event], None]


class Announcer:
    """Passes each event to all handlers. A handler's error becomes a warning, and changes nothing for the children."""

    def __init__(self, handlers: Iterable[Handler]) -> None:
        self._handlers = tuple(handlers)

    def __call__(self, event: Event) -> None:
        for handler in self._handlers:
            try:
                handler(event)
            except Exception as exc:  # noqa: BLE001 - whatever a handler raises, supervision goes on
                warnings.warn(f"a handler of supervision events failed: {exc!r}", RuntimeWarning, stacklevel=2)
