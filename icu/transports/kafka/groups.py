"""Requests about a consumer group, on a connection of their own.

aiokafka's consumers commit in tasks that go on after they are closed, and never leave a group as a static member. These
requests can be broken off at any time, and leave nothing behind.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import anyio
from aiokafka import errors as kafka
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import LeaveGroupRequest
from msgspec import Struct

from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.errors import KafkaError
from icu.transports.kafka.foreign import bounded, close_in_turn, translated
from icu.transports.kafka.topics import ANSWER_DEADLINE


class Place(Struct, frozen=True):
    """Place of a member in one generation of its group."""

    # Id that the broker gave the member.
    member: str
    generation: int


# Place of a program that commits to a group without being a member. The broker takes that while there are no members.
NOBODY: Final = Place("", -1)


class Group:
    """A consumer group. It connects at the first request."""

    def __init__(self, brokers: Brokers, name: str) -> None:
        self.name = name
        self._brokers = brokers
        self._client: AIOKafkaClient | None = None
        self._connecting = anyio.Lock()
        # Id of the broker that looks after the group.
        self._coordinator: int | None = None

    async def commit(self, topic: str, offsets: Mapping[int, int], place: Place) -> None:
        """Commit the offsets of a topic's partitions, by their numbers.

        Raises:
            KafkaError: They may be committed later.
            KafkaRefusedError: They cannot be committed.
        """
        values = [(topic, [(partition, offset, "") for partition, offset in offsets.items()])]
        retention = OffsetCommitRequest.DEFAULT_RETENTION_TIME
        request = OffsetCommitRequest(self.name, place.generation, place.member, retention, values)
        answer = await self._ask("committing", request)
        self._check("committing", (code for _, partitions in answer.topics for _, code in partitions))

    async def members(self) -> list[str]:
        """Return the ids of the members. The id of a static member begins with its instance's, and a dash.

        Raises:
            KafkaError: They are not known now.
            KafkaRefusedError: They may not be known.
        """
        answer = await self._ask("looking for the members of the group", DescribeGroupsRequest([self.name]))
        [(code, _, _, _, _, members, *_)] = answer.groups
        self._check("looking for the members of the group", [code])
        return [member for member, *_ in members]

    async def leave(self, member: str) -> None:
        """Leave the group, static members too, whose partitions would otherwise wait for the end of their session.

        Raises:
            KafkaError: The broker did not take it.
            KafkaRefusedError: Likewise, and never will.
        """
        answer = await self._ask("leaving the group", LeaveGroupRequest(self.name, member))
        self._check("leaving the group", [answer.error_code])

    async def aclose(self) -> None:
        """Disconnect."""
        client, self._client, self._coordinator = self._client, None, None
        if client is not None:
            await close_in_turn(client.close)

    async def _ask(self, doing: str, request: object) -> Any:  # noqa: ANN401 - aiokafka's answers have no types
        client = await self._connected()
        try:
            if self._coordinator is None:
                finding = client.coordinator_lookup(CoordinationType.GROUP, self.name)
                self._coordinator = await bounded(doing, finding, seconds=ANSWER_DEADLINE)
            sending = client.send(self._coordinator, request, group=ConnectionGroup.COORDINATION)
            return await bounded(doing, sending, seconds=ANSWER_DEADLINE)
        except KafkaError:
            self._coordinator = None
            raise

    def _check(self, doing: str, codes: Iterable[int]) -> None:
        """Raise the error of the first code that is one."""
        for code in codes:
            error = kafka.for_code(code)
            if error is not kafka.NoError:
                # Another broker may look after the group by now.
                self._coordinator = None
                raise translated(f"{doing} {self.name}", error()) from error()

    async def _connected(self) -> AIOKafkaClient:
        # One at a time: reader and membership ask in tasks of their own.
        async with self._connecting:
            if self._client is None:
                client = AIOKafkaClient(**self._brokers.options())
                try:
                    await self._brokers.connect(client.bootstrap)
                except BaseException:
                    await close_in_turn(client.close)
                    raise
                self._client = client
            return self._client
