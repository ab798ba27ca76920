"""The sink's metrics for Prometheus, and its current trouble for health checks."""

from collections import Counter as Tally
from collections.abc import Sequence
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from icu.messages import Implausible
from icu.sink.ahead import AheadReading
from icu.sink.alarm_figures import AlarmFigures
from icu.store.readings import CLOCK_TOLERANCE_MS, PATIENT, TIMESTAMP, ObservedRow
from icu.store.writing.replaying import Replayed
from icu.store.writing.requests import WriteRequest, WriteResult


class Telemetry:
    """Metrics of the sink on one registry.

    `trouble` says what the sink waits for, in words for people; None while it works.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.trouble: str | None = "the sink has not started yet"
        # The refusal of the database that only people can end, with its remedy.
        self.refusal: str | None = None
        # The thing that the publishing of alarms waits for, and the refusal that only people can end, with its remedy.
        self.publishing_trouble: str | None = None
        self.publishing_refusal: str | None = None
        self._stored = Counter("icu_sink_stored", "Readings stored", registry=registry)
        self._duplicates = Counter("icu_sink_duplicates", "Readings delivered again and swallowed", registry=registry)
        self._dead = Counter("icu_sink_dead_letters", "Records refused", ["reason"], registry=registry)
        self._replayed = Counter("icu_sink_replays", "Replays of dead letters", ["outcome"], registry=registry)
        self._expired = Counter(
            "icu_sink_expired", "Readings older than what is kept, which were not stored", registry=registry
        )
        self._implausible = Counter("icu_sink_implausible", "Impossible values", ["sign"], registry=registry)
        self._batch = Histogram(
            "icu_sink_batch_records",
            "Records in one transaction",
            buckets=(1, 10, 100, 1_000, 10_000),
            registry=registry,
        )
        self._age = Histogram(
            "icu_sink_reading_age_seconds",
            "From a batch's newest timestamp that is not ahead to its being stored",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
            registry=registry,
        )
        self._ahead = Counter("icu_sink_ahead", "Readings whose time was ahead of their arrival", registry=registry)
        self._clock_ahead = Counter(
            "icu_sink_clock_ahead",
            "Those of them that were ahead by over 5 minutes: the sender's clock is wrong",
            registry=registry,
        )
        self.alarms = AlarmFigures(registry)
        self._lag = Gauge("icu_sink_lag_records", "Records in the log that are not fetched yet", registry=registry)
        self._published = Counter("icu_sink_alarm_events_published", "Events of alarms published", registry=registry)

    def set_trouble(self, trouble: str | None, refusal: str | None = None) -> None:
        """Set what the sink waits for, and the refusal that only people can end; None when it works again."""
        self.trouble, self.refusal = trouble, refusal

    def set_publishing_trouble(self, trouble: str | None) -> None:
        """Set what the publishing of alarms waits for; None when it works again."""
        self.publishing_trouble = trouble

    def set_publishing_refusal(self, refusal: str | None) -> None:
        """Set why alarms are not published until a person mends it; None when it works again."""
        self.publishing_refusal = refusal

    def count_published(self, events: int) -> None:
        """Count events of alarms that were acknowledged."""
        self._published.inc(events)

    def set_lag(self, lag: int) -> None:
        """Set the number of records that are not fetched yet."""
        self._lag.set(lag)

    def count_implausible(self, implausible: Sequence[Implausible]) -> None:
        """Count impossible values, by field."""
        for name, count in Tally(each.name for each in implausible).items():
            self._implausible.labels(name).inc(count)

    def count_replayed(self, done: Replayed) -> None:
        """Count replays of dead letters by outcome, and the readings that they have stored."""
        self._stored.inc(len(done.rows))
        for outcome, count in done.counts.items():
            self._replayed.labels(outcome).inc(count)

    def count_ahead(self, observed: Sequence[ObservedRow], *, arrived: float) -> list[AheadReading]:
        """Count readings whose time is ahead of their arrival.

        Args:
            observed: All readings of one batch.
            arrived: Seconds since 1970.

        Returns:
            Readings that are ahead by more than `CLOCK_TOLERANCE_MS`: the sender's clock is wrong.
        """
        moment = arrived * 1_000
        ahead = [each for each in observed if each[TIMESTAMP] > moment]
        wrong = [each for each in ahead if each[TIMESTAMP] - moment > CLOCK_TOLERANCE_MS]
        self._ahead.inc(len(ahead))
        self._clock_ahead.inc(len(wrong))
        return [AheadReading(UUID(int=each[PATIENT]), (each[TIMESTAMP] - moment) / 1_000) for each in wrong]

    def count_stored(self, request: WriteRequest, result: WriteResult, *, now: float) -> Tally[str]:
        """Count the results of one transaction.

        Args:
            request: Input of the transaction.
            result: Its results.
            now: Seconds since 1970.

        Returns:
            Number of refused records by reason.
        """
        refused = Tally[str](refusal.reason for refusal in result.refusals)
        self._stored.inc(result.stored)
        self._duplicates.inc(result.duplicates)
        self._expired.inc(result.expired)
        for reason, count in refused.items():
            self._dead.labels(reason).inc(count)
        self._batch.observe(len(request.observed) + len(request.refusals))
        # Readings of the future are left out: a negative age would lower the histogram's sum, which Prometheus
        # takes for a restart of the counter.
        moment = now * 1_000
        newest = max((each[TIMESTAMP] for each in request.observed if each[TIMESTAMP] <= moment), default=None)
        if newest is not None:
            self._age.observe((moment - newest) / 1_000)
        return refused
