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
from icu.transports.kafka.foreign import UnreadableError, bounded, bounded_fetch, close_in_turn
from icu.transports.kafka.identity import LogExtent
from icu.transports.kafka.topics import ANSWER_DEADLINE, Topic, TopicLayout

# Seconds that a record may take that is read again, to see whether it is still the same one.
READ_BACK_TIMEOUT: Final = 2.0


class Survey(Struct, frozen=True):
    """A topic's cluster, the logs of the partitions that answered, and why the others did not."""

    cluster: str
    logs: Mapping[int, LogExtent]
    silent: Mapping[int, str]


async def survey(brokers: Brokers, topic: Topic, stored: Mapping[int, Position]) -> Survey:
    """Look at each partition of the topic. KafkaError where none answers."""
    facts = await topic.ensure()
    client = AIOKafkaConsumer(**brokers.options())
    try:
        await brokers.connect(client.start)
        return await _look(client, facts, stored)
    finally:
        await close_in_turn(client.stop)


async def _look(client: AIOKafkaConsumer, facts: TopicLayout, stored: Mapping[int, Position]) -> Survey:
    tps = [TopicPartition(facts.name, each) for each in facts.partitions]
    answers = dict(zip(tps, await asyncio.gather(*(_extent(client, each) for each in tps)), strict=True))
    extents = {tp: answer for tp, answer in answers.items() if isinstance(answer, tuple)}
    silent = {tp.partition: str(answer) for tp, answer in answers.items() if isinstance(answer, KafkaError)}
    if silent and not extents:
        raise KafkaError(next(iter(silent.values())))
    before = await _records_before(client, extents, stored)
    logs = {tp.partition: LogExtent(facts.cluster, begin, end, before.get(tp)) for tp, (begin, end) in extents.items()}
    return Survey(facts.cluster, logs, silent)


async def _extent(client: AIOKafkaConsumer, tp: TopicPartition) -> tuple[int, int] | KafkaError:
    """The offsets at which the partition's log begins and ends, or why nobody says."""
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
    """The record before each stored position, where the log still holds it."""
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
    """The record at the offset; None where compaction took it, or nobody can read it any more."""
    call = client.getmany(tp, timeout_ms=round(READ_BACK_TIMEOUT * 1000), max_records=1)
    try:
        found: Mapping[TopicPartition, list[ConsumerRecord]] = await bounded_fetch(
            call, seconds=READ_BACK_TIMEOUT + ANSWER_DEADLINE
        )
    except UnreadableError as exc:
        logger.debug("offset {} of partition {} cannot be read again: {}", offset, tp.partition, exc)
        return None
    return next((each for each in found.get(tp, ()) if each.offset == offset), None)
