"""The upkeep's metrics for Prometheus, and its current trouble for health checks."""

from datetime import timedelta
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from icu.store.retention.deleting import Deleted
from icu.store.retention.sweeps import SWEEPS
from icu.store.rollups.step import RolledUp
from icu.store.upkeep_state import UpkeepState

# Seconds by which roll-ups may be behind: they are by 2 to 3 minutes.
TOLERATED: Final = 900.0


class Telemetry:
    """Metrics of the upkeep on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # The thing that the upkeep waits for, in words for people; None while it works.
        self.waits_for: str | None = None
        # The refusal of the database that only people can end, with its remedy.
        self.refusal: str | None = None
        # Sentence about others who keep days from being made or dropped; None while nobody does, or not for long.
        self.held: str | None = None
        self._behind_seconds = 0.0
        self._behind = Gauge("icu_upkeep_behind_seconds", "From the end of the roll-ups to now", registry=registry)
        self._rolled = Counter("icu_upkeep_rolled_readings", "Readings rolled up", registry=registry)
        self._late = Counter("icu_upkeep_late_hours", "Hours rolled up anew for late readings", registry=registry)
        self._deleted = Counter("icu_upkeep_deleted", "Rows deleted", ["kind"], registry=registry)
        self._errors = Counter("icu_upkeep_errors", "Attempts that failed, and are repeated", registry=registry)
        self._looked = Gauge("icu_upkeep_looked_timestamp_seconds", "Time of the last look", registry=registry)
        self._backed_up = Gauge(
            "icu_upkeep_backup_timestamp_seconds", "Begin of the last complete backup; 0 before it", registry=registry
        )
        # From 0 on: a series that begins with its first rows has no increase there.
        for each in SWEEPS:
            self._deleted.labels(each.kind)

    @property
    def trouble(self) -> str | None:
        """Trouble in words for people; None while all is well."""
        if self.waits_for is None and self._behind_seconds > TOLERATED:
            return f"the roll-ups are behind by {timedelta(seconds=round(self._behind_seconds))}"
        return self.waits_for or self.held

    def set_trouble(self, trouble: str | None, refusal: str | None = None) -> None:
        """Set what the upkeep waits for, and the refusal that only people can end, after each failure; None when it
        works again.
        """
        self.waits_for, self.refusal = trouble, refusal
        if trouble is not None:
            self._errors.inc()

    def count_rolled(self, result: RolledUp) -> None:
        """Count a step of rolling up."""
        self._behind_seconds = result.behind / 1000
        self._behind.set(self._behind_seconds)
        self._rolled.inc(result.readings)
        self._late.inc(result.hours)

    def count_deleted(self, result: Deleted) -> None:
        """Count a step of deleting."""
        if result.rows:
            self._deleted.labels(result.kind).inc(result.rows)

    def set_state(self, state: UpkeepState) -> None:
        """Set the times of the last look and of the last backup."""
        self._looked.set((state.looked or 0) / 1000)
        self._backed_up.set((state.backed_up or 0) / 1000)
