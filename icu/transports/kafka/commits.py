"""Commits of positions to a consumer group, for lag tools only.

No part of this system reads them: the caller's database is the truth about stored records. So they happen now and then,
and a failed one is no error.
"""

from collections.abc import Mapping
from math import inf
from typing import Final

import anyio
from aiokafka import errors as kafka
from loguru import logger

from icu.transports.kafka.errors import KafkaError, KafkaRefusedError
from icu.transports.kafka.groups import Group, Place

# Seconds between two commits.
COMMIT_INTERVAL: Final = 1.0

# Seconds that the caller waits for a commit.
COMMIT_TIMEOUT: Final = 2.0


class Commits:
    """The commits of a topic's positions to one group."""

    def __init__(self, group: Group, topic: str) -> None:
        self._group = group
        self._topic = topic
        self._committed: dict[int, int] = {}
        self._began_at = -inf
        # False once the broker has denied access to the group.
        self._allowed = True

    @property
    def due(self) -> bool:
        """True once COMMIT_INTERVAL has passed since the last commit."""
        return anyio.current_time() - self._began_at >= COMMIT_INTERVAL

    def forget(self) -> None:
        """Commit all positions again: other readers may have committed theirs."""
        self._committed = {}

    async def commit(self, positions: Mapping[int, int], place: Place) -> None:
        """Commit the changed ones of these positions, by partition. A failure is only logged."""
        changed = {each: offset for each, offset in positions.items() if self._committed.get(each) != offset}
        if not changed or not self._allowed:
            return
        self._began_at = anyio.current_time()
        try:
            with anyio.fail_after(COMMIT_TIMEOUT):
                await self._group.commit(self._topic, changed, place)
        except (KafkaError, KafkaRefusedError, TimeoutError) as exc:
            self._note(exc)
        else:
            self._committed |= changed

    def _note(self, error: Exception) -> None:
        if not isinstance(error.__cause__, kafka.GroupAuthorizationFailedError):
            logger.debug("the lag that tools show is not up to date: {}", str(error) or "no answer in time")
            return
        # Readings are stored all the same.
        self._allowed = False
        logger.warning(
            "the broker does not let this user into the consumer group {}: lag tools will not see how far {} is stored "
            "until that is granted (READ) and this program is started anew",
            self._group.name,
            self._topic,
        )
