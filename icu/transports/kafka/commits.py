"""Commits of positions to a consumer group, for lag tools only.

No part of this system reads them: the caller's database is the truth about stored records. So they happen now and then,
and a failed one is no error.
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

# Seconds that the caller waits for a commit.
COMMIT_TIMEOUT: Final = 2.0


class Commits:
    """The commits of one client."""

    def __init__(self, client: AIOKafkaConsumer) -> None:
        self._client = client
        self._committed: dict[TopicPartition, int] = {}
        self._began_at = 0.0
        # Commits under way, and those that the caller no longer waits for.
        self._unfinished: list[asyncio.Future[None]] = []

    @property
    def due(self) -> bool:
        """True once COMMIT_INTERVAL has passed since the last commit."""
        return anyio.current_time() - self._began_at >= COMMIT_INTERVAL

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Commit the changed ones of these positions. A coordinator that does not answer is only logged."""
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
        """Cancel unfinished commits. To be called once the client is closed."""
        with CancelScope(shield=True):
            # One turn of the loop, in which they can see that the client is closed, and end by themselves.
            await anyio.lowlevel.checkpoint()
        for task in self._unfinished:
            task.cancel()

    async def _bounded(self, positions: Mapping[TopicPartition, int]) -> None:
        # A late commit goes on until the client is closed. Cancelling it would not help: aiokafka shields it, and
        # nobody would look at its result.
        task = asyncio.ensure_future(self._client.commit(dict(positions)))
        self._unfinished.append(task)
        await asyncio.wait({task}, timeout=COMMIT_TIMEOUT)
        if not task.done():
            raise KafkaError(f"committing: no answer within {COMMIT_TIMEOUT:g} s")
        self._unfinished.remove(task)
        outcome("committing", task)
