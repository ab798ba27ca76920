"""Before a topic is read: which partitions it has, and what their logs hold.

A client of its own looks, which also sees records of transactions that are open or were aborted: its ends are the high
watermarks. A reader's own ends are the last stable offsets, which may lie below what was stored by a version of this
program that read such records, and would make its log look shorter than it was.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from loguru import logger
from msgspec import Struct

from icu.messages import Position
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.errors import KafkaError
from icu.transports.kafka.foreign import UnreadableError, bounded, closed, fetched
from icu.transports.kafka.identity import Log
from icu.transports.kafka.topics import ANSWER_DEADLINE, Facts, Topic

# Seconds that a record may take that is read again, to see whether it is still the same one.
READING_BACK: Final = 2.0


class Survey(Struct, frozen=True):
    """A topic's cluster, the logs of the partitions that answered, and why the others did not."""

    cluster: str
    logs: Mapping[int, Log]
    silent: Mapping[int, str]


async def survey(brokers: Brokers, topic: Topic, stored: Mapping[int, Position]) -> Survey:
    """Look at each partition of the topic. KafkaError where none answers."""
    facts = await topic.ensure()
    client = AIOKafkaConsumer(**brokers.options())
    try:
        await brokers.connect(client.start)
        return await _look(client, facts, stored)
    finally:
        await closed(client.stop)


async def _look(client: AIOKafkaConsumer, facts: Facts, stored: Mapping[int, Position]) -> Survey:
    places = [TopicPartition(facts.name, each) for each in facts.partitions]
    answers = dict(zip(places, await asyncio.gather(*(_extent(client, each) for each in places)), strict=True))
    extents = {place: answer for place, answer in answers.items() if isinstance(answer, tuple)}
    silent = {place.partition: str(answer) for place, answer in answers.items() if isinstance(answer, KafkaError)}
    if silent and not extents:
        raise KafkaError(next(iter(silent.values())))
    before = await _records_before(client, extents, stored)
    logs = {
        place.partition: Log(facts.cluster, begin, end, before.get(place)) for place, (begin, end) in extents.items()
    }
    return Survey(facts.cluster, logs, silent)


async def _extent(client: AIOKafkaConsumer, place: TopicPartition) -> tuple[int, int] | KafkaError:
    """The offsets at which the partition's log begins and ends, or why nobody says."""
    doing = f"asking for the offsets of partition {place.partition}"
    try:
        begins = await bounded(doing, client.beginning_offsets([place]), seconds=ANSWER_DEADLINE)
        ends = await bounded(doing, client.end_offsets([place]), seconds=ANSWER_DEADLINE)
    except KafkaError as exc:
        if not exc.transient:
            raise
        return exc
    return begins[place], ends[place]


async def _records_before(
    client: AIOKafkaConsumer, extents: Mapping[TopicPartition, tuple[int, int]], stored: Mapping[int, Position]
) -> "dict[TopicPartition, ConsumerRecord]":
    """The record before each stored position, where the log still holds it."""
    offsets = {place: stored[place.partition].next - 1 for place in extents if place.partition in stored}
    kept = {place: offset for place, offset in offsets.items() if extents[place][0] <= offset < extents[place][1]}
    _begin_at(client, kept)
    found = {place: await _record_at(client, place, offset) for place, offset in kept.items()}
    return {place: record for place, record in found.items() if record is not None}


def _begin_at(client: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]) -> None:
    client.assign(list(offsets))
    for place, offset in offsets.items():
        client.seek(place, offset)


async def _record_at(client: AIOKafkaConsumer, place: TopicPartition, offset: int) -> "ConsumerRecord | None":
    """The record at the offset; None where compaction took it, or nobody can read it any more."""
    call = client.getmany(place, timeout_ms=round(READING_BACK * 1000), max_records=1)
    try:
        found: Mapping[TopicPartition, list[ConsumerRecord]] = await fetched(
            call, seconds=READING_BACK + ANSWER_DEADLINE
        )
    except UnreadableError as exc:
        logger.debug("offset {} of partition {} cannot be read again: {}", offset, place.partition, exc)
        return None
    return next((each for each in found.get(place, ()) if each.offset == offset), None)
