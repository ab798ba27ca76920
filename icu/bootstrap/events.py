"""The supervisor's events as log records and figures."""

from collections.abc import Callable, Iterator, Sequence

from loguru import logger
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from icu.errors import IcuError
from icu.supervisor.events import (
    AutoShutdownBegun,
    ChildAbandoned,
    ChildExited,
    ChildFailed,
    ChildRestarting,
    ChildStarted,
    ChildStopped,
    Escalated,
    Event,
)
from icu.supervisor.view import ChildView


class EventFigures:
    """The supervisors' events as figures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._last_reason: dict[str, str] = {}
        self._restarts = Counter(
            "icu_child_restarts", "Restarts of the child after it died", ["child", "reason"], registry=registry
        )

    def __call__(self, event: Event) -> None:
        match event:
            case ChildFailed():
                self._last_reason[event.id] = type(event.error).__name__
            case ChildExited():
                self._last_reason[event.id] = "ended"
            case ChildRestarting():
                self._restarts.labels(event.id, self._last_reason.get(event.id, "unknown")).inc()


class TreeFigures(Collector):
    """How the children are at the moment, as figures."""

    def __init__(self, view: Callable[[], Sequence[ChildView]]) -> None:
        self._view = view

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """State and uptime of each child."""
        states = GaugeMetricFamily("icu_child_state", "1 for the state that the child is in", labels=["child", "state"])
        uptimes = GaugeMetricFamily("icu_child_uptime_seconds", "Since the child started", labels=["child"])
        for child in self._view():
            states.add_metric([child.id, child.state], 1)
            uptimes.add_metric([child.id], child.uptime)
        yield states
        yield uptimes


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
        case AutoShutdownBegun():
            log.info("ended, and with it the others")
        case Escalated(error=error):
            log.critical("giving up, stopping all: {}", error)
