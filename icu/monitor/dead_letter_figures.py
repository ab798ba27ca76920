"""Number of dead letters by reason, for Prometheus: counted now and then, and never for a scrape."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
from prometheus_client import CollectorRegistry, Gauge

from icu.store.dead_letters.pages import Chosen, ReasonCount, count_reasons
from icu.store.errors import StoreError
from icu.store.reader import Reader

# Seconds between two counts.
COUNT_EVERY: Final = 60.0
# Times that a count has taken, before the next one: of millions it takes long, and reads the whole of an index.
_REST: Final = 50


class DeadLetterGauge:
    """Gauge of the dead letters in the database, on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gauge = Gauge("icu_dead_letters", "Dead letters in the database", ["reason"], registry=registry)

    def show(self, counts: list[ReasonCount]) -> None:
        """Show these counts: reasons without letters have no series."""
        self._gauge.clear()
        for each in counts:
            self._gauge.labels(each.reason).set(each.count)


@asynccontextmanager
async def counting(reader: Reader, gauge: DeadLetterGauge) -> AsyncIterator[None]:
    """Count the dead letters while the block runs."""
    async with anyio.create_task_group() as group:
        group.start_soon(_count, reader, gauge)
        yield
        group.cancel_scope.cancel()


async def _count(reader: Reader, gauge: DeadLetterGauge) -> None:
    while True:
        began = anyio.current_time()
        try:
            async with reader.connection(await reader.look()) as connection:
                gauge.show(await count_reasons(connection, Chosen()))
        except StoreError:
            pass  # reported where the database is used; the last counts stand
        await anyio.sleep(max(COUNT_EVERY, _REST * (anyio.current_time() - began)))
