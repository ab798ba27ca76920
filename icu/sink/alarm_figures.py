"""Figures of the alarms for Prometheus, and whether they keep up with time."""

from collections import Counter as Tally
from collections.abc import Iterable
from typing import Final, get_args
from uuid import UUID

import anyio
from prometheus_client import CollectorRegistry, Counter, Gauge

from icu.alarms.conditions import Priority
from icu.alarms.effects import Effects
from icu.alarms.episodes import Episode

# Seconds after a deadline from which the alarms are behind.
BEHIND: Final = 5.0


class AlarmFigures:
    """Metrics of the sink's alarms on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._late = Counter(
            "icu_sink_late_readings", "Readings older than the newest of their patient: no alarms", registry=registry
        )
        self._looks = Counter("icu_sink_alarm_looks", "Looks at commands and deadlines of alarms", registry=registry)
        self._evaluations = Counter(
            "icu_sink_alarm_evaluations", "Transactions in which alarms or beds changed", registry=registry
        )
        self._events = Counter("icu_sink_alarm_events", "Events of alarms stored", ["event"], registry=registry)
        self._active = Gauge("icu_sink_alarms", "Alarms now", ["priority"], registry=registry)
        # Priorities of the alarms now, by their id.
        self._alarms: dict[UUID, Priority] = {}
        # On the event loop's clock: next deadline. None: there is none.
        self._due: float | None = None

    @property
    def trouble(self) -> str | None:
        """Trouble in words for people; None if the alarms keep up with time."""
        behind = 0.0 if self._due is None else anyio.current_time() - self._due
        if behind < BEHIND:
            return None
        return f"alarms are {behind:.0f} s behind: the sink reads what has piled up, or waits for the database"

    def note_look(self, due: int | None, now: int) -> None:
        """Count a look.

        Args:
            due: Next deadline, in milliseconds. None: there is none.
            now: Present time, likewise.
        """
        self._looks.inc()
        self._due = None if due is None else anyio.current_time() + (due - now) / 1000

    def begin(self, episodes: Iterable[Episode]) -> None:
        """Take these alarms for those that are open."""
        self._alarms = {each.id: each.priority for each in episodes if each.is_active}
        self._show()

    def count(self, effects: Effects) -> None:
        """Count the effects of an evaluation that were stored."""
        self._late.inc(effects.late)
        if not effects:
            return
        self._evaluations.inc()
        for change in effects.events:
            self._events.labels(change.event).inc()
        for change in effects.changes:
            if change.episode.is_active:
                self._alarms[change.episode.id] = change.episode.priority
            else:
                self._alarms.pop(change.episode.id, None)
        self._show()

    def _show(self) -> None:
        count = Tally(self._alarms.values())
        for priority in get_args(Priority):
            self._active.labels(priority).set(count[priority])
