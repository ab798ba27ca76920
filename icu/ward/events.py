"""Supervisor events as log records and metrics."""

from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping, Sequence

from loguru import logger
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from icu.errors import IcuError
from icu.supervisor.errors import ProcessEndedError
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
from icu.supervisor.view import ChildState, ChildView


class Restarts:
    """Counts of the restarts of each child, by reason, since this process began."""

    def __init__(self) -> None:
        self._counted: dict[str, Tally[str]] = {}

    def __call__(self, event: Event) -> None:
        """Count a restart."""
        if isinstance(event, ChildRestarting):
            self._counted.setdefault(event.id, Tally())[reason_of(event.error)] += 1

    def of(self, child_id: str) -> Mapping[str, int]:
        """Return a child's restarts by reason."""
        return self._counted.get(child_id, {})


class ChildFigures(Collector):
    """Prometheus collector of the children. A removed child has no metrics; if it comes back, its counters go on."""

    def __init__(self, view: Callable[[], Sequence[ChildView]], restarts: Restarts) -> None:
        self._view = view
        self._restarts = restarts

    def collect(self) -> Iterator[Metric]:
        """Yield state, uptime and restarts of each child."""
        states = GaugeMetricFamily("icu_child_state", "1 for the state that the child is in", labels=["child", "state"])
        uptimes = GaugeMetricFamily("icu_child_uptime_seconds", "Since the child started", labels=["child"])
        restarts = CounterMetricFamily("icu_child_restarts", "Restarts of the child after it died", labels=["child"])
        reasons = CounterMetricFamily(
            "icu_child_restart_reasons", "The same by what it died of", labels=["child", "reason"]
        )
        for child in _all(self._view()):
            for state in ChildState:
                states.add_metric([child.id, state], state == child.state)
            uptimes.add_metric([child.id], child.uptime)
            # 0 before the first restart: a counter that begins at 1 hides it from `increase`.
            counted = self._restarts.of(child.id)
            restarts.add_metric([child.id], sum(counted.values()))
            for reason, count in counted.items():
                reasons.add_metric([child.id, reason], count)
        yield from (states, uptimes, restarts, reasons)


def _all(children: Sequence[ChildView]) -> Iterator[ChildView]:
    for child in children:
        yield child
        yield from _all(child.children)


def reason_of(error: BaseException | None) -> str:
    """Name the reason of a death in one word: the end of its process, or the class of its error.

    Args:
        error: None for a child that ended by itself.
    """
    if error is None:
        return "ended"
    return error.how if isinstance(error, ProcessEndedError) else type(error).__name__


def log_event(event: Event) -> None:
    """Log an event of the supervisor, with fields for machines."""
    log = logger.bind(child=event.id)
    match event:
        case ChildStarted(detail=detail, attempt=attempt):
            log.info("started{}{}", f" on {detail}" if detail else "", f", attempt {attempt}" if attempt > 1 else "")
        case ChildExited(uptime=uptime):
            log.bind(uptime=round(uptime, 3)).info("ended by itself")
        case ChildFailed(error=error, uptime=uptime):
            # One line for an expected error; the stack for any other, which nothing else can explain.
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
