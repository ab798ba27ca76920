"""Guard of a sink's transactions against what other programs do to the database meanwhile.

There are two: of a sink that has the database for itself (icu.store.writing.foreign_writes), and of one that shares it
with others (icu.store.writing.sharing).
"""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Protocol

from icu.messages import Position
from icu.store.alarms.evaluating import Evaluator
from icu.store.engines.base import Transaction
from icu.store.heartbeats import Beat, Sender
from icu.store.upkeep_state import UpkeepState
from icu.store.writing.introducing import KnownPatients
from icu.store.writing.requests import WriteRequest


class Guard(Protocol):
    """Guard of one run of a sink. What a transaction has found is accepted after its commit alone."""

    # Patients as of the last transaction; None where they have to be read first, as others may have changed them.
    patients: KnownPatients | None

    @property
    def sender(self) -> Sender:
        """The sink, as its heartbeat names it."""
        ...

    @property
    def commands(self) -> int:
        """Number of commands of people, as of the last check."""
        ...

    @property
    def upkeep(self) -> UpkeepState:
        """State of the upkeep, as of the last check."""
        ...

    @property
    def owned(self) -> AbstractSet[int] | None:
        """Keys of the patients whose alarms this sink evaluates; None: all."""
        ...

    @property
    def is_first(self) -> bool:
        """True if this sink does what one has to do: it publishes events of alarms, and replays dead letters."""
        ...

    @property
    def is_shared(self) -> bool:
        """True if other sinks may write to the database."""
        ...

    def take_lost(self) -> AbstractSet[int]:
        """Return the patients whose state in memory has become wrong since the last call."""
        ...

    async def begin(self, transaction: Transaction, partitions: Collection[int]) -> None:
        """Accept the present state of the database, and take over the patients of these partitions."""
        ...

    async def check(self, transaction: Transaction, *, patients: bool = False, lock: bool = True) -> None:
        """Check that the database, and this sink's place in it, are those with which it began.

        Args:
            transaction: Open transaction.
            patients: True where patients are evaluated.
            lock: False where nothing is written.

        Raises:
            PositionConflictError: They are others. Read the positions again.
            OwnersChangedError: Another sink evaluates some of the patients now: see `refresh`.
        """
        ...

    async def refresh(self, transaction: Transaction) -> None:
        """Read anew which patients are left to this sink."""
        ...

    async def open(self, transaction: Transaction, request: WriteRequest) -> KnownPatients:
        """Check as `check` does, at the begin of a batch's transaction. Returns the patients as they are in the table.

        Raises:
            PositionConflictError: As `check`.
            OwnersChangedError: As `check`.
        """
        ...

    async def open_replay(self, transaction: Transaction) -> KnownPatients:
        """Do the same for replays, which evaluate nobody, and may introduce patients."""
        ...

    async def take(
        self,
        transaction: Transaction,
        request: WriteRequest,
        patients: KnownPatients,
        evaluator: Evaluator | None,
        now: int,
    ) -> int:
        """Take the patients of a batch that are nobody's or others', before its readings are stored.

        Args:
            transaction: Open transaction, after `open`.
            request: The batch.
            patients: All, with those whom the batch has introduced.
            evaluator: Is given the state of those whom another sink has watched.
            now: Server's time, in milliseconds since 1970 UTC.

        Returns:
            Number of those who were taken.
        """
        ...

    async def open_beat(self, transaction: Transaction, beat: Beat) -> int | None:
        """Check, before a sign of life is written, that the sink is the one of its name.

        Returns:
            The time since which nobody in the ward was watched until then; None if somebody was.

        Raises:
            PositionConflictError: Another sink has its name.
        """
        ...

    def accept(self) -> None:
        """Note that the transaction was committed."""
        ...

    def advance(self, positions: Mapping[int, Position]) -> None:
        """Note new positions of the sink's own transaction."""
        ...
