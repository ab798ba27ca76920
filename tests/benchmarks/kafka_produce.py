"""Readings a second into Kafka: a ward of recordings at top speed, beside aiokafka as its documentation shows it."""

import asyncio
from collections.abc import Sequence
from functools import partial

import anyio
from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry

from icu.messages import Observation, Record, encode, uuid_of_name
from icu.patient.emulator import emulate
from icu.patient.patients import Identity
from icu.patient.recordings.recording import Recording, Row
from icu.patient.replayed import ReplayedBay
from icu.patient.telemetry import Telemetry
from icu.transports.sending import SendBuffer
from icu.vitals.catalogue import VitalSigns
from tests.benchmarks.contest import Lap, Stopwatch, compare
from tests.benchmarks.kafka_topics import ROUND, in_rounds, new_topic, open_transport
from tests.brokers import Broker
from tests.samples import START

READINGS = 100_000
BEDS = 1_000
FEW_BEDS = 50
ROUNDS = 5
TOP_SPEED = 1_000_000.0


def main(broker: Broker) -> None:
    """Print readings a second that the broker has acknowledged, and ratios (goal: the ward at 4 x the first)."""
    records = encoded(beds(BEDS))
    contestants = {
        "aiokafka: send() and gather": partial(anyio.run, bare, broker, records),
        f"transport: publish of {ROUND:,} at a time": partial(anyio.run, publish, broker, records),
        f"ward: emulate {BEDS:,} beds": partial(anyio.run, ward, broker, records, BEDS),
        f"ward: emulate {FEW_BEDS:,} beds": partial(anyio.run, ward, broker, records, FEW_BEDS),
    }
    compare(ROUNDS, contestants)


async def bare(broker: Broker, records: Sequence[Record]) -> Lap:
    """Send as aiokafka's documentation does, idempotent as ours."""
    with new_topic(broker) as topic:
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, enable_idempotence=True) as producer:
            await send(producer, topic, records[:ROUND])
            watch = Stopwatch()
            await send(producer, topic, records)
            return watch.lap(len(records))


async def send(producer: AIOKafkaProducer, topic: str, records: Sequence[Record]) -> None:
    """Send records one by one, and wait for all."""
    await asyncio.gather(*[await producer.send(topic, each.value, each.key) for each in records])


async def publish(broker: Broker, records: Sequence[Record]) -> Lap:
    """Publish records that are encoded already by the transport alone."""
    with new_topic(broker) as topic:
        async with open_transport(broker.bootstrap, topic) as transport:
            await transport.publish(records[:ROUND])
            watch = Stopwatch()
            for batch in in_rounds(records):
                await transport.publish(batch)
            return watch.lap(len(records))


async def ward(broker: Broker, records: Sequence[Record], number: int) -> Lap:
    """Run a ward child, which also makes and encodes the observations."""
    occupied = beds(number)
    telemetry = Telemetry(CollectorRegistry())
    with new_topic(broker) as topic:
        async with open_transport(broker.bootstrap, topic) as transport:
            await transport.publish(records[:ROUND])
            watch = Stopwatch()
            await emulate(bays=occupied, buffer=SendBuffer(), transport=transport, telemetry=telemetry)
            return watch.lap(READINGS)


def beds(number: int) -> list[ReplayedBay]:
    """Make beds with recordings of this number of rows altogether."""
    rows = [Row(second, signs(second)) for second in range(READINGS // number)]
    recording = Recording(rows, rows[-1].elapsed, 0)
    names = [f"patient {place}" for place in range(number)]
    return [ReplayedBay(Identity(uuid_of_name(name), name), recording, origin=START, speed=TOP_SPEED) for name in names]


def signs(second: int) -> VitalSigns:
    """Make signs that change from row to row."""
    return VitalSigns(60 + second % 40, 16, 120 + second % 7, 80, 97, 36 + second % 20 / 10)


def encoded(occupied: Sequence[ReplayedBay]) -> list[Record]:
    """Encode all observations of the beds, in the order of time."""
    observations: list[Observation] = []
    for _ in range(READINGS // len(occupied)):
        for bed in occupied:
            observations += bed.observe()
            bed.advance(0, START)
    return encode(observations)
