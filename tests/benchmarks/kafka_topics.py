"""Topics of the Kafka benchmarks, read and written by the ward's client."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID, uuid4

from icu.config.settings import Kafka
from icu.messages import Record, encode, uuid_of_name
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.transport import KafkaTransport
from tests.brokers import Broker, admin
from tests.samples import observation

PARTITIONS = 6
# Records that are published at a time, as an emulator does at most.
ROUND = 1_000


@contextmanager
def new_topic(broker: Broker) -> Iterator[str]:
    """Make a topic, and delete it at the end."""
    name = f"bench-{uuid4()}"
    broker.create_topic(name, PARTITIONS)
    try:
        yield name
    finally:
        admin.ask(broker.bootstrap, lambda client: client.delete_topics([name]))


@asynccontextmanager
async def open_transport(bootstrap: str, topic: str) -> AsyncIterator[KafkaTransport]:
    """Open the ward's own client."""
    transport = KafkaTransport(Brokers(Kafka(bootstrap_servers=bootstrap)), topic=topic, partitions=PARTITIONS)
    try:
        yield transport
    finally:
        await transport.aclose()


async def fill(broker: Broker, topic: str, records: Sequence[Record]) -> None:
    """Write the records to the topic."""
    async with open_transport(broker.bootstrap, topic) as transport:
        for batch in in_rounds(records):
            await transport.publish(batch)


def in_rounds(records: Sequence[Record]) -> list[Sequence[Record]]:
    """Split the records into the numbers that are published at a time."""
    return [records[begin : begin + ROUND] for begin in range(0, len(records), ROUND)]


def encoded_readings(patients: int, each: int) -> list[Record]:
    """Encode this number of readings of each patient, in the order of time."""
    uuids = patients_of(patients)
    readings = [
        observation(second, patient=uuid, pulse=60 + second % 40, temperature=36 + second % 20 / 10)
        for second in range(each)
        for uuid in uuids
    ]
    return encode(readings)


def patients_of(count: int) -> list[UUID]:
    """Return the patients of the readings."""
    return [uuid_of_name(f"patient {number}") for number in range(count)]
