"""Looks at a topic's partitions at a fixed pace, beside the fetches, for those do not tell.

A fetch of aiokafka brings nothing, and no error, from a broker that is away; and a live topic is never silent, so that
nothing here may wait for a silence.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec import Struct

from icu.transports.kafka.errors import KafkaError
from icu.transports.kafka.foreign import bounded

# Seconds between two looks.
POLL_INTERVAL: Final = 2.0

# Seconds that an answer may take.
POLL_TIMEOUT: Final = 2.0


class EndOffsets(Struct, frozen=True):
    """How many partitions the topic has, the last stable offsets of those that answered, why the others did not."""

    partitions: int
    ends: Mapping[TopicPartition, int]
    silent: Mapping[TopicPartition, str]


class EndOffsetPoller:
    """Looks at partitions through a reader's client."""

    def __init__(self, client: AIOKafkaConsumer, tps: Sequence[TopicPartition]) -> None:
        self._client = client
        self._tps = tps
        self._polling: asyncio.Task[EndOffsets] | None = None
        self._next_at = asyncio.get_running_loop().time() + POLL_INTERVAL

    def poll(self) -> EndOffsets | None:
        """The look that has ended since the last call, if one has. Begins another one when it is time."""
        now = asyncio.get_running_loop().time()
        if self._polling is None and now >= self._next_at:
            self._next_at = now + POLL_INTERVAL
            self._polling = asyncio.ensure_future(self._poll())
        if self._polling is None or not self._polling.done():
            return None
        ended, self._polling = self._polling, None
        return ended.result()

    async def aclose(self) -> None:
        """Look no more."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.wait({self._polling})

    async def _poll(self) -> EndOffsets:
        answers = dict(zip(self._tps, await asyncio.gather(*map(self._end, self._tps)), strict=True))
        return EndOffsets(
            # None of a topic that was removed: its partitions do not answer either.
            partitions=len(self._client.partitions_for_topic(self._tps[0].topic) or ()),
            ends={tp: answer for tp, answer in answers.items() if isinstance(answer, int)},
            silent={tp: str(answer) for tp, answer in answers.items() if isinstance(answer, KafkaError)},
        )

    async def _end(self, tp: TopicPartition) -> int | KafkaError:
        """One by one: asked together, those whose broker is there would wait for those whose broker is not."""
        try:
            ends = await bounded(
                f"asking for the end of partition {tp.partition}",
                self._client.end_offsets([tp]),
                seconds=POLL_TIMEOUT,
            )
        except KafkaError as exc:
            return exc
        return int(ends[tp])
