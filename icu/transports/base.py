"""The Transport protocol: what patients and sink may rely on with any implementation.

The delivery contract, in words:

- **Log.** A topic has numbered partitions; each is an append-only log of records with rising offsets. Records with the
  same key go to the same partition and keep the order in which they were published.
- **Acknowledgement.** `publish` returns once all its records are in the log. If it raises or is cancelled, some of them
  may be in the log nevertheless: publish all again, and the reader drops the duplicates.
- **Refusal.** A record that is too large for the log is dropped, and `publish` returns it; the others are in the log,
  in their order.
- **Waiting.** Calls wait for a broker that is away, or that refuses everything for now (rights, settings, clocks), with
  back-off and without end; `trouble` names it meanwhile.
- **Partial failure.** Records that cannot be read stop their own partition only. It is set aside, and tried again with
  back-off; `degraded` names partition, offset and remedy meanwhile.
- **Back-pressure.** Where the number of uncommitted records is bounded, `publish` waits for a commit.
- **Retention.** A log may drop its oldest records, as a broker does after some time. A reader that has not read them
  gets a TransportError, and the next `assign` counts them.
- **Sharing.** A consumer reads all partitions, or shares them with others: then it has a name, `member`. Each partition
  belongs to one of them at a time. When one joins or ends, they are dealt anew: `fetch` raises ReassignedError, without
  the records that it had, and `join` waits for the new share, which may be empty. A consumer that was held up may
  return records of partitions that are another's by now: so a batch is stored only if its `start` is the stored
  position. The in-memory log ends with its process, where one consumer reads all of it.
- **Names.** A consumer that is opened with a name takes the place of the one before it: at once, if that one is dead.
  If that one lives, it raises NamesakeError: of two, the older one ends.
- **Positions.** A consumer is assigned partitions from the positions that its caller stored. The consumer never
  changes them: the caller's database is the truth. `commit` releases the records before the positions. So does
  `assign`, if the positions belong to this log: a caller may have ended between its transaction and the commit.
- **Redelivery.** Records that were fetched and not stored are delivered again after the next `assign`: at-least-once.
- **Identity.** An offset belongs to one log, which `Position.mark` identifies. If the stored mark belongs to another
  log (a broker that lost its disk, another run of the in-memory transport), `assign` reports it and starts at the
  beginning.
- **Closing.** The owner of the transport closes it. After that every call raises TransportClosedError.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct

from icu.messages import Delivery, Position, Record


class Assignment(Struct, frozen=True, gc=False):
    """The start of reading in a partition."""

    position: Position
    # True if the stored position belongs to another log.
    other_log: bool = False
    # Records behind the stored position that the log no longer holds.
    lost: int = 0


class Batch(Struct, frozen=True, gc=False):
    """Consecutive records of one partition, as one fetch brings them."""

    partition: int
    deliveries: Sequence[Delivery]
    # The position before the first record. Logs have gaps, so that the record's own offset may be greater.
    start: int
    # The position behind the last record, to be stored with them.
    position: Position
    # True if the partition held further records when these were fetched: the reader has a backlog, and these are
    # history. Records that cannot be read yet, as those behind an open transaction, do not count.
    more: bool


class Consumer(Protocol):
    """One reader of a topic. Not safe for concurrent calls."""

    @property
    def answered(self) -> bool:
        """True once a fetch was answered since the last `assign`, with records or without."""
        ...

    async def join(self) -> None:
        """Wait for the share of the partitions that this reader has to read. Returns at once where it reads all.

        Raises:
            NamesakeError: Another reader has its name.
        """
        ...

    async def leave(self) -> None:
        """Give the share up, for others to read, until the next `join`. Does nothing where this reader reads all."""
        ...

    async def assign(self, stored: Mapping[int, Position]) -> Mapping[int, Assignment]:
        """Start to read every partition of the share that answers. May be called again, to go back.

        Args:
            stored: The stored positions by partition. A partition without one is read from its beginning. Records
                before a stored position count as committed.

        Returns:
            The assignments by partition. When further partitions answer later, `fetch` raises TransportError.

        Raises:
            ReassignedError: The partitions are dealt anew. Join, and read the stored positions again.
        """
        ...

    async def fetch(self, *, max_records: int, linger: float, max_wait: float, now: float = 0.0) -> Sequence[Batch]:
        """Fetch the next records.

        Args:
            max_records: The most records to return. The call returns at once when it has so many.
            linger: Seconds to wait for further records once there is one.
            max_wait: Seconds to wait for the first record.
            now: Present time on a clock of the caller's, for `read_until`.

        Returns:
            Batches of records; none if no record came in time.

        Raises:
            ReassignedError: The partitions are dealt anew. Join, and read the stored positions again.
            TransportError: The broker is away, or the log is not the assigned one. Assign again.
            NamesakeError: Another reader has its name.
        """
        ...

    @property
    def read_until(self) -> Mapping[int, float]:
        """Times up to which partitions are read, on the clock of `fetch(now=)`: each record that the log held then has
        been returned. Partitions that were not read to their end since `assign` are missing.
        """
        ...

    async def commit(self, positions: Mapping[int, Position]) -> None:
        """Release the records before these positions, by partition: they are stored."""
        ...

    async def lag(self) -> int:
        """Number of records in the log that were not fetched yet."""
        ...


class Transport(Protocol):
    """A topic to publish to and to read from. Bootstrap opens one in each process."""

    @property
    def topic(self) -> str:
        """Name of the topic."""
        ...

    @property
    def durable(self) -> bool:
        """True if the log outlives this process."""
        ...

    @property
    def unstored(self) -> int:
        """Number of records that would be lost if this process ended now; 0 in a durable log."""
        ...

    async def until_stored(self, most: int) -> None:
        """Wait until at most `most` records are `unstored`."""
        ...

    @property
    def trouble(self) -> str | None:
        """The thing that a call waits for, in words for people; None while all work."""
        ...

    @property
    def sending_trouble(self) -> str | None:
        """The part of `trouble` that `publish` waits for."""
        ...

    @property
    def degraded(self) -> str | None:
        """The part of the log that cannot be read until a person mends it, and the remedy; None if there is none."""
        ...

    @property
    def sending_degraded(self) -> str | None:
        """The reason why `publish` waits until a person mends it, and the remedy; None if there is none."""
        ...

    async def check(self) -> None:
        """Connect to the log once, without retries. Raises TransportError if that fails."""
        ...

    async def publish(self, records: Sequence[Record]) -> Sequence[Record]:
        """Append records in order, and wait until they are acknowledged.

        Returns:
            The refused records, which are too large for the log.
        """
        ...

    def consumer(self, member: str | None = None) -> AbstractAsyncContextManager[Consumer]:
        """Open a reader.

        Args:
            member: Its name among those that share the topic; None for one that reads all of it.
        """
        ...

    async def aclose(self) -> None:
        """Close the transport for good. Waiting calls raise TransportClosedError."""
        ...
