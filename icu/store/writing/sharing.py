"""Guard of a sink that shares its database with others: see icu.store.writing.guarding and icu.store.alarms.owners."""

from collections.abc import Collection, Mapping
from operator import itemgetter
from typing import Final

from icu.messages import Position
from icu.store.alarms.evaluating import Evaluator
from icu.store.alarms.owners import Owned, Owners
from icu.store.alarms.watched import read_states
from icu.store.engines.base import Transaction
from icu.store.heartbeats import Beat, blind_with_others
from icu.store.readings import PATIENT
from icu.store.upkeep_state import UpkeepState
from icu.store.writing.introducing import KnownPatients, read_patients
from icu.store.writing.requests import WriteRequest

_patient: Final = itemgetter(PATIENT)


class Sharing:
    """Guard of one run of a sink. Its copy of a patient is right as long as the patient is its own.

    Args:
        topic: Topic of the sink.
        member: Its name among those of the topic.
    """

    is_shared = True

    def __init__(self, topic: str, member: str) -> None:
        self._owners = Owners(topic, member)
        self.sender: Final = self._owners.sender
        self.patients: KnownPatients | None = None
        # Patients as the present transaction found them, and what it makes of the sink's own; None if nothing.
        self._found = KnownPatients()
        self._owned: Owned | None = None

    @property
    def commands(self) -> int:
        return self._owners.commands

    @property
    def upkeep(self) -> UpkeepState:
        return self._owners.upkeep

    @property
    def owned(self) -> frozenset[int]:
        return self._owners.keys

    @property
    def is_first(self) -> bool:
        return self._owners.has_first

    def take_lost(self) -> frozenset[int]:
        return self._owners.take_lost()

    async def begin(self, transaction: Transaction, partitions: Collection[int]) -> None:
        self.patients = None
        self._owned = await self._owners.begin(transaction, partitions)

    async def check(self, transaction: Transaction, *, patients: bool = False, lock: bool = True) -> None:
        self._owned = None
        if lock:
            await self._owners.check(transaction, patients=patients)
        else:
            await self._owners.look(transaction)

    async def refresh(self, transaction: Transaction) -> None:
        self._owned = await self._owners.refresh(transaction)

    async def open(self, transaction: Transaction, request: WriteRequest) -> KnownPatients:
        known = self.patients
        if known is None or not self._owners.keys.issuperset(map(known.ids.get, set(map(_patient, request.observed)))):
            return await self.open_replay(transaction)
        await self.check(transaction, patients=True)
        return known

    async def open_replay(self, transaction: Transaction) -> KnownPatients:
        self._owned = await self._owners.open(transaction)
        self._found = await read_patients(transaction)
        return self._found

    async def take(
        self,
        transaction: Transaction,
        request: WriteRequest,
        patients: KnownPatients,
        evaluator: Evaluator | None,
        now: int,
    ) -> int:
        if self._owned is None:
            return 0
        sources = zip(request.observed, request.deliveries, strict=True)
        places = {patients.ids[each[PATIENT]]: source.partition for each, source in sources}
        owned = self._owned = await self._owners.take(transaction, self._owned, places)
        placed = {self._found.ids[number] for number, each in self._found.details.items() if each.placed}
        watched = owned.new & placed
        if evaluator is not None and watched:
            evaluator.restore(*await read_states(transaction, watched, now), now)
        return len(owned.new)

    async def open_beat(self, transaction: Transaction, beat: Beat) -> int | None:
        if self._owners.has_begun:
            await self._owners.check(transaction, patients=False)
        return await blind_with_others(transaction, self.sender, beat)

    def accept(self) -> None:
        if self._owned is not None:
            self._owners.accept(self._owned)
            self._owned = None

    def advance(self, positions: Mapping[int, Position]) -> None: ...
