"""Publishing of the outbox to the topic of alarms, beside the sink's loop.

The loop alone uses the database: between two batches it deletes the events that were acknowledged, and reads the next
ones. A task of its own waits for the topic, so that a broker that is away holds up neither readings nor alarms.

Events are published in their order, at least once. After a crash between the acknowledgement and the deletion, they are
published again.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import anyio
from loguru import logger
from msgspec.json import Encoder

from icu.alarms.events import AlarmEvent
from icu.messages import Record
from icu.ops.retries import Retries
from icu.sink.telemetry import Telemetry
from icu.store.heartbeats import Beat
from icu.store.writer import Writer
from icu.transports.base import Transport
from icu.transports.errors import TransportError

# Events that are read and published together.
MAX_EVENTS: Final = 500

# Seconds until a refused request is tried again: people have to mend its reason first.
REFUSED_RETRY: Final = 30.0

_encoder: Final = Encoder()


class Publisher:
    """Publisher of one run of the sink."""

    def __init__(self, transport: Transport, telemetry: Telemetry) -> None:
        """Begin with an outbox that may hold events.

        Args:
            transport: The topic of alarms. Its owner closes it.
            telemetry: Count of published events, and their current trouble.
        """
        self._transport = transport
        self._telemetry = telemetry
        self._retries = Retries("publishing alarms", on_trouble=telemetry.set_publishing_trouble)
        # True if the outbox may hold events that were not read yet.
        self._unread = True
        # Events that are being published; none while the task waits for the next ones.
        self._events: Sequence[AlarmEvent] = ()
        self._handed_over = anyio.Event()
        # Sequences of the acknowledged events that are still in the outbox.
        self._published: Sequence[int] = ()
        # False where another sink publishes.
        self._publishes = True
        # Number of the times that reading began anew.
        self._beginnings = 0

    @property
    def is_due(self) -> bool:
        """True if `settle` has something to do."""
        return self._publishes and not self._events and (self._unread or bool(self._published))

    def notify(self) -> None:
        """Note that a transaction has written events."""
        self._unread = True

    def begin_anew(self, *, publishes: bool = True) -> None:
        """Forget what was read: the outbox may be another database's now.

        Args:
            publishes: False where another sink publishes from now on.
        """
        self._publishes = publishes
        self._unread = True
        self._published = ()
        self._beginnings += 1

    async def settle(self, writer: Writer, beat: Beat) -> bool:
        """Delete acknowledged events from the outbox, and hand over the next ones to be published.

        Returns:
            True if the heartbeat was stored.

        Raises:
            StoreError: As `Writer.write`. The next call does the same again.
        """
        published = self._published
        self._events = await writer.take_events(published=published, most=MAX_EVENTS, beat=beat)
        self._published = ()
        self._unread = False
        if self._events:
            self._handed_over.set()
        return bool(published)

    async def run(self) -> None:
        """Publish the events that are handed over, until cancelled."""
        # Before there are any: consumers find the topic, and a missing right is known before the first alarm.
        await self._persist(self._transport.check)
        while True:
            await self._handed_over.wait()
            self._handed_over = anyio.Event()
            await self._persist(self._publish)

    async def _publish(self) -> None:
        beginning, events = self._beginnings, self._events
        refused = await self._transport.publish([_record(each) for each in events])
        self._telemetry.count_published(len(events) - len(refused))
        # Sequences of another database say nothing about the present one.
        if beginning == self._beginnings:
            self._published = [each.sequence for each in events]
        self._events = ()

    async def _persist(self, work: Callable[[], Awaitable[None]]) -> None:
        """Await `work()` until it succeeds. A refusal of the broker is tried again: it must not end the sink."""
        while True:
            try:
                await self._retries.run(work)
            except TransportError as exc:
                self._telemetry.set_publishing_refusal(f"alarms are stored, and not published: {exc}")
                logger.error("alarms are stored, and not published: {}", exc)
                await anyio.sleep(REFUSED_RETRY)
            else:
                self._telemetry.set_publishing_refusal(None)
                return


def _record(event: AlarmEvent) -> Record:
    # The key keeps the order of a patient's events.
    return Record((event.patient_uuid or event.alarm).encode(), _encoder.encode(event))
