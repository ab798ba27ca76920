"""Reports of one run of the sink: figures and log lines about what was stored, and where reading began."""

from collections.abc import Mapping, Sequence

from loguru import logger

from icu.messages import Implausible
from icu.sink.ahead import AheadReport
from icu.sink.intake import DecodedBatches
from icu.sink.telemetry import Telemetry
from icu.store.writing.requests import WriteResult
from icu.transports.base import Assignment


class Reports:
    """Reports to these metrics and to the log."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._ahead = AheadReport()

    def stored(self, decoded: DecodedBatches, result: WriteResult, *, arrived: float, now: float) -> None:
        """Report a transaction.

        Args:
            decoded: What was stored.
            result: Result of the transaction.
            arrived: Arrival of the records, in seconds since 1970.
            now: Seconds since 1970.
        """
        refused = self._telemetry.count_stored(decoded.request, result, now=now)
        self._telemetry.count_implausible(decoded.implausible)
        self._ahead.log(self._telemetry.count_ahead(decoded.request.observed, arrived=arrived))
        _log_implausible(decoded.implausible)
        counts = result.stored, result.duplicates, refused.total(), result.expired
        logger.debug("stored {} readings, {} duplicates, {} refused, {} expired", *counts)
        if refused:
            first = result.refusals[0].delivery
            reasons = ", ".join(f"{count} {reason}" for reason, count in refused.items())
            logger.bind(partition=first.partition, offset=first.offset).warning("dead letters: {}", reasons)

    def assigned(self, assignments: Mapping[int, Assignment]) -> None:
        """Log where reading begins, if it is not where it ended."""
        others = [partition for partition, each in assignments.items() if each.other_log]
        if others:
            logger.bind(partitions=others).info(
                "another log than the stored offsets are of: reading it from its beginning"
            )
        for partition, assignment in assignments.items():
            if assignment.lost:
                log = logger.bind(partition=partition, offset=assignment.position.next)
                log.error("up to {} records are neither in this database nor any longer in the log", assignment.lost)


def _log_implausible(implausible: Sequence[Implausible]) -> None:
    """Log each impossible value with its place in the topic, the only place where it is kept."""
    for each in implausible:
        log = logger.bind(partition=each.delivery.partition, offset=each.delivery.offset)
        log.debug("impossible value: {} {}", each.name, each.value)
