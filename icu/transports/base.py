"""The Transport protocol: what patients and sink may rely on, whichever implementation runs.

The delivery contract, in words:

- **Log.** A topic has numbered partitions; each is an append-only log of records with rising offsets. Records with the
  same key go to the same partition and keep the order in which they were published.
- **Acknowledge.** `publish` returns once all its records are in the log. If it raises or is cancelled, some of them may
  be in the log nevertheless: publish again, the reader swallows what it has seen.
- **Refusal.** A record that the log would never take, for it is too large, is dropped and returned by `publish`; the
  others are in the log, in their order.
- **Waiting.** A broker that is away, or that takes nothing for now (rights, settings, clocks), is waited for, with
  back-off and for ever; `trouble` says so meanwhile.
- **Partial failure.** Records that cannot be read stop their own partition alone: it is set aside, and tried again
  with back-off; `degraded` names partition, offset and remedy meanwhile.
- **Back-pressure.** Where the log is bounded by records that no one committed yet, `publish` waits for a commit.
- **Positions.** A consumer is assigned every partition, from the positions that its caller stored. It never moves
  them by itself: the caller's database is the truth, `commit` tells the transport what it need not keep. So does
  `assign`, as far as the log is the one that the positions are of: a caller may have ended between its transaction and
  the commit.
- **Redelivery.** What was fetched and not stored is delivered again after the next `assign`: at-least-once.
- **Identity.** An offset belongs to one log. `Position.mark` identifies that log; where the stored mark is of another
  one (a broker that lost its disk, another run of the in-memory transport), `assign` says so and starts at the log's
  beginning.
- **Closing.** Whoever opened the transport closes it. After that every call raises TransportClosedError.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct

from icu.messages import Delivery, Position, Record


class Assignment(Struct, frozen=True, gc=False):
    """Where a partition is read from, and what is worth saying about it.

    `other_log` is true when the stored position was of another log; `lost` counts records that the log no longer holds.
    """

    position: Position
    other_log: bool = False
    lost: int = 0


class Batch(Struct, frozen=True, gc=False):
    """Consecutive deliveries of one partition, and the positions before and after them."""

    partition: int
    deliveries: Sequence[Delivery]
    start: int
    position: Position


class Consumer(Protocol):
    """One reader of a topic. Not safe for concurrent calls."""

    async def assign(self, stored: Mapping[int, Position]) -> Mapping[int, Assignment]:
        """Take every partition that answers, from the stored positions or the beginning.

        May be called again, to go back. Where others answer later, `fetch` raises TransportError: assign them too then.
        What is before a stored position is stored: the transport need not keep it.
        """
        ...

    async def fetch(self, *, max_records: int, linger: float, max_wait: float) -> Sequence[Batch]:
        """Wait for records, at most `max_wait` seconds, then up to `linger` seconds more for others to join them.

        Returns at once with `max_records`; an empty sequence when patience ran out. Raises TransportError when the
        broker is away or the log is not the one that was assigned: assign again then.
        """
        ...

    async def commit(self, positions: Mapping[int, Position]) -> None:
        """Tell the transport that everything before the positions is stored."""
        ...

    async def lag(self) -> int:
        """Records in the log that were not fetched yet."""
        ...


class Transport(Protocol):
    """A topic that can be published to and read from. Opened by bootstrap, once a process."""

    @property
    def topic(self) -> str:
        """The topic's name."""
        ...

    @property
    def durable(self) -> bool:
        """Whether the log outlives this process."""
        ...

    @property
    def unstored(self) -> int:
        """Records that end with this process unless they are stored and committed first; 0 in a durable log."""
        ...

    async def until_stored(self, most: int) -> None:
        """Wait until at most so many records are `unstored`."""
        ...

    @property
    def trouble(self) -> str | None:
        """What it waits for, in words for people; None while it works."""
        ...

    @property
    def sending_trouble(self) -> str | None:
        """The part of `trouble` that keeps `publish` waiting."""
        ...

    @property
    def degraded(self) -> str | None:
        """What of the log cannot be read until somebody mends it, and how; None while all of it can."""
        ...

    @property
    def sending_degraded(self) -> str | None:
        """What keeps `publish` waiting until somebody mends it, and how; None for nothing of the kind."""
        ...

    async def check(self) -> None:
        """Reach the log once. TransportError where that fails: nothing is waited for here."""
        ...

    async def publish(self, records: Sequence[Record]) -> Sequence[Record]:
        """Append records in order. Returns when all are acknowledged, but for those that it returns: see Refusal."""
        ...

    def consumer(self) -> AbstractAsyncContextManager[Consumer]:
        """Open a reader."""
        ...

    async def aclose(self) -> None:
        """Close for good, waking all who wait."""
        ...
