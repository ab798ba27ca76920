"""Check for writes of other programs while the sink has the database open, and is its only one.

Restoring a copy may be a transaction like any other. Nothing fails, but the sink's copy of patients and offsets may be
wrong from then on.

Commands of people (icu.store.commands) are other programs' commits too, and change neither. They raise a counter. Where
it has risen, a commit counts as theirs, and costs the sink one query: a restored copy has an older count, or the same.
So do the transactions of the upkeep, with a counter of their own. Only a person who edits the database by hand within
the same second as a command goes unnoticed.
"""

from collections.abc import Collection, Hashable, Mapping

from icu.messages import Position
from icu.store.alarms.evaluating import Evaluator
from icu.store.decisions.count import commands_of
from icu.store.engines.base import Transaction
from icu.store.errors import PositionConflictError
from icu.store.heartbeats import Beat, Sender
from icu.store.upkeep_state import UpkeepState, read_upkeep_state
from icu.store.writing.introducing import KnownPatients, read_patients
from icu.store.writing.offsets import positions_of
from icu.store.writing.requests import WriteRequest


class ForeignWrites:
    """Guard against commits by programs other than this sink: see icu.store.writing.guarding.Guard."""

    owned = None
    is_first = True
    is_shared = False

    def __init__(self, topic: str) -> None:
        self.sender = Sender(topic)
        self._topic = topic
        # Changes with each foreign commit.
        self._token: Hashable = None
        # Generation and positions as the sink knows them.
        self._generation = 0
        self._positions: dict[int, Position] = {}
        # Number of commands that were carried out.
        self.commands = 0
        # State of the upkeep as of the last check: it changes by commits of the upkeep alone.
        self.upkeep = UpkeepState()
        self.patients: KnownPatients | None = None

    def take_lost(self) -> frozenset[int]:
        return frozenset()

    async def begin(
        self,
        transaction: Transaction,
        partitions: Collection[int],  # noqa: ARG002 - all are this sink's
    ) -> None:
        self._token = await transaction.change_token()
        self._generation, self._positions = await self._state(transaction)
        self.commands = await commands_of(transaction)
        self.upkeep = await read_upkeep_state(transaction)
        self.patients = None

    async def check(
        self,
        transaction: Transaction,
        *,
        patients: bool = False,  # noqa: ARG002 - all are this sink's
        lock: bool = True,  # noqa: ARG002 - the token tells
    ) -> None:
        """Check for foreign commits since the last check.

        Raises:
            PositionConflictError: Generation or positions differ, in any partition of the topic.
        """
        token = await transaction.change_token()
        if token == self._token:
            return
        if await self._state(transaction) != (self._generation, self._positions):
            raise PositionConflictError(
                f"the stored offsets of {self._topic} were moved meanwhile: another copy of the database was restored, "
                "or another sink writes to it"
            )
        before = self.commands, self.upkeep.commits
        self.commands, self.upkeep = await commands_of(transaction), await read_upkeep_state(transaction)
        self._token = token
        if self.commands <= before[0] and self.upkeep.commits <= before[1]:
            self.patients = None

    async def refresh(self, transaction: Transaction) -> None:
        await self.check(transaction)

    async def open(self, transaction: Transaction, request: WriteRequest) -> KnownPatients:  # noqa: ARG002 - of any patients
        return await self.open_replay(transaction)

    async def open_replay(self, transaction: Transaction) -> KnownPatients:
        await self.check(transaction)
        return await read_patients(transaction) if self.patients is None else self.patients

    async def take(
        self,
        transaction: Transaction,  # noqa: ARG002 - nothing to do
        request: WriteRequest,  # noqa: ARG002 - as above
        patients: KnownPatients,  # noqa: ARG002 - as above
        evaluator: Evaluator | None,  # noqa: ARG002 - as above
        now: int,  # noqa: ARG002 - as above
    ) -> int:
        return 0

    async def open_beat(self, transaction: Transaction, beat: Beat) -> int | None:  # noqa: ARG002 - it is in the beat
        return beat.blind_since

    def accept(self) -> None: ...

    def advance(self, positions: Mapping[int, Position]) -> None:
        self._positions |= positions

    async def _state(self, transaction: Transaction) -> tuple[int, dict[int, Position]]:
        return await transaction.generation(), await positions_of(transaction, self._topic)
