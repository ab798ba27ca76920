"""Readings a second out of Kafka, decoded and checked by the sink's code, beside getmany and msgspec alone."""

from datetime import datetime
from functools import partial
from uuid import UUID

import anyio
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec import Struct

from icu.messages import Observation
from icu.sink.batching import Batching
from icu.sink.consumer import FETCH_TIMEOUT
from icu.sink.intake import decode_batches
from tests.benchmarks.contest import Lap, Stopwatch, compare
from tests.benchmarks.kafka_topics import PARTITIONS, encoded_readings, fill, new_topic, open_transport
from tests.brokers import Broker

PATIENTS = 1_000
EACH = 200
ROUNDS = 7
# Records that the sink asks for at a time.
MOST = Batching().max_records


class Plain(Struct):
    """The fields of an observation, of which only the types are checked."""

    patient_uuid: UUID
    timestamp: datetime
    patient_name: str | None = None
    pulse: float | None = None
    resp_rate: float | None = None
    bp: str | None = None
    spo2: float | None = None
    temperature: float | None = None
    interval: float | None = None
    schema_version: int = 0


def main(broker: Broker) -> None:
    """Print readings a second and ratios (goal: 0.9 x the first)."""
    with new_topic(broker) as topic:
        anyio.run(fill, broker, topic, encoded_readings(PATIENTS, EACH))
        contestants = {
            "aiokafka: getmany and msgspec": partial(anyio.run, bare, broker, topic, Plain),
            "the same with our checks of values": partial(anyio.run, bare, broker, topic, Observation),
            "sink: fetch and take in": partial(anyio.run, ours, broker, topic),
        }
        compare(ROUNDS, contestants)


async def bare(broker: Broker, topic: str, kind: type[Plain | Observation]) -> Lap:
    """Decode the values alone."""
    decoder = msgspec.json.Decoder(kind)
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    decoded = 0
    async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap) as consumer:
        consumer.assign(places)
        for place in places:
            consumer.seek(place, 0)
        watch = Stopwatch()
        while decoded < PATIENTS * EACH:
            found = await consumer.getmany(timeout_ms=1_000, max_records=MOST)
            for records in found.values():
                decoded += len([decoder.decode(record.value) for record in records])
        return watch.lap(decoded)


async def ours(broker: Broker, topic: str) -> Lap:
    """Decode as the sink does: to the values of rows, with places, keys and headers for dead letters."""
    decoded = 0
    async with open_transport(broker.bootstrap, topic) as transport, transport.consumer() as consumer:
        await consumer.assign({})
        watch = Stopwatch()
        while decoded < PATIENTS * EACH:
            taken = decode_batches(await consumer.fetch(max_records=MOST, linger=0, max_wait=FETCH_TIMEOUT))
            decoded += len(taken.request.observed)
        return watch.lap(decoded)
