"""The supervisor's events as log records and figures."""

from collections.abc import Callable, Iterator, Sequence

from loguru import logger
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from icu.errors import IcuError, ProcessEndedError
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
        self._restarts = Counter(
            "icu_child_restarts", "Restarts of the child after it died", ["child", "reason"], registry=registry
        )

    def __call__(self, event: Event) -> None:
        if isinstance(event, ChildRestarting):
            self._restarts.labels(event.id, reason_of(event.error)).inc()


class TreeFigures(Collector):
    """How the children are at the moment, as figures."""

    def __init__(self, view: Callable[[], Sequence[ChildView]]) -> None:
        self._view = view

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """State and uptime of each child."""
        states = GaugeMetricFamily("icu_child_state", "1 for the state that the child is in", labels=["child", "state"])
        uptimes = GaugeMetricFamily("icu_child_uptime_seconds", "Since the child started", labels=["child"])
        for child in _all(self._view()):
            states.add_metric([child.id, child.state], 1)
            uptimes.add_metric([child.id], child.uptime)
        yield states
        yield uptimes


def _all(children: Sequence[ChildView]) -> Iterator[ChildView]:
    for child in children:
        yield child
        yield from _all(child.children)


def reason_of(error: BaseException | None) -> str:
    """Why a child died, in a word: how its process ended, or the kind of the error; None is an end by itself."""
    if error is None:
        return "ended"
    return error.how if isinstance(error, ProcessEndedError) else type(error).__name__


def log_event(event: Event) -> None:
    """The supervisor's events as log records. What counts for machines stands in fields of their own, too."""
    log = logger.bind(child=event.id)
    match event:
        case ChildStarted(detail=detail, attempt=attempt):
            log.info("started{}{}", f" on {detail}" if detail else "", f", attempt {attempt}" if attempt > 1 else "")
        case ChildExited(uptime=uptime):
            log.bind(uptime=round(uptime, 3)).info("ended by itself")
        case ChildFailed(error=error, uptime=uptime):
            # One line for what we expect, the stack for what we don't.
            expected = isinstance(error, IcuError)
            log = log.bind(event="death", reason=reason_of(error), uptime=round(uptime, 3))
            log.opt(exception=None if expected else error).error("died: {}", error)
        case ChildRestarting(delay=delay, error=error):
            log.bind(event="restart", reason=reason_of(error), delay=round(delay, 3)).info("starting again")
        case ChildStopped(seconds=seconds):
            log.bind(seconds=round(seconds, 3)).info("stopped")
        case ChildAbandoned(seconds=seconds):
            log.error("did not stop within {:g} s", seconds)
        case AutoShutdownBegun():
            log.info("ended, and with it the others")
        case Escalated(error=error):
            log.critical("giving up, stopping all: {}", error)
