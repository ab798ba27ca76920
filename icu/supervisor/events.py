"""What a supervisor tells about its children, to whoever writes logs and figures."""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class ChildStarted:
    """The child has said that it is ready. `detail` is what it said with it; `attempt` counts from 1."""

    id: str
    attempt: int
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
    """The child will be started again after `delay` seconds. `error` is what it died of, None where it just ended."""

    id: str
    delay: float
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class ChildStopped:
    """The child was told to stop, and did within `seconds`."""

    id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ChildAbandoned:
    """The child was told to stop and did not within its grace: the others are stopped nevertheless."""

    id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Escalated:
    """The supervisor gives up: all children are stopped, and it ends with this error."""

    id: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class AutoShutdownBegun:
    """A significant child has ended, and with it its supervisor: all children are stopped."""

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
    """Tells each event to all handlers. One that raises is reported and changes nothing for the children."""

    def __init__(self, handlers: Iterable[Handler]) -> None:
        self._handlers = tuple(handlers)

    def __call__(self, event: Event) -> None:
        for handler in self._handlers:
            try:
                handler(event)
            except Exception as exc:  # noqa: BLE001 - whatever a handler does, the children must be looked after
                warnings.warn(f"a handler of supervision events failed: {exc!r}", RuntimeWarning, stacklevel=2)
