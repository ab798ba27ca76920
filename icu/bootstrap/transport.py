"""Choice of the transport by the settings."""

from typing import TYPE_CHECKING, Final

from loguru import logger

from icu.config.settings import Settings
from icu.transports.base import Transport

if TYPE_CHECKING:
    from icu.transports.kafka.transport import KafkaTransport


# Events of alarms that are kept in memory, in each partition, for readers to come.
_KEPT_ALARMS: Final = 1_000


def make_transport(settings: Settings) -> Transport:
    """Make the transport of a process, one for all its children. Connects nothing yet."""
    match settings.transport.kind:
        case "memory":
            return _memory(settings)
        case "kafka":
            return _kafka(settings, settings.transport.topic, "readings")


def make_alarms_transport(settings: Settings) -> Transport:
    """Make the transport of the topic of alarms. Connects nothing yet."""
    match settings.transport.kind:
        case "memory":
            return _alarms_in_memory(settings)
        case "kafka":
            return _kafka(settings, settings.transport.alarms, "alarms")


def _memory(settings: Settings) -> Transport:
    from icu.transports.memory import MemoryTransport

    chosen = settings.transport
    logger.info("a new in-memory log: what the sink has not stored is lost if this process is killed")
    return MemoryTransport(topic=chosen.topic, partitions=chosen.partitions, capacity=chosen.capacity)


def _alarms_in_memory(settings: Settings) -> Transport:
    from icu.transports.memory import MemoryTransport

    chosen = settings.transport
    return MemoryTransport(
        topic=chosen.alarms, partitions=chosen.partitions, capacity=_KEPT_ALARMS, waits_for_commits=False
    )


def _kafka(settings: Settings, topic: str, content: str) -> "KafkaTransport":
    from icu.transports.kafka.brokers import Brokers
    from icu.transports.kafka.transport import KafkaTransport

    brokers = Brokers(settings.kafka)
    if brokers.exposed:
        logger.warning('{} travel unencrypted to {}: use a TLS port (security = "SSL")', content, brokers.address)
    return KafkaTransport(brokers, topic=topic, partitions=settings.transport.partitions)
