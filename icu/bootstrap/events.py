"""The supervisor's events as log records and figures."""

from loguru import logger
from prometheus_client import CollectorRegistry, Counter, Gauge

from icu.errors import IcuError
from icu.supervisor.events import (
    ChildAbandoned,
    ChildExited,
    ChildFailed,
    ChildRestarting,
    ChildStarted,
    ChildStopped,
    Escalated,
    Event,
)


class EventFigures:
    """The supervisor's events as figures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._up = Gauge("icu_child_up", "1 while the child runs", ["child"], registry=registry)
        self._restarts = Counter("icu_child_restarts", "Restarts of the child", ["child"], registry=registry)

    def __call__(self, event: Event) -> None:
        match event:
            case ChildStarted():
                self._up.labels(event.id).set(1)
            case ChildRestarting():
                self._up.labels(event.id).set(0)
                self._restarts.labels(event.id).inc()
            case _:
                self._up.labels(event.id).set(0)


def log_event(event: Event) -> None:
    """The supervisor's events as log records."""
    log = logger.bind(child=event.id)
    match event:
        case ChildStarted(detail=detail, attempt=attempt):
            log.info("started{}{}", f" on {detail}" if detail else "", f", attempt {attempt}" if attempt > 1 else "")
        case ChildExited(uptime=uptime):
            log.bind(uptime=round(uptime, 3)).info("ended by itself")
        case ChildFailed(error=error, uptime=uptime):
            # One line for what we expect, the stack for what we don't.
            expected = isinstance(error, IcuError)
            log.bind(uptime=round(uptime, 3)).opt(exception=None if expected else error).error("died: {}", error)
        case ChildRestarting(delay=delay):
            log.bind(delay=round(delay, 3)).info("starting again")
        case ChildStopped(seconds=seconds):
            log.bind(seconds=round(seconds, 3)).info("stopped")
        case ChildAbandoned(seconds=seconds):
            log.error("did not stop within {:g} s", seconds)
        case Escalated(error=error):
            log.critical("giving up, stopping all: {}", error)
