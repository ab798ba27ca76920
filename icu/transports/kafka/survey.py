"""The survey of a topic before it is read: its partitions, and the extents of their logs.

It has a client of its own, which reads uncommitted records too, so that its end offsets are the high watermarks. The
ends of a reader are the last stable offsets. They may lie before positions that an earlier version of this program
stored, which read uncommitted records, and would make the log look shorter than it was.
"""

import asyncio
from collections.abc import Container, Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from loguru import logger
from msgspec import Struct

from icu.messages import Position
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.errors import KafkaError
from icu.transports.kafka.foreign import UnreadableError, bounded, bounded_fetch, close_consumer
from icu.transports.kafka.identity import LogExtent
from icu.transports.kafka.topics import ANSWER_DEADLINE, Topic, TopicLayout

# Seconds to read back the record before a stored position, which shows if the log is still the same.
READ_BACK_TIMEOUT: Final = 2.0


class Survey(Struct, frozen=True):
    """The partitions of a topic, by their numbers."""

    # The id of the cluster.
    cluster: str
    # Number of the topic's partitions.
    partitions: int
    # The logs of the partitions that answered.
    logs: Mapping[int, LogExtent]
    # The errors of the other partitions, in words.
    silent: Mapping[int, str]


async def survey(
    brokers: Brokers, topic: Topic, stored: Mapping[int, Position], *, share: Container[int] | None
) -> Survey:
    """Survey a topic, and create it if it is missing.

    Args:
        brokers: The brokers of the cluster.
        topic: The topic.
        stored: The stored positions by partition, whose preceding records are read back.
        share: The partitions to survey; None for all.

    Raises:
        KafkaError: No partition answers.
    """
    layout = await topic.ensure()
    client = AIOKafkaConsumer(**brokers.options())
    try:
        await brokers.connect(client.start)
        return await _look(client, layout, stored, share)
    finally:
        await close_consumer(client)


async def _look(
    client: AIOKafkaConsumer, layout: TopicLayout, stored: Mapping[int, Position], share: Container[int] | None
) -> Survey:
    tps = [TopicPartition(layout.name, each) for each in layout.partitions if share is None or each in share]
    answers = dict(zip(tps, await asyncio.gather(*(_extent(client, each) for each in tps)), strict=True))
    extents = {tp: answer for tp, answer in answers.items() if isinstance(answer, tuple)}
    silent = {tp.partition: str(answer) for tp, answer in answers.items() if isinstance(answer, KafkaError)}
    if silent and not extents:
        raise KafkaError(next(iter(silent.values())))
    before = await _records_before(client, extents, stored)
    logs = {tp.partition: LogExtent(layout.cluster, begin, end, before.get(tp)) for tp, (begin, end) in extents.items()}
    return Survey(layout.cluster, len(layout.partitions), logs, silent)


async def _extent(client: AIOKafkaConsumer, tp: TopicPartition) -> tuple[int, int] | KafkaError:
    """Offsets of the beginning and the end of a partition's log, or the transient error of the request."""
    doing = f"asking for the offsets of partition {tp.partition}"
    try:
        begins = await bounded(doing, client.beginning_offsets([tp]), seconds=ANSWER_DEADLINE)
        ends = await bounded(doing, client.end_offsets([tp]), seconds=ANSWER_DEADLINE)
    except KafkaError as exc:
        if not exc.transient:
            raise
        return exc
    return begins[tp], ends[tp]


async def _records_before(
    client: AIOKafkaConsumer, extents: Mapping[TopicPartition, tuple[int, int]], stored: Mapping[int, Position]
) -> "dict[TopicPartition, ConsumerRecord]":
    """Read back the record before each stored position, if the log still holds it."""
    offsets = {tp: stored[tp.partition].next - 1 for tp in extents if tp.partition in stored}
    kept = {tp: offset for tp, offset in offsets.items() if extents[tp][0] <= offset < extents[tp][1]}
    _begin_at(client, kept)
    found = {tp: await _record_at(client, tp, offset) for tp, offset in kept.items()}
    return {tp: record for tp, record in found.items() if record is not None}


def _begin_at(client: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]) -> None:
    client.assign(list(offsets))
    for tp, offset in offsets.items():
        client.seek(tp, offset)


async def _record_at(client: AIOKafkaConsumer, tp: TopicPartition, offset: int) -> "ConsumerRecord | None":
    """Read the record at the offset. Returns None if compaction has removed it, or it is unreadable."""
    call = client.getmany(tp, timeout_ms=round(READ_BACK_TIMEOUT * 1000), max_records=1)
    try:
        found: Mapping[TopicPartition, list[ConsumerRecord]] = await bounded_fetch(
            call, seconds=READ_BACK_TIMEOUT + ANSWER_DEADLINE
        )
    except UnreadableError as exc:
        logger.debug("offset {} of partition {} cannot be read again: {}", offset, tp.partition, exc)
        return None
    return next((each for each in found.get(tp, ()) if each.offset == offset), None)
