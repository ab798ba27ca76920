"""Choice of the transport by the settings."""

from typing import TYPE_CHECKING

from loguru import logger

from icu.config.settings import Settings
from icu.transports.base import Transport

if TYPE_CHECKING:
    from icu.transports.kafka.transport import KafkaTransport


def make_transport(settings: Settings) -> Transport:
    """Make the transport of a process, one for all its children. Connects nothing yet."""
    match settings.transport.kind:
        case "memory":
            return _memory(settings)
        case "kafka":
            return _kafka(settings)


def _memory(settings: Settings) -> Transport:
    from icu.transports.memory import MemoryTransport

    chosen = settings.transport
    logger.info("a new in-memory log: what the sink has not stored is lost if this process is killed")
    return MemoryTransport(topic=chosen.topic, partitions=chosen.partitions, capacity=chosen.capacity)


def _kafka(settings: Settings) -> "KafkaTransport":
    from icu.transports.kafka.brokers import Brokers
    from icu.transports.kafka.transport import KafkaTransport

    brokers = Brokers(settings.kafka)
    if brokers.exposed:
        logger.warning('readings travel unencrypted to {}: use a TLS port (security = "SSL")', brokers.address)
    chosen = settings.transport
    return KafkaTransport(brokers, topic=chosen.topic, partitions=chosen.partitions)
