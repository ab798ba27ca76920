"""Packing of records into batches of aiokafka, one for each partition."""

from collections.abc import Container, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from icu.messages import Record

# By the number of the partition.
PartitionBatches: TypeAlias = Mapping[int, BatchBuilder]


def pack(client: AIOKafkaProducer, records: Sequence[Record], partitions: int) -> tuple[PartitionBatches, int]:
    """Pack records into one batch for each of `partitions`, until one of them is full.

    A batch takes its first record, however large it is.

    Returns:
        The batches, and the number of packed records: all, unless a batch is full.
    """
    batches: dict[int, BatchBuilder] = {}
    for count, record in enumerate(records):
        partition = partition_of(record.key, partitions)
        batch = batches.get(partition)
        if batch is None:
            batch = batches[partition] = client.create_batch()
        if batch.append(timestamp=None, key=record.key, value=record.value) is None:
            return batches, count
    for batch in batches.values():
        batch.close()
    return batches, len(records)


def of_partitions(chosen: Container[int], records: Sequence[Record], partitions: int) -> list[Record]:
    """Select the records that belong to the chosen ones of `partitions`."""
    return [each for each in records if partition_of(each.key, partitions) in chosen]


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """Number of the partition to which Kafka's own clients send this key."""
    # Cached, since this hash is pure Python, and a ward repeats its keys.
    positive: Any = murmur2(key) & 0x7FFFFFFF
    return int(positive % partitions)
