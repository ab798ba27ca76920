"""Requests to a broker from synchronous code."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import NotLeaderForPartitionError, for_code

# Seconds until a question that takes milliseconds has certainly failed.
TIMEOUT = 30


def ask(bootstrap: str, question: Callable[[AIOKafkaAdminClient], Awaitable[Any]]) -> Any:
    """Return the answer of the broker at this address. Works inside an event loop too, and blocks it meanwhile."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _ask(bootstrap, question)).result()


async def _ask(bootstrap: str, question: Callable[[AIOKafkaAdminClient], Awaitable[Any]]) -> Any:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=TIMEOUT * 1000)
    try:
        async with asyncio.timeout(TIMEOUT):
            await client.start()
            return await question(client)
    finally:
        await client.close()


class Administered:
    """A broker on which topics can be made and changed."""

    bootstrap: str

    def create_topic(self, name: str, partitions: int = 6, config: Mapping[str, str] | None = None) -> None:
        """Make a topic, and wait until its partitions can be written."""

        async def create(client: AIOKafkaAdminClient) -> None:
            topic = NewTopic(name, partitions, replication_factor=1, topic_configs=dict(config or {}))
            response = await client.create_topics([topic])
            for _, code, message in response.topic_errors:
                if code:
                    raise for_code(code)(message)
            while not await _has_leaders(client, name, partitions):
                await asyncio.sleep(0.01)

        ask(self.bootstrap, create)

    def configure_topic(self, name: str, config: Mapping[str, str]) -> None:
        """Change settings of a topic."""
        resource = ConfigResource(ConfigResourceType.TOPIC, name, dict(config))
        ask(self.bootstrap, lambda client: client.alter_configs([resource]))

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Delete a partition's records before the offset `before`."""

        async def delete(client: AIOKafkaAdminClient) -> None:
            while True:
                # A broker that has just started leads no partition yet.
                with suppress(NotLeaderForPartitionError):
                    await client.delete_records({TopicPartition(topic, partition): RecordsToDelete(before)})
                    return
                await asyncio.sleep(0.05)

        ask(self.bootstrap, delete)


async def _has_leaders(client: AIOKafkaAdminClient, name: str, partitions: int) -> bool:
    [topic] = await client.describe_topics([name])
    led = [each for each in topic["partitions"] if each["leader"] >= 0]
    return len(led) == partitions


def brokers(bootstrap: str) -> int:
    """Count the brokers of the cluster that can serve."""
    return len(ask(bootstrap, lambda client: client.describe_cluster())["brokers"])
