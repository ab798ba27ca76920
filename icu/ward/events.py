"""The supervisor's events as log records and figures."""

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
    """How often each child was started again after it died, by reason, as long as this process lives."""

    def __init__(self) -> None:
        self._counted: dict[str, Tally[str]] = {}

    def __call__(self, event: Event) -> None:
        """Count a restart."""
        if isinstance(event, ChildRestarting):
            self._counted.setdefault(event.id, Tally())[reason_of(event.error)] += 1

    def of(self, child_id: str) -> Mapping[str, int]:
        """A child's restarts by reason."""
        return self._counted.get(child_id, {})


class ChildFigures(Collector):
    """The children as they are, as figures. One that was removed has none; if it comes back, its counters go on."""

    def __init__(self, view: Callable[[], Sequence[ChildView]], restarts: Restarts) -> None:
        self._view = view
        self._restarts = restarts

    def collect(self) -> Iterator[Metric]:
        """State, uptime and restarts of each child. Whoever has not died yet has 0 restarts."""
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
