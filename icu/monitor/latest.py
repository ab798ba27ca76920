"""Patients with their latest readings for the list of patients, kept in memory.

They are read from the store at the first request, and follow the journal from then on: a request needs no statement.
Where memory cannot tell which reading is the latest, the store is asked for that patient.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import anyio

from icu.errors import PatientNotFoundError
from icu.monitor.broadcast import Broadcast
from icu.monitor.listing import Latest, Listed, latest_of
from icu.monitor.roster import Kept, Roster
from icu.store.alarms.served import alarm_of
from icu.store.errors import StoreUnavailableError
from icu.store.journal.following import Batch
from icu.store.reader import Reader
from icu.store.readings import milliseconds
from icu.vitals.news2.inputs import MaxAges

# Seconds for which beds and inputs of NEWS2 are kept, unless a command was carried out: the sink seldom changes one by
# itself.
BEDS_FOR: Final = 5.0

# Patients that are asked for one by one; for more, one statement of all costs less.
FEW: Final = 20


class LatestReadings:
    """All patients with their latest readings, up to the newest batch of the broadcast.

    Args:
        reader: The store.
        broadcast: Watch of the journal.
        max_ages: Rule for the greatest ages of values that count for NEWS2.
    """

    def __init__(self, reader: Reader, broadcast: Broadcast, max_ages: MaxAges) -> None:
        self._reader = reader
        self._max_ages = max_ages
        self._broadcast = broadcast
        self._loading = anyio.Lock()
        # None while they are not kept.
        self._roster: Roster | None = None
        # Batches that come while they are being read; None at all other times.
        self._meanwhile: list[Batch] | None = None
        # Time on the wall clock at which they were read.
        self._read_at: datetime | None = None
        # Time on the loop's clock up to which the beds are kept, and number of commands when they were read.
        self._beds_until = 0.0
        self._commands: int | None = None
        broadcast.observe(self)

    async def patients(self, *, now: datetime) -> Listed:
        """Return all patients, sorted by name.

        Args:
            now: Time on the wall clock.

        Raises:
            SchemaError: There is no database, or one of another version.
            StoreUnavailableError: It is away.
        """
        roster = await self._followed(now) if self._broadcast.is_following else await self._read(now)
        await self._renew_beds(roster)
        exceptions: dict[int, Latest] = {}
        moment = milliseconds(now)
        # Again, for while the store is asked others may become unsure.
        while unsure := [each for each in roster.unsure(moment) if each.key not in exceptions]:
            exceptions |= await self._ask(unsure, now)
        return Listed(roster.by_name(), exceptions)

    @property
    def active(self) -> bool:
        """True while batches of the journal are needed."""
        return self._roster is not None or self._meanwhile is not None

    def take(self, batches: Sequence[Batch]) -> None:
        """Take in the batches that follow the last ones."""
        if self._meanwhile is not None:
            self._meanwhile += batches
        elif self._roster is not None and not all(map(self._roster.take, batches)):
            self.forget()

    def forget(self) -> None:
        """Read them anew at the next request: the database may be another one, or batches were missed."""
        self._roster = self._meanwhile = None

    async def _followed(self, now: datetime) -> Roster:
        async with self._loading:
            # A clock that was set back makes readings unsure that were passed over as too old.
            if self._roster is None or self._read_at is None or now < self._read_at:
                return await self._load(now)
            return self._roster

    async def _load(self, now: datetime) -> Roster:
        self._roster, self._meanwhile = None, []
        try:
            roster = await self._read(now)
        except BaseException:
            self._meanwhile = None
            raise
        meanwhile, self._meanwhile = self._meanwhile, None
        # None where it was forgotten while it was being read: then it serves this request alone.
        if meanwhile is not None:
            self._roster, self._read_at = roster, now
            self.take(meanwhile)
        return roster

    async def _read(self, now: datetime) -> Roster:
        self._beds_until = 0.0
        # Patients first: of an alarm that is read, the patient is known.
        newest = await self._reader.newest(now=now, max_ages=self._max_ages)
        return Roster(newest, map(alarm_of, await self._reader.open_alarms()), self._max_ages)

    async def _renew_beds(self, roster: Roster) -> None:
        commands, now = self._broadcast.commands, anyio.current_time()
        if now < self._beds_until and commands == self._commands and not roster.has_new:
            return
        roster.lay(await self._reader.places(), await self._reader.entered())
        roster.forget_before(await self._reader.horizon())
        self._commands, self._beds_until = commands, now + BEDS_FOR

    async def _ask(self, unsure: Sequence[Kept], now: datetime) -> Mapping[int, Latest]:
        try:
            if len(unsure) <= FEW:
                return {each.key: latest_of(each, await self._reader.patient(each.uuid, now=now)) for each in unsure}
            states = {each.uuid: each for each in await self._reader.patients(now=now)}
            return {each.key: latest_of(each, states[each.uuid]) for each in unsure}
        except (PatientNotFoundError, KeyError) as exc:
            self.forget()
            raise StoreUnavailableError("the database was replaced meanwhile: ask again") from exc
