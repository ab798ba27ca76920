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
PACE: Final = 2.0

# Seconds that an answer may take.
DEADLINE: Final = 2.0


class Look(Struct, frozen=True):
    """How many partitions the topic has, the last stable offsets of those that answered, why the others did not."""

    partitions: int
    ends: Mapping[TopicPartition, int]
    silent: Mapping[TopicPartition, str]


class Lookout:
    """Looks at partitions through a reader's client."""

    def __init__(self, client: AIOKafkaConsumer, places: Sequence[TopicPartition]) -> None:
        self._client = client
        self._places = places
        self._looking: asyncio.Task[Look] | None = None
        self._next_at = asyncio.get_running_loop().time() + PACE

    def look(self) -> Look | None:
        """The look that has ended since the last call, if one has. Begins another one when it is time."""
        now = asyncio.get_running_loop().time()
        if self._looking is None and now >= self._next_at:
            self._next_at = now + PACE
            self._looking = asyncio.ensure_future(self._look())
        if self._looking is None or not self._looking.done():
            return None
        ended, self._looking = self._looking, None
        return ended.result()

    async def aclose(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    async def _look(self) -> Look:
        answers = dict(zip(self._places, await asyncio.gather(*map(self._end, self._places)), strict=True))
        return Look(
            # None of a topic that was removed: its partitions do not answer either.
            partitions=len(self._client.partitions_for_topic(self._places[0].topic) or ()),
            ends={place: answer for place, answer in answers.items() if isinstance(answer, int)},
            silent={place: str(answer) for place, answer in answers.items() if isinstance(answer, KafkaError)},
        )

    async def _end(self, place: TopicPartition) -> int | KafkaError:
        """One by one: asked together, those whose broker is there would wait for those whose broker is not."""
        try:
            ends = await bounded(
                f"asking for the end of partition {place.partition}",
                self._client.end_offsets([place]),
                seconds=DEADLINE,
            )
        except KafkaError as exc:
            return exc
        return int(ends[place])
