"""Membership in the consumer group of a topic, which tells a reader its share of the partitions.

It has a client of its own, which subscribes and reads nothing: a client that reads as a member hands out records of
partitions that it has just lost. The share is read by another client, from the positions of the caller's database.

The member is static, with the name that it is given: the broker knows it again after a restart, at once, and gives it
its partitions back. A name is for one member. The broker fences the older one of two that live, which shows only in
that it does not know its id any more. So a member that is unknown looks if its name has another id in the group. That
one has to stay there: the broker may have given it to this very member, in an answer that was lost.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import anyio
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka import errors as kafka
from loguru import logger
from msgspec import Struct

from icu.errors import IcuError
from icu.ops.retries import Retries
from icu.transports.errors import NamesakeError
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.errors import KafkaDeniedError, KafkaError
from icu.transports.kafka.foreign import bounded, close_consumer
from icu.transports.kafka.groups import Group, Place
from icu.transports.kafka.topics import ANSWER_DEADLINE, Topic

# Seconds without a heartbeat after which the others get the partitions of a member. The least that a broker allows,
# unless its group.min.session.timeout.ms is lower.
SESSION: Final = 6.0

# Seconds between two heartbeats. The answer to one tells a member that the partitions are dealt anew.
HEARTBEAT: Final = 0.5

# Seconds that one look at the state of the membership waits.
_LOOK: Final = 0.5

# Seconds that a stopping member waits for the broker to let it go.
_LEAVE_TIMEOUT: Final = 1.0

# Seconds for which an id without heartbeats is in a group, at most: the partitions are dealt, and the session ends.
_LOST: Final = 2 * SESSION + 1

_OPTIONS: Final = {
    "session_timeout_ms": round(SESSION * 1000),
    "heartbeat_interval_ms": round(HEARTBEAT * 1000),
    "enable_auto_commit": False,
    # Milliseconds until new partitions of the topic are noticed, and dealt.
    "metadata_max_age_ms": 10_000,
    # It would fetch once, if at all, before its partitions are paused.
    "auto_offset_reset": "latest",
    "fetch_max_bytes": 1,
    "max_partition_fetch_bytes": 1,
}


class Share(Struct, frozen=True, eq=False):
    """Partitions of one member in one generation of the group."""

    partitions: frozenset[int]
    place: Place


class Membership:
    """Membership of one reader. Its client connects in `joined`, and again after each error, until it leaves."""

    def __init__(self, brokers: Brokers, topic: Topic, group: Group, member: str) -> None:
        self._brokers = brokers
        self._topic = topic
        self._group = group
        self._member = member
        self._retries = Retries(f"joining the group {group.name}", on_trouble=self._note)
        self._trouble: str | None = None
        self._share: Share | None = None
        # Ids that the broker has given this member, the last one at the end.
        self._ids: list[str] = []
        self._fenced = False
        self._running: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._on_change: Callable[[], None] = lambda: None

    @property
    def needs_people(self) -> str | None:
        """The reason why no partition comes until a person mends something; None if there is none."""
        return None if self._share else self._retries.needs_people

    @property
    def trouble(self) -> str | None:
        """The thing that the share waits for, in words for people; None while nothing is wrong."""
        return None if self._share else self._trouble

    @property
    def share(self) -> Share | None:
        """The present share, which may be empty; None while the partitions are dealt.

        Raises:
            NamesakeError: Another member with this name has taken its place.
            KafkaRefusedError: It cannot be a member.
        """
        if self._running is not None and self._running.done():
            self._running.result()
        return self._share

    async def joined(self) -> Share:
        """Join the group, if that is not done yet, and wait for the share. Raises as `share` does."""
        if self._running is None:
            self._running = asyncio.create_task(self._run())
            self._running.add_done_callback(lambda _: self._set(None))
        while (share := self.share) is None:
            await self._changed.wait()
        return share

    @contextmanager
    def calling(self, on_change: Callable[[], None]) -> Iterator[None]:
        """Call a function at each change of the share, while the block runs."""
        self._on_change = on_change
        try:
            yield
        finally:
            self._on_change = lambda: None

    async def leave(self) -> None:
        """Leave the group, so that the others need not wait for the end of the session, and disconnect.

        `joined` joins it again.
        """
        share, running = self._share, self._running
        if running is None:
            return
        self._running = None
        running.cancel()
        await asyncio.wait({running})
        if share is not None:
            try:
                with anyio.fail_after(_LEAVE_TIMEOUT):
                    await self._group.leave(share.place.member)
            except (IcuError, TimeoutError) as exc:
                logger.debug("the others get this member's partitions in {:g} s: {}", SESSION, exc)

    async def revoked(self, client: AIOKafkaConsumer) -> None:
        """Note that the partitions are dealt anew.

        Raises:
            CancelledError: Another member has the name. It ends the client's task, which would take the name back.
        """
        self._set(None)
        if self._ids and not _id_of(client) and await self._is_taken(client):
            self._fenced = True
            raise asyncio.CancelledError

    def assigned(self, client: AIOKafkaConsumer, partitions: frozenset[int]) -> None:
        """Note the partitions that were dealt to this member."""
        place = Place(_id_of(client), client._coordinator.generation)  # noqa: SLF001 - no public way tells it
        self._ids.append(place.member)
        self._set(Share(partitions, place))
        named = ", ".join(map(str, sorted(partitions))) or "none, until another member ends"
        logger.bind(topic=self._topic.name).info("partitions of {} for {}: {}", self._topic.name, self._member, named)

    def _note(self, trouble: str | None) -> None:
        self._trouble = trouble

    def _set(self, share: Share | None) -> None:
        self._share = share
        self._changed.set()
        self._changed = asyncio.Event()
        self._on_change()

    async def _run(self) -> None:
        while True:
            client = await self._retries.run(self._join)
            try:
                while True:
                    await self._look(client)
            except KafkaError as exc:
                logger.warning("{}: joining it again", exc)
            finally:
                self._set(None)
                await close_consumer(client)

    async def _join(self) -> AIOKafkaConsumer:
        """Connect, and wait for the first share."""
        await self._topic.ensure()
        options = {**self._brokers.options(), **_OPTIONS, "group_id": self._group.name}
        client = AIOKafkaConsumer(**options, group_instance_id=self._member)
        try:
            await self._brokers.connect(client.start)
            client.subscribe([self._topic.name], listener=_Listener(self, client))
            while self._share is None:
                await self._look(client)
        except BaseException:
            self._set(None)
            await close_consumer(client)
            raise
        return client

    async def _look(self, client: AIOKafkaConsumer) -> None:
        """Wait for an error of the membership. All partitions are paused: no record comes.

        Raises:
            NamesakeError: Another member has the name.
            KafkaError: A new client may be a member.
        """
        polling = client.getmany(timeout_ms=round(_LOOK * 1000))
        try:
            await bounded(f"the group {self._group.name}", polling, seconds=_LOOK + ANSWER_DEADLINE)
        except IcuError as exc:
            if self._fenced or await self._is_taken(client):
                raise NamesakeError(self._member, self._group.name) from exc
            if isinstance(exc.__cause__, kafka.GroupAuthorizationFailedError):
                why = "sinks that share a topic need it: let whoever runs the broker grant this user READ on the group"
                raise KafkaDeniedError(f"{exc}; {why}") from exc
            raise

    async def _is_taken(self, client: AIOKafkaConsumer) -> bool:
        """Tell if another member that lives has this one's name."""
        deadline = anyio.current_time() + _LOST
        while await self._has_other_id(client):
            if anyio.current_time() >= deadline:
                return True
            await anyio.sleep(_LOOK)
        return False

    async def _has_other_id(self, client: AIOKafkaConsumer) -> bool:
        """Tell if this one's name has an id in the group that this one does not know."""
        try:
            members = await self._group.members()
        except IcuError as exc:
            logger.debug("taken for the only one of its name: {}", exc)
            return False
        # The broker makes the id of a static member from its name, a dash and a random uuid.
        named = {each for each in members if each[:-37] == self._member}
        # A client may have joined, and wait for its partitions.
        return bool(self._ids) and not named <= {*self._ids, _id_of(client)}


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    """Listener of one client."""

    def __init__(self, membership: Membership, client: AIOKafkaConsumer) -> None:
        self._membership = membership
        self._client = client

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002 - all of them are
        await self._membership.revoked(self._client)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._client.pause(*assigned)
        self._membership.assigned(self._client, frozenset(each.partition for each in assigned))


def _id_of(client: Any) -> str:  # noqa: ANN401 - aiokafka has no types
    """Id that the broker has given the client; empty while it has none."""
    return str(client._coordinator.member_id)  # noqa: SLF001 - no public way tells it
