"""Positions for lag tools: committed to a consumer group, now and then, as well as it goes.

Nobody of ours reads them: the caller's database is the truth about what is stored.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import anyio
import anyio.lowlevel
from aiokafka import AIOKafkaConsumer, TopicPartition
from anyio import CancelScope
from loguru import logger

from icu.transports.kafka.errors import KafkaError
from icu.transports.kafka.foreign import outcome

# Seconds between two commits.
COMMIT_INTERVAL: Final = 1.0

# Seconds that one may take.
COMMIT_TIMEOUT: Final = 2.0


class Commits:
    """The commits of one client."""

    def __init__(self, client: AIOKafkaConsumer) -> None:
        self._client = client
        self._committed: dict[TopicPartition, int] = {}
        self._began_at = 0.0
        # Commits that are under way, or were given up.
        self._unfinished: list[asyncio.Future[None]] = []

    @property
    def due(self) -> bool:
        """True when it is time for the next."""
        return anyio.current_time() - self._began_at >= COMMIT_INTERVAL

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Commit the positions that have changed. A coordinator that does not answer is no error."""
        changed = {tp: offset for tp, offset in positions.items() if self._committed.get(tp) != offset}
        if not changed:
            return
        self._began_at = anyio.current_time()
        try:
            await self._bounded(changed)
        except KafkaError as exc:
            logger.debug("the lag that tools show is not up to date: {}", exc)
        else:
            self._committed |= changed

    async def give_up(self) -> None:
        """End what is still under way, once the client is closed: a turn of the loop lets them see it."""
        with CancelScope(shield=True):
            await anyio.lowlevel.checkpoint()
        for task in self._unfinished:
            task.cancel()

    async def _bounded(self, positions: Mapping[TopicPartition, int]) -> None:
        """Commit, for a bounded time. What takes longer goes on until the client is closed.

        Cancelled, aiokafka would do so all the same, inside a shield, and nobody would look at how that ends.
        """
        task = asyncio.ensure_future(self._client.commit(dict(positions)))
        self._unfinished.append(task)
        await asyncio.wait({task}, timeout=COMMIT_TIMEOUT)
        if not task.done():
            raise KafkaError(f"committing: no answer within {COMMIT_TIMEOUT:g} s")
        self._unfinished.remove(task)
        outcome("committing", task)
