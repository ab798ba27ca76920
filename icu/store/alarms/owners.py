"""Sinks that share a database, and the patients whose alarms each of them evaluates.

A patient belongs to the sink that stored a reading of the patient last, or took over the partition of that reading. Its
memory of the patient is right as long as this stands: nobody else evaluates the patient, and commands of people are
told to all.

Each transaction of a sink locks the sink's own heartbeat. Whoever takes patients locks the heartbeats of all sinks, in
their order, and counts in each of those it took from. So a sink knows from its own row, under its lock, that all its
patients are still its own: a batch costs one lock, however many patients are in it. One who finds that the number has
risen reads anew which patients are left.

Who takes a patient reads the patient's state back in the same transaction, before it stores readings. New patients are
introduced under the same locks, so that two sinks give them neither two rows nor one bed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from secrets import randbits
from typing import Any, Final

import msgspec
from loguru import logger
from msgspec import Struct, structs
from sqlalchemy import text

from icu.store.alarms.spans import spans
from icu.store.engines.base import Connection, Transaction, Values
from icu.store.errors import OwnersChangedError, PositionConflictError
from icu.store.heartbeats import Sender
from icu.store.upkeep_state import COLUMNS as _UPKEEP
from icu.store.upkeep_state import UpkeepState

_OWN: Final = text(
    "SELECT heartbeats.run, heartbeats.taken, command_count.count,"  # noqa: S608 - names of our own
    f" {', '.join(f'upkeep_state.{each}' for each in _UPKEEP)}"
    " FROM heartbeats, command_count, upkeep_state WHERE heartbeats.topic = :topic AND heartbeats.member = :member"
)
_ALL: Final = text("SELECT member FROM heartbeats WHERE topic = :topic ORDER BY member")
_OTHERS: Final = text("SELECT member, partitions FROM heartbeats WHERE topic = :topic AND member <> :member")
_TAKEN: Final = text("SELECT taken FROM heartbeats WHERE topic = :topic AND member = :member")
_CLAIM: Final = text(
    "INSERT INTO heartbeats (topic, member, run, partitions, taken, at, lag)"
    " VALUES (:topic, :member, :run, :partitions, 0, 0, 0) ON CONFLICT (topic, member) DO UPDATE"
    " SET run = excluded.run, partitions = excluded.partitions"
)
_PART: Final = text("UPDATE heartbeats SET partitions = :partitions WHERE topic = :topic AND member = :member")
_REMOVE: Final = text("DELETE FROM heartbeats WHERE topic = :topic AND member = :member")
_COUNT: Final = text("UPDATE heartbeats SET taken = taken + 1 WHERE topic = :topic AND run = :run")
_OWNED: Final = text("SELECT patient_id FROM alarm_owners WHERE run = :run")
_OWNERS: Final = text(
    "SELECT patient_id, run, partition FROM alarm_owners WHERE patient_id > :after AND patient_id <= :last"
)
_RUNS: Final = text("SELECT DISTINCT run FROM alarm_owners WHERE partition = :partition")
_TAKE: Final = text(
    "INSERT INTO alarm_owners (patient_id, run, partition) VALUES (:patient, :run, :partition)"
    " ON CONFLICT (patient_id) DO UPDATE SET run = excluded.run, partition = excluded.partition"
)
_TAKE_PARTITION: Final = text("UPDATE alarm_owners SET run = :run WHERE partition = :partition AND run <> :run")
# Patients whom no sink has heard since several share the database.
_TAKE_REST: Final = text(
    "INSERT INTO alarm_owners (patient_id, run, partition) SELECT patient_id, :run, 0 FROM bed_states"
    " WHERE patient_id NOT IN (SELECT patient_id FROM alarm_owners) ON CONFLICT (patient_id) DO NOTHING"
)

# The sink of this partition does what one alone has to do, and has the patients who were never heard.
FIRST: Final = 0


class Owned(Struct, frozen=True):
    """Patients of a sink in a transaction, to be accepted after its commit."""

    keys: frozenset[int]
    # Times that others had taken some.
    taken: int
    # Those whose state in memory is wrong from now on.
    lost: frozenset[int] = frozenset()
    # Those that a batch has taken, and read back.
    new: frozenset[int] = frozenset()


class Owners:
    """Patients of one run of a sink, among those that share the database.

    Args:
        topic: Topic of the sink.
        member: Its name among those of the topic.
    """

    def __init__(self, topic: str, member: str) -> None:
        self.sender: Final = Sender(topic, member, randbits(62))
        # As of the last transaction.
        self._owned = Owned(frozenset(), 0)
        self._lost: frozenset[int] = frozenset()
        # None before the first.
        self._partitions: frozenset[int] | None = None
        # Number of commands, and state of the upkeep, as of the last look.
        self.commands = 0
        self.upkeep = UpkeepState()
        self._has_told = False

    @property
    def keys(self) -> frozenset[int]:
        """Keys of the patients that are the sink's own, as of its last transaction."""
        return self._owned.keys

    @property
    def has_first(self) -> bool:
        """True if this is the sink of the first partition."""
        return self._partitions is not None and FIRST in self._partitions

    @property
    def has_begun(self) -> bool:
        """True once the name is this sink's own."""
        return self._partitions is not None

    def take_lost(self) -> frozenset[int]:
        """Return the patients whose state in memory has become wrong since the last call."""
        lost, self._lost = self._lost, frozenset()
        return lost

    def accept(self, owned: Owned) -> None:
        """Take the outcome of a transaction over, after its commit."""
        self._owned = owned
        self._lost = (self._lost | owned.lost) - owned.new

    async def begin(self, transaction: Transaction, partitions: Collection[int]) -> Owned:
        """Take over partitions, with their patients. Sinks that have no partition left are forgotten."""
        await self._lock_all(transaction)
        still = await self._read(transaction)
        for member, read in await transaction.rows(_OTHERS, self._place):
            await self._part(transaction, member, read, partitions)
        values = {**self._place, "run": self.sender.run, "partitions": _json(partitions)}
        await transaction.execute(_CLAIM, [values])
        for partition in partitions:
            await self._count(transaction, {run for (run,) in await transaction.rows(_RUNS, {"partition": partition})})
            await transaction.execute(_TAKE_PARTITION, [{"run": self.sender.run, "partition": partition}])
        if FIRST in partitions:
            await transaction.execute(_TAKE_REST, [{"run": self.sender.run}])
        await self.check(transaction, patients=False)
        self._partitions = frozenset(partitions)
        after = await self._read(transaction)
        return Owned(after.keys, after.taken, self.keys - still.keys)

    async def check(self, transaction: Transaction, *, patients: bool = True) -> None:
        """Check under a lock that this sink is the one of its name, and that its patients are its own.

        Args:
            transaction: Open transaction, to be committed before others can take them.
            patients: False where none is evaluated.

        Raises:
            PositionConflictError: Another sink has the name, or its partitions. Begin again.
            OwnersChangedError: Others have taken patients. See `refresh`.
        """
        taken = self._note(await transaction.lock(_OWN, self._place, change="heartbeats", keep="upkeep_state"))
        if patients and taken != self._owned.taken:
            raise OwnersChangedError("another sink evaluates some of these patients now: do the same again")

    async def look(self, transaction: Transaction) -> None:
        """Check without a lock that this sink is the one of its name.

        Raises:
            PositionConflictError: Another sink has the name, or its partitions. Begin again.
        """
        self._note(await transaction.rows(_OWN, self._place))

    async def refresh(self, transaction: Transaction) -> Owned:
        """Read anew which patients are left."""
        await self.check(transaction, patients=False)
        return self._without_lost(await self._read(transaction))

    async def open(self, transaction: Transaction) -> Owned:
        """Lock out all other sinks, so that patients can be taken from them. Returns those that are left here."""
        await self._lock_all(transaction)
        return await self.refresh(transaction)

    async def take(self, transaction: Transaction, owned: Owned, places: Mapping[int, int]) -> Owned:
        """Take patients from others, in a transaction that has locked them out.

        Args:
            transaction: Open transaction.
            owned: Patients of this sink.
            places: By key, the partition on which each was heard. Own ones stay as they are.
        """
        wanted = {key: partition for key, partition in places.items() if key not in owned.keys}
        before = await _owners(transaction, wanted)
        if not wanted:
            return owned
        await self._count(transaction, {run for run, _ in before.values()})
        values = [{"patient": key, "run": self.sender.run, "partition": place} for key, place in sorted(wanted.items())]
        await transaction.execute(_TAKE, values)
        if any(before[key][1] != place for key, place in wanted.items() if key in before):
            self._tell()
        return structs.replace(owned, keys=owned.keys | wanted.keys(), new=frozenset(wanted))

    @property
    def _place(self) -> Values:
        return {"topic": self.sender.topic, "member": self.sender.member}

    async def _lock_all(self, transaction: Transaction) -> None:
        await transaction.lock(_ALL, {"topic": self.sender.topic}, change="heartbeats")

    def _note(self, rows: Sequence[Sequence[Any]]) -> int:
        """Note what others have changed. Returns the number of times that they took patients."""
        if not rows or rows[0][0] != self.sender.run:
            raise PositionConflictError(
                f"another sink took over from {self.sender.member or 'this one'}: reading on from what is stored"
            )
        _, taken, self.commands, *upkeep = rows[0]
        self.upkeep = UpkeepState(*upkeep)
        return int(taken)

    async def _read(self, transaction: Transaction) -> Owned:
        keys = {key for (key,) in await transaction.rows(_OWNED, {"run": self.sender.run})}
        rows = await transaction.rows(_TAKEN, self._place)
        return Owned(frozenset(keys), rows[0][0] if rows else 0)

    def _without_lost(self, owned: Owned) -> Owned:
        return structs.replace(owned, lost=self.keys - owned.keys)

    async def _part(self, transaction: Transaction, member: str, read: str | None, taken: Collection[int]) -> None:
        """Part another sink from partitions that this one reads now."""
        had = set() if read is None else set(msgspec.json.decode(read, type=list[int]))
        left = had - set(taken)
        values = {"topic": self.sender.topic, "member": member, "partitions": _json(left)}
        if left:
            await transaction.execute(_PART, [values])
        elif had or read is None:
            await transaction.execute(_REMOVE, [values])

    async def _count(self, transaction: Transaction, runs: Iterable[int]) -> None:
        """Tell the sinks of these runs that patients were taken from them."""
        values = [{"topic": self.sender.topic, "run": each} for each in sorted(runs) if each != self.sender.run]
        if values:
            await transaction.execute(_COUNT, values)

    def _tell(self) -> None:
        if not self._has_told:
            self._has_told = True
            logger.warning(
                "readings of a patient come on several partitions, so that they lose their order, and sinks take the "
                "patient from each other: let senders use the patient's uuid as the key of each record"
            )


async def owned_by(connection: Connection, run: int) -> Sequence[int]:
    """Read the keys of the patients of one run of a sink."""
    return [key for (key,) in await connection.rows(_OWNED, {"run": run})]


async def _owners(transaction: Transaction, keys: Iterable[int]) -> Mapping[int, tuple[int, int]]:
    """Read run and partition of the owners of patients, by the patient's key. Those without one are missing."""
    wanted = set(keys)
    found = {}
    for after, last in spans(wanted):
        for key, run, partition in await transaction.rows(_OWNERS, {"after": after, "last": last}):
            if key in wanted:
                found[key] = run, partition
    return found


def _json(partitions: Iterable[int]) -> str:
    return msgspec.json.encode(sorted(partitions)).decode()
