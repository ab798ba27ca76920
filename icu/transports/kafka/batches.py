"""Records as batches, one for each partition."""

from collections.abc import Container, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from icu.messages import Record

# By the partition's number.
PartitionBatches: TypeAlias = Mapping[int, BatchBuilder]


def pack(client: AIOKafkaProducer, records: Sequence[Record], partitions: int) -> tuple[PartitionBatches, int]:
    """The first records as one batch for each partition, and how many they are: all, unless a batch is full.

    A batch takes its first record however large that is.
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
    """Those of the records that go to the chosen ones of so many partitions."""
    return [each for each in records if partition_of(each.key, partitions) in chosen]


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """Where Kafka's own clients put this key. Cached: the hash is pure Python, and a ward repeats its keys."""
    positive: Any = murmur2(key) & 0x7FFFFFFF
    return int(positive % partitions)
