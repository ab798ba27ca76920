"""A sink that kills itself beside a publication: BOOTSTRAP TOPIC ALARMS URL, and `before` or `after`."""

import os
import signal
import sys
from collections.abc import Sequence

import anyio
from prometheus_client import CollectorRegistry

from icu.config.settings import Kafka
from icu.messages import Record
from icu.sink.batching import Batching
from icu.sink.consumer import consume
from icu.sink.publishing import Publisher
from icu.sink.telemetry import Telemetry
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.transport import KafkaTransport

BOOTSTRAP, TOPIC, ALARMS, URL, STEP = sys.argv[1:]


class Dying(KafkaTransport):
    """The topic of alarms, at which the process ends."""

    async def publish(self, records: Sequence[Record]) -> Sequence[Record]:
        if STEP == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        await super().publish(records)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("killed processes do not go on")


# In place of the notification: here a trigger of the database writes the events.
Publisher.is_due = property(lambda self: not self._events)  # type: ignore[assignment, method-assign] - a fault planted in a program of its own


async def run() -> None:
    """Store readings, until the first event is to be published."""
    brokers = Brokers(Kafka(bootstrap_servers=BOOTSTRAP))
    await consume(
        transport=KafkaTransport(brokers, topic=TOPIC, partitions=1),
        alarms=Dying(brokers, topic=ALARMS, partitions=1),
        database_url=URL,
        telemetry=Telemetry(CollectorRegistry()),
        batching=Batching(linger=0),
    )


anyio.run(run)
