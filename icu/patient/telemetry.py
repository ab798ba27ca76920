"""Metrics of the patients of one process."""

from collections.abc import Sequence

from loguru import logger
from prometheus_client import CollectorRegistry, Counter, Gauge

from icu.messages import Record


class Telemetry:
    """Metrics of the patients on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.missed = Counter(
            "icu_patient_missed", "Observations left out because the emulator was late", registry=registry
        )
        self.empty = Counter("icu_patient_empty_rows", "Rows of recordings without any sign", registry=registry)
        self._produced = Counter("icu_patient_produced", "Observations made", registry=registry)
        self._delivered = Counter("icu_patient_delivered", "Observations that the transport holds", registry=registry)
        self._dropped = Counter(
            "icu_patient_dropped",
            "Observations lost: too many waited for the transport, or it takes none so large",
            registry=registry,
        )
        self._buffered = Gauge("icu_patient_buffered", "Observations that wait for the transport", registry=registry)

    def count_produced(self, count: int, *, dropped: int) -> None:
        """Count the observations put into a send buffer, and those that it dropped for them."""
        self._produced.inc(count)
        self._buffered.inc(count - dropped)
        if dropped:
            self._dropped.inc(dropped)

    def count_delivered(self, records: Sequence[Record], *, refused: Sequence[Record], released: int) -> None:
        """Count the records that the transport acknowledged, those that it refused among them, and those that the send
        buffer released."""
        self._delivered.inc(len(records) - len(refused))
        self._dropped.inc(len(refused))
        self._buffered.dec(released)
        logger.opt(lazy=True).debug(
            "delivered {}", lambda: b" ".join(each.value for each in records if each not in refused).decode()
        )
