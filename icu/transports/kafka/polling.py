"""Polls the end offsets of a topic's partitions at a fixed interval, beside the fetches.

A fetch of aiokafka brings neither records nor an error from a broker that is away. And the poller must not wait for a
pause between fetches, since a live topic has none.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec import Struct

from icu.transports.kafka.errors import KafkaError
from icu.transports.kafka.foreign import bounded

# Seconds between the beginnings of two polls.
POLL_INTERVAL: Final = 2.0

# Seconds that a partition may take to answer.
POLL_TIMEOUT: Final = 2.0


class EndOffsets(Struct, frozen=True):
    """The answers to one poll."""

    # The number of the topic's partitions; 0 for a topic that was removed.
    partitions: int
    # The last stable offsets of the partitions that answered.
    ends: Mapping[TopicPartition, int]
    # The errors of the other partitions, in words.
    silent: Mapping[TopicPartition, str]


class EndOffsetPoller:
    """Polls through the client of a reader."""

    def __init__(self, client: AIOKafkaConsumer, tps: Sequence[TopicPartition]) -> None:
        self._client = client
        self._tps = tps
        self._polling: asyncio.Task[EndOffsets] | None = None
        self._next_at = asyncio.get_running_loop().time() + POLL_INTERVAL

    def poll(self) -> EndOffsets | None:
        """Return the poll that has ended since the last call, if any, and begin another one when it is time.

        Never waits. Errors of single partitions are in the result.
        """
        now = asyncio.get_running_loop().time()
        if self._polling is None and now >= self._next_at:
            self._next_at = now + POLL_INTERVAL
            self._polling = asyncio.ensure_future(self._poll())
        if self._polling is None or not self._polling.done():
            return None
        ended, self._polling = self._polling, None
        return ended.result()

    async def aclose(self) -> None:
        """Cancel the poll that is under way."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.wait({self._polling})

    async def _poll(self) -> EndOffsets:
        answers = dict(zip(self._tps, await asyncio.gather(*map(self._end, self._tps)), strict=True))
        return EndOffsets(
            partitions=len(self._client.partitions_for_topic(self._tps[0].topic) or ()),
            ends={tp: answer for tp, answer in answers.items() if isinstance(answer, int)},
            silent={tp: str(answer) for tp, answer in answers.items() if isinstance(answer, KafkaError)},
        )

    async def _end(self, tp: TopicPartition) -> int | KafkaError:
        # One request for each partition: in a common one the partitions of a live broker would wait for those of a
        # broker that is away.
        try:
            ends = await bounded(
                f"asking for the end of partition {tp.partition}",
                self._client.end_offsets([tp]),
                seconds=POLL_TIMEOUT,
            )
        except KafkaError as exc:
            return exc
        return int(ends[tp])
